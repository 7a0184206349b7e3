// SPDX-License-Identifier: Apache-2.0
#include "simulation.hpp"

#include <cmath>
#include <systemc>

namespace prd32::scenario::simulation {

namespace {

sc_core::sc_time to_sc(Picoseconds time) {
  return {static_cast<double>(time.count()), sc_core::SC_PS};
}

/// SystemC warns when it is asked to let no time pass.
void advance(const sc_core::sc_time& time) {
  if (time != sc_core::SC_ZERO_TIME) {
    sc_core::sc_start(time);
  }
  settle();
}

}  // namespace

void power_up() {
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  settle();
}

void settle() {
  while (sc_core::sc_pending_activity_at_current_time()) {
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
  }
}

Wait run_until(const std::function<bool()>& condition, Picoseconds within) {
  const sc_core::sc_time end = sc_core::sc_time_stamp() + to_sc(within);
  while (!condition()) {
    if (!sc_core::sc_pending_activity()) {
      return Wait::kStill;
    }
    const sc_core::sc_time step = sc_core::sc_time_to_pending_activity();
    if (sc_core::sc_time_stamp() + step > end) {
      advance(end - sc_core::sc_time_stamp());
      return Wait::kTooLate;
    }
    advance(step);
  }
  return Wait::kDone;
}

void run_for(Picoseconds time) {
  advance(to_sc(time));
}

Picoseconds now() {
  return Picoseconds(std::llround(sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_PS)));
}

}  // namespace prd32::scenario::simulation
