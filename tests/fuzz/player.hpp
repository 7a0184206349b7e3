// SPDX-License-Identifier: Apache-2.0
// Makes happen what a script says.
#pragma once

#include <optional>
#include <string>

#include "script.hpp"
#include "stations.hpp"

namespace prd32::fuzz {

/// Plays the script on the card that it chooses, and ends everything. Returns what is wrong with the card, if anything.
/// Takes a few simulated milliseconds at most, and so a bounded number of descriptors, whatever the script says.
std::optional<std::string> play(const Script& script, Stations& stations);

}  // namespace prd32::fuzz
