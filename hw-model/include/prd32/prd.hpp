// SPDX-License-Identifier: Apache-2.0
// The descriptor, decoded and encoded. Its layout is the register map's.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "prd32/registers.hpp"

namespace prd32 {

/// A region of host memory. Any 64-bit pattern decodes; what is wrong with it is for the rules to say.
struct Prd {
  std::uint64_t base = 0;      ///< bus address of the first byte
  std::uint64_t bytes = 0;     ///< 1..limits::kPrdMaxBytes
  std::uint64_t reserved = 0;  ///< the reserved bits; must be 0
  bool mark = false;           ///< interrupt when it is done, in a cyclic table
  bool eot = false;            ///< the table's last descriptor

  bool operator==(const Prd&) const = default;
};

using RawPrd = std::span<const std::uint8_t, prd::kBytes>;

constexpr Prd decode_prd(RawPrd raw) {
  std::array<std::uint8_t, prd::kBytes> bytes{};
  std::ranges::copy(raw, bytes.begin());
  if constexpr (std::endian::native == std::endian::big) {
    std::ranges::reverse(bytes);
  }
  const auto value = std::bit_cast<std::uint64_t>(bytes);
  const std::uint64_t count = regs::field_get(prd::kCount, value);
  return {.base = regs::field_get(prd::kBase, value),
          .bytes = count == 0 ? limits::kPrdMaxBytes : count,
          .reserved = regs::field_get(prd::kReserved, value),
          .mark = (value & prd::kMark) != 0,
          .eot = (value & prd::kEot) != 0};
}

/// The opposite, for test benches; limits::kPrdMaxBytes becomes count 0.
constexpr void encode_prd(const Prd& prd, std::span<std::uint8_t, prd::kBytes> raw) {
  std::uint64_t value = regs::field_put(prd::kBase, prd.base) | regs::field_put(prd::kCount, prd.bytes) |
                        regs::field_put(prd::kReserved, prd.reserved) | (prd.mark ? prd::kMark : 0) |
                        (prd.eot ? prd::kEot : 0);
  for (std::uint8_t& byte : raw) {
    byte = static_cast<std::uint8_t>(value);
    value >>= 8U;
  }
}

}  // namespace prd32
