// SPDX-License-Identifier: Apache-2.0
// How much memory a process with one card takes.
#pragma once

#include <cstdint>

namespace prd32::bench {

/// Starts this program again with --footprint and returns what that printed, MiB. Throws std::runtime_error when it
/// fails.
double footprint_of_a_process(std::uint64_t card_memory, bool touched);

/// What that process does: builds a card, touches all of its memory if told, makes one transfer, and prints the most
/// memory that it ever had, in KiB. To be called before the simulation starts.
void print_footprint(std::uint64_t card_memory, bool touched);

}  // namespace prd32::bench
