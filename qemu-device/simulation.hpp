// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <systemc>

#include "event_loop.hpp"

namespace prd32 {

/// Drives the SystemC kernel for the loop. One exists, as there is one kernel.
class SystemCSimulation final : public Simulation {
 public:
  /// Ends elaboration: all modules exist and are bound.
  SystemCSimulation();

  [[nodiscard]] bool quiet() const override { return !sc_core::sc_pending_activity(); }
  void settle() override;
  void advance() override;
};

}  // namespace prd32
