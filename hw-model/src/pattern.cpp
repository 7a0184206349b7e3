// SPDX-License-Identifier: Apache-2.0
#include "prd32/pattern.hpp"

#include <array>

namespace prd32 {

namespace {

constexpr unsigned kStateBits = 31;
constexpr std::uint32_t kStateMask = (std::uint32_t{1} << kStateBits) - 1;
constexpr unsigned kByteBits = 8;
constexpr unsigned kWordBytes = 4;

/// Eight steps at once; a step looks 28 bits back at least, so none of the eight depends on another.
constexpr std::uint8_t next_byte(std::uint32_t& state) {
  constexpr unsigned kOldest = 23;  // brings bit 30, 31 steps old, to the top of the byte
  constexpr unsigned kSecond = 20;  // brings bit 27, 28 steps old, there
  const auto byte = static_cast<std::uint8_t>(state >> kOldest ^ state >> kSecond);
  state = (state << kByteBits | byte) & kStateMask;
  return byte;
}

/// A linear map of states: what becomes of each single bit.
using Map = std::array<std::uint32_t, kStateBits>;

constexpr std::uint32_t mapped(const Map& map, std::uint32_t state) {
  std::uint32_t result = 0;
  for (unsigned bit = 0; bit < kStateBits; ++bit) {
    result ^= (state >> bit & 1U) != 0 ? map[bit] : 0;
  }
  return result;
}

constexpr Map kOneByte = [] {
  Map map{};
  for (unsigned bit = 0; bit < kStateBits; ++bit) {
    map[bit] = std::uint32_t{1} << bit;
    (void)next_byte(map[bit]);
  }
  return map;
}();

}  // namespace

PatternStream::PatternStream(regs::PatternKind kind, std::uint32_t seed) : kind_(kind), state_(seed) {
  if (kind == regs::PatternKind::kPrbs31) {
    state_ &= kStateMask;
    state_ = state_ == 0 ? kStateMask : state_;  // from 0 it would never leave 0
  }
}

void PatternStream::make(std::span<std::uint8_t> out) {
  if (kind_ == regs::PatternKind::kPrbs31) {
    for (std::uint8_t& byte : out) {
      byte = next_byte(state_);
    }
    return;
  }
  for (std::uint8_t& byte : out) {
    const auto word = static_cast<std::uint32_t>(state_ + position_ / kWordBytes);
    byte = static_cast<std::uint8_t>(word >> kByteBits * (position_ % kWordBytes));
    ++position_;
  }
}

void PatternStream::skip(std::uint64_t bytes) {
  position_ += bytes;
  if (kind_ != regs::PatternKind::kPrbs31) {
    return;
  }
  for (Map power = kOneByte; bytes != 0; bytes >>= 1U) {  // 1, 2, 4, ... bytes at once
    if ((bytes & 1U) != 0) {
      state_ = mapped(power, state_);
    }
    const Map once = power;
    for (std::uint32_t& column : power) {
      column = mapped(once, column);
    }
  }
}

}  // namespace prd32
