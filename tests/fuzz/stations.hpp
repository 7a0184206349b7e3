// SPDX-License-Identifier: Apache-2.0
// The cards that inputs choose from. SystemC elaborates once a process, so all of them are there from the start.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "station.hpp"

namespace prd32::fuzz {

using Stations = std::vector<std::unique_ptr<Station>>;

/// Builds them and starts the simulation. Once a process.
/// mistaken: the witnesses of all cards believe that they are the first one, and so must find fault with the others.
Stations make_stations(bool mistaken);

}  // namespace prd32::fuzz
