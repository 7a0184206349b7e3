// SPDX-License-Identifier: Apache-2.0
// The streams of endpoint PATTERN. No SystemC here.
#pragma once

#include <cstdint>
#include <span>

#include "prd32/registers.hpp"

namespace prd32 {

/// A place in a stream of bytes; docs/datasheet.md, section 6, defines the streams.
class PatternStream {
 public:
  PatternStream() = default;
  PatternStream(regs::PatternKind kind, std::uint32_t seed);

  /// The next bytes.
  void make(std::span<std::uint8_t> out);
  /// Leaves out that many bytes, in time that does not grow with their number.
  void skip(std::uint64_t bytes);

 private:
  regs::PatternKind kind_ = regs::PatternKind::kPrbs31;
  std::uint32_t state_ = 0;     // PRBS31: the last 31 bits; COUNTER: the first word
  std::uint64_t position_ = 0;  // COUNTER: bytes made
};

}  // namespace prd32
