// SPDX-License-Identifier: Apache-2.0
#include "simulation.hpp"

#include <algorithm>

namespace prd32 {
namespace {

/// At 1 GB/s this is 10 KB of DMA, copied in a few microseconds: much less than a client waits for a reply anyway.
const sc_core::sc_time& slice() {
  static const sc_core::sc_time time(10, sc_core::SC_US);
  return time;
}

/// A slice, or what leads to the next event.
sc_core::sc_time step() {
  return std::max(slice(), sc_core::sc_time_to_pending_activity());
}

/// A card needs two or three; one that oscillates must not keep the client waiting.
constexpr int kMostDeltaCycles = 100;

}  // namespace

SystemCSimulation::SystemCSimulation() {
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
}

/// Whether its next step would lead too far ahead.
bool SystemCSimulation::held() {
  const sc_core::sc_time end = sc_core::sc_time_stamp() + step();
  if (end > limit_) {
    limit_ =
        sc_core::sc_time(std::chrono::duration<double>(Clock::now() - began_ + kMostAhead).count(), sc_core::SC_SEC);
  }
  return end > limit_;
}

std::optional<Simulation::Clock::time_point> SystemCSimulation::resumes() {
  if (!sc_core::sc_pending_activity() || !held()) {
    return std::nullopt;
  }
  const std::chrono::duration<double> end((sc_core::sc_time_stamp() + step()).to_seconds());
  return began_ - kMostAhead + std::chrono::ceil<Clock::duration>(end);
}

void SystemCSimulation::settle() {
  for (int i = 0; i < kMostDeltaCycles && sc_core::sc_pending_activity_at_current_time(); ++i) {
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
  }
}

void SystemCSimulation::advance() {
  sc_core::sc_start(step());
}

}  // namespace prd32
