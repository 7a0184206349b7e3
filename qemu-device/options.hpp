// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dma_map.hpp"
#include "prd32/profile.hpp"
#include "prd32/registers.hpp"
#include "prd32/timing.hpp"

namespace prd32 {

/// The command line of prd32-device.
struct Options {
  std::string socket;
  int socket_fd = -1;
  int ready_fd = -1;
  std::uint64_t memory_size = limits::kMemoryDefault;
  Profile profile = regs::kProfiles.front();
  std::optional<LinkConfig> link;  ///< nothing: nominal time
  std::string wave;                ///< a file that ends in .vcd; empty: none
  std::string violations;
  std::string stats;
  std::string control;   ///< path of the socket for faults; empty: none
  std::string injected;  ///< a file
  std::string log_level = "info";
  unsigned spin_us = 50;
  DmaMode dma = DmaMode::kAuto;
  unsigned dma_timeout_ms = 10000;  ///< for a reply of the client; 0: no end
  bool msix = true;                 ///< whether the function has an MSI-X capability besides MSI and INTx
  bool map_memory = true;           ///< whether a client may map the memory BAR
  bool once = false;
};

/// Reads the command line. `done` is the exit status when there is nothing left to do: 0 after --help and --version,
/// other than 0 after a mistake, which has been explained on standard error by then.
struct ParsedOptions {
  Options options;
  std::optional<int> done;
};
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace prd32
