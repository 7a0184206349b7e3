// SPDX-License-Identifier: Apache-2.0
#include "streams.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace prd32::oracle {

namespace {

constexpr std::uint32_t kPrbsMask = 0x7fffffff;
constexpr unsigned kByteBits = 8;

constexpr std::array<std::uint32_t, 256> crc_table() {
  constexpr std::uint32_t kCastagnoli = 0x82f63b78;  // reflected
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t remainder = i;
    for (unsigned bit = 0; bit < kByteBits; ++bit) {
      remainder = (remainder >> 1U) ^ ((remainder & 1U) != 0 ? kCastagnoli : 0);
    }
    table.at(i) = remainder;
  }
  return table;
}

constexpr auto kCrcTable = crc_table();

}  // namespace

PatternStream::PatternStream(PatternKind kind, std::uint32_t seed) : kind_(kind), state_(seed) {
  if (kind == PatternKind::kPrbs31) {
    state_ &= kPrbsMask;
    state_ = state_ == 0 ? kPrbsMask : state_;
  }
}

std::uint8_t PatternStream::prbs31() {
  const std::uint32_t byte = ((state_ >> 23U) ^ (state_ >> 20U)) & 0xffU;
  state_ = ((state_ << kByteBits) | byte) & kPrbsMask;
  return static_cast<std::uint8_t>(byte);
}

std::uint8_t PatternStream::counter() {
  const auto byte = static_cast<std::uint8_t>(state_ >> (byte_ * kByteBits));
  byte_ = (byte_ + 1) % sizeof state_;
  state_ += byte_ == 0 ? 1 : 0;
  return byte;
}

void PatternStream::take(std::span<std::uint8_t> data) {
  std::ranges::generate(data, [this] { return kind_ == PatternKind::kPrbs31 ? prbs31() : counter(); });
}

void Crc32c::add(std::span<const std::uint8_t> data) {
  for (const std::uint8_t byte : data) {
    state_ = (state_ >> kByteBits) ^ kCrcTable.at((state_ ^ byte) & 0xffU);
  }
}

void Loopback::put(std::span<const std::uint8_t> data) {
  bytes_.insert(bytes_.end(), data.begin(), data.end());
}

void Loopback::peek(std::span<std::uint8_t> data) const {
  if (!data.empty()) {
    std::memcpy(data.data(), &bytes_[taken_], data.size());
  }
}

void Loopback::drop(std::uint64_t bytes) {
  taken_ += bytes;
  if (held() == 0) {
    clear();
  }
}

void Loopback::clear() {
  bytes_.clear();
  taken_ = 0;
}

}  // namespace prd32::oracle
