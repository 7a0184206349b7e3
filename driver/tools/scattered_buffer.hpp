// SPDX-License-Identifier: Apache-2.0
// User memory as unpleasant for DMA as it gets: neighbouring pages that are not neighbours in physical memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "system.hpp"

namespace prd32::ctl {

/// A buffer whose pages are physically scattered, with guard bytes on both sides.
///
/// Memory is taken a page at a time, in shuffled order and without huge pages, so that physical neighbours end up far
/// apart. A whole page of guard bytes and the rest of the buffer's own first and last page surround the data.
class ScatteredBuffer {
 public:
  /// `bytes` of data, which start `page_offset` bytes into a page (less than a page).
  explicit ScatteredBuffer(std::size_t bytes, std::size_t page_offset = 0);

  [[nodiscard]] std::span<std::uint8_t> data() { return {mapping_.data() + start_, bytes_}; }
  [[nodiscard]] std::span<const std::uint8_t> data() const { return {mapping_.data() + start_, bytes_}; }
  /// Whether no byte outside of the data was changed.
  [[nodiscard]] bool guards_intact() const;
  /// Whether the data from byte `first` on is as the constructor left it.
  [[nodiscard]] bool untouched_from(std::size_t first) const;
  /// Runs of physically contiguous pages under the data; nothing when this user may not know (root may).
  [[nodiscard]] std::optional<std::size_t> pieces() const;

 private:
  std::size_t bytes_;
  std::size_t start_;
  Mapping mapping_;
};

/// The byte that a test pattern has at an offset of the card. Neighbours differ, and so do blocks of any power of two.
constexpr std::uint8_t pattern_byte(std::uint64_t seed, std::uint64_t card_offset) {
  std::uint64_t value = (card_offset + 1) * 0x9e3779b97f4a7c15U + seed * 0xbf58476d1ce4e5b9U;
  value ^= value >> 31U;
  value *= 0x94d049bb133111ebU;
  return static_cast<std::uint8_t>(value >> 56U);
}

/// Writes the pattern of the card's bytes from `card_offset` on.
void fill_pattern(std::span<std::uint8_t> data, std::uint64_t seed, std::uint64_t card_offset);
/// How many bytes from the start on are the pattern's.
std::size_t matching_pattern(std::span<const std::uint8_t> data, std::uint64_t seed, std::uint64_t card_offset);

}  // namespace prd32::ctl
