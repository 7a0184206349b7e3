// SPDX-License-Identifier: Apache-2.0
// The endpoints' bytes, as section 6 of the data sheet has them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "prd32/registers.hpp"

namespace prd32::oracle {

using regs::PatternKind;

/// Endpoint PATTERN without a rate.
class PatternStream {
 public:
  PatternStream() = default;
  PatternStream(PatternKind kind, std::uint32_t seed);
  void take(std::span<std::uint8_t> data);

 private:
  std::uint8_t prbs31();
  std::uint8_t counter();

  PatternKind kind_ = PatternKind::kPrbs31;
  std::uint32_t state_ = 0;
  unsigned byte_ = 0;  // of the counter's word
};

/// CRC-32C of what was added.
class Crc32c {
 public:
  void add(std::span<const std::uint8_t> data);
  std::uint32_t value() const { return ~state_; }

 private:
  std::uint32_t state_ = ~std::uint32_t{0};
};

/// Endpoint LOOPBACK: bytes that wait.
class Loopback {
 public:
  std::uint64_t held() const { return bytes_.size() - taken_; }
  bool has_room(std::uint64_t bytes) const { return bytes <= limits::kLoopbackBytes - held(); }
  void put(std::span<const std::uint8_t> data);
  /// The next bytes, which stay.
  void peek(std::span<std::uint8_t> data) const;
  void drop(std::uint64_t bytes);
  void clear();

 private:
  std::vector<std::uint8_t> bytes_;
  std::uint64_t taken_ = 0;
};

}  // namespace prd32::oracle
