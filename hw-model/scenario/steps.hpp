// SPDX-License-Identifier: Apache-2.0
// The steps of a scenario file.
#pragma once

#include "contents.hpp"
#include "scenario.hpp"

namespace prd32::scenario {

/// What steps refer to.
struct StepContext {
  const Scenario& scenario;  ///< all but its steps
  const Addresses& addresses;
  Picoseconds deadline{};  ///< of a wait that says none
};

Step read_step(const Source& source, const toml::table& table, const StepContext& context);

}  // namespace prd32::scenario
