// SPDX-License-Identifier: Apache-2.0
// What the card counts for whoever runs it. A reset of the card does not clear it.
#pragma once

#include <array>
#include <cstdint>

#include "prd32/registers.hpp"

namespace prd32 {

struct CardStatistics {
  std::uint64_t tables = 0;                                 ///< transfers that ended in success
  std::uint64_t errors = 0;                                 ///< transfers that ended in error
  std::uint64_t stops = 0;                                  ///< transfers that the driver or a reset ended
  std::uint64_t prds = 0;                                   ///< descriptors completed
  std::uint64_t bytes_to_host = 0;                          ///< moved from card memory to the bus
  std::uint64_t bytes_from_host = 0;                        ///< moved from the bus to card memory
  std::array<std::uint64_t, vectors::kCount> interrupts{};  ///< rising edges of each vector's line
};

}  // namespace prd32
