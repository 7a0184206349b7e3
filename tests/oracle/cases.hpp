// SPDX-License-Identifier: Apache-2.0
// Random cases that are nearly right: faults at the edges of what the data sheet allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "case.hpp"
#include "paper_card.hpp"

namespace prd32::oracle {

/// The built-in profiles, then random ones that come from the seed.
std::vector<CardKind> card_kinds(std::uint64_t seed, std::size_t count);

/// Case so-and-so of the seed, for one of these cards. The same on every machine.
Case make_case(const std::vector<CardKind>& kinds, std::uint64_t seed, std::uint64_t number);

/// How far the oracle goes in that case. Few cases are allowed to be long.
Limits limits_of(std::uint64_t number);

}  // namespace prd32::oracle
