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
  std::uint64_t dma_read_bytes = 0;       ///< copied from the client's memory files
  std::uint64_t dma_write_bytes = 0;      ///< copied to the client's memory files
  std::uint64_t dma_refused = 0;          ///< accesses, of either kind
  std::uint64_t message_reads = 0;        ///< accesses that the client was asked to carry out
  std::uint64_t message_writes = 0;       ///< likewise
  std::uint64_t message_read_bytes = 0;   ///< that the client brought
  std::uint64_t message_write_bytes = 0;  ///< that the client confirmed
  std::uint64_t dma_messages = 0;         ///< sent for all that
  std::uint64_t late_replies = 0;         ///< to messages that nobody waited for any more
};

}  // namespace prd32
