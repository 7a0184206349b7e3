// SPDX-License-Identifier: Apache-2.0
// A range of card memory, and what it is filled with or expected to hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <prd32/device.hpp>
#include <span>

#include "context.hpp"

namespace prd32::ctl {

/// Where in card memory.
struct Range {
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t size = 0;    ///< bytes; 0: to the end of card memory

  /// With the size filled in. Throws std::invalid_argument when it is not inside of card memory.
  [[nodiscard]] Range within(const Device& card) const;
};

/// Calls `part` with the offset in card memory and size of each part of a range, from its beginning to its end.
void for_each_part(const Range& range, const std::function<void(std::uint64_t offset, std::size_t size)>& part);

/// Every byte of card memory as it should be: always the same one, or that of the pattern.
struct Content {
  std::optional<unsigned> byte;  ///< 0 to 255
  std::uint64_t seed = 1;        ///< chooses the pattern

  void fill(std::span<std::byte> data, std::uint64_t card_offset) const;
  [[nodiscard]] std::byte at(std::uint64_t card_offset) const;
};

/// Bytes per second, as a result.
Json rate(std::uint64_t bytes, double seconds);

}  // namespace prd32::ctl
