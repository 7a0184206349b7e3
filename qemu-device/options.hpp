// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "prd32/registers.hpp"

namespace prd32 {

/// The command line of prd32-device.
struct Options {
  std::string socket;
  int socket_fd = -1;
  int ready_fd = -1;
  std::uint64_t memory_size = limits::kMemoryDefault;
  std::string violations;
  std::string stats;
  std::string log_level = "info";
  unsigned spin_us = 50;
  bool once = false;
};

/// Declares the options on `app`, which outlives neither `options` nor this call's checks.
void declare(CLI::App& app, Options& options);

}  // namespace prd32
