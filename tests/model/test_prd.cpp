// SPDX-License-Identifier: Apache-2.0
// The descriptor's layout, against bytes written out by hand.
#include <gtest/gtest.h>

#include <array>

#include "prd32/prd.hpp"

namespace prd32 {
namespace {

TEST(Prd, DecodesLittleEndianBytes) {
  const std::array<std::uint8_t, prd::kBytes> raw{0x78, 0x56, 0x34, 0x12, 0xcd, 0xab, 0x00, 0x80};
  const Prd prd = decode_prd(raw);
  EXPECT_EQ(prd.base, 0x12345678U);
  EXPECT_EQ(prd.bytes, 0xabcdU);
  EXPECT_EQ(prd.reserved, 0U);
  EXPECT_TRUE(prd.eot);
}

TEST(Prd, CountZeroIs64KiB) {
  const std::array<std::uint8_t, prd::kBytes> raw{};
  EXPECT_EQ(decode_prd(raw).bytes, 65536U);
  EXPECT_FALSE(decode_prd(raw).eot);
}

TEST(Prd, EveryReservedBitIsSeenAndOnlyThose) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    std::array<std::uint8_t, prd::kBytes> raw{};
    raw[bit / 8] = static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_EQ(decode_prd(raw).reserved != 0, bit >= 48 && bit < 62) << "bit " << bit;
  }
}

TEST(Prd, EncodesWhatItDecodes) {
  for (const std::uint64_t bytes : {1U, 2U, 65535U, 65536U}) {
    std::array<std::uint8_t, prd::kBytes> raw{};
    encode_prd({.base = 0xfedcba98, .bytes = bytes, .reserved = 0x3fff, .mark = true, .eot = true}, raw);
    const Prd prd = decode_prd(raw);
    EXPECT_EQ(prd.base, 0xfedcba98U);
    EXPECT_EQ(prd.bytes, bytes);
    EXPECT_EQ(prd.reserved, 0x3fffU);
    EXPECT_TRUE(prd.mark);
    EXPECT_TRUE(prd.eot);
  }
}

}  // namespace
}  // namespace prd32
