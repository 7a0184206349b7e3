// SPDX-License-Identifier: Apache-2.0
// The words of a command line, and the commands that they mean.
#pragma once

#include <functional>
#include <string>

#include "context.hpp"

namespace prd32::ctl {

/// A command line that was understood.
struct Chosen {
  Context context;
  std::function<Json(Context&)> run;             ///< the command
  std::function<std::string(const Json&)> show;  ///< its result for people; empty: as "name: value" lines
};

/// Understands a command line. Returns true; or false when there is nothing to be done: help was asked for and printed,
/// or what is wrong was printed. `status` is then the program's.
bool understand(int argc, char** argv, Chosen& chosen, int& status);

}  // namespace prd32::ctl
