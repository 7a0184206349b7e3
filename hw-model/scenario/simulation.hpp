// SPDX-License-Identifier: Apache-2.0
// Lets simulated time pass, from outside of the simulation.
#pragma once

#include <cstdint>
#include <functional>

#include "quantities.hpp"

namespace prd32::scenario::simulation {

/// Begins the simulation. Comes after everything is built, and before the functions below.
void power_up();

/// Lets everything happen that takes no time. Due after each access to the card; the functions below leave nothing.
void settle();

/// How a wait ended.
enum class Wait : std::uint8_t {
  kDone,
  kTooLate,  ///< the time is over
  kStill,    ///< nothing is going on any more, and nothing will
};
/// Lets time pass until the condition holds, which is asked whenever something has happened; to the picosecond when the
/// quantum is 0.
Wait run_until(const std::function<bool()>& condition, Picoseconds within);

void run_for(Picoseconds time);

/// Since the beginning.
Picoseconds now();

}  // namespace prd32::scenario::simulation
