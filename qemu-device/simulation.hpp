// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <systemc>

#include "event_loop.hpp"

namespace prd32 {

/// Drives the SystemC kernel for the loop. One exists, as there is one kernel.
///
/// Simulated time runs as fast as it can, and over a wait it leaps, so that a slow pattern takes no real time. But it
/// has an end, at SystemC's resolution of 1 ps after 213 days, and a guest that has the card wait all the time would be
/// there within minutes. So it may be ahead of real time by kMostAhead, and not by more.
class SystemCSimulation final : public Simulation {
 public:
  /// Ends elaboration: all modules exist and are bound.
  SystemCSimulation();

  [[nodiscard]] bool quiet() override { return !sc_core::sc_pending_activity() || held(); }
  [[nodiscard]] std::optional<Clock::time_point> resumes() override;
  void settle() override;
  void advance() override;

  static constexpr std::chrono::hours kMostAhead{24};

 private:
  [[nodiscard]] bool held();

  Clock::time_point began_ = Clock::now();
  sc_core::sc_time limit_;  // up to which it may go, as of when the clock was last looked at
};

}  // namespace prd32
