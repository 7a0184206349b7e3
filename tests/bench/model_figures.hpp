// SPDX-License-Identifier: Apache-2.0
// The figures of suite "model".
#pragma once

#include <memory>
#include <vector>

#include "figure.hpp"

namespace prd32::bench {

/// The cards that are measured, and what they are connected to. SystemC wants them built before the simulation starts.
class Workbench {
 public:
  Workbench();
  ~Workbench();
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;
  Workbench(Workbench&&) = delete;
  Workbench& operator=(Workbench&&) = delete;

  /// All figures, in the order in which they are worth reading. They refer to the workbench.
  std::vector<Figure> figures();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace prd32::bench
