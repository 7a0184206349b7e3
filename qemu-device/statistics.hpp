// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "wire.hpp"

namespace prd32 {

/// What the bridge did since the program started.
struct BridgeStatistics {
  std::array<std::uint64_t, wire::kCommands> messages{};  ///< by command number; [0] counts unknown ones
  std::uint64_t errors = 0;                               ///< messages answered with an errno
  std::uint64_t clients = 0;
  std::uint64_t dma_read_bytes = 0;   ///< from the client's memory
  std::uint64_t dma_write_bytes = 0;  ///< to the client's memory
  std::uint64_t dma_refused = 0;      ///< accesses
};

}  // namespace prd32
