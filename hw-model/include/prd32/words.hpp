// SPDX-License-Identifier: Apache-2.0
// 32-bit words in host memory, which are little endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace prd32 {

/// The word at that offset, bytes; all of it must lie inside.
inline std::uint32_t get_word(std::span<const std::uint8_t> from, std::size_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, from.subspan(offset, sizeof(word)).data(), sizeof(word));
  if constexpr (std::endian::native == std::endian::big) {
    word = __builtin_bswap32(word);
  }
  return word;
}

inline void put_word(std::span<std::uint8_t> into, std::size_t offset, std::uint32_t word) {
  if constexpr (std::endian::native == std::endian::big) {
    word = __builtin_bswap32(word);
  }
  std::memcpy(into.subspan(offset, sizeof(word)).data(), &word, sizeof(word));
}

}  // namespace prd32
