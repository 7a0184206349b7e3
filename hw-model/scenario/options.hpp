// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace prd32::scenario {

/// All of a run went well.
inline constexpr int kOk = 0;
/// An expectation did not hold.
inline constexpr int kFailed = 1;
/// The command line or a file has a mistake, or cannot be read or written.
inline constexpr int kMistaken = 2;

struct Options {
  std::vector<std::string> scenarios;
  std::string json;        ///< file for the report; empty: none
  std::string wave;        ///< file that ends in .vcd; empty: none
  std::string violations;  ///< file; empty: none
  bool list_registers = false;
  bool verbose = false;
};

struct ParsedOptions {
  Options options;
  std::optional<int> done;  ///< the program is to end with this status, and has said why
};

ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace prd32::scenario
