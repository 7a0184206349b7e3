// SPDX-License-Identifier: Apache-2.0
// What differs from card to card, and which configurations are refused.
#include <optional>

#include "bench.hpp"

namespace prd32::test {
namespace {

TEST(Configuration, RegistersTellOfIt) {
  EXPECT_EQ(bench().read(regs::MemSize::kOffset), limits::kMemoryDefault);
  EXPECT_EQ(regs::field_get(regs::Caps::kGranuleLog2, bench().read(regs::Caps::kOffset)), 0U);
  EXPECT_EQ(small_bench().read(regs::MemSize::kOffset), limits::kMemoryMin);
  EXPECT_EQ(regs::field_get(regs::Caps::kGranuleLog2, small_bench().read(regs::Caps::kOffset)), 2U);
  EXPECT_EQ(regs::field_get(regs::Caps::kChannels, small_bench().read(regs::Caps::kOffset)), limits::kChannels);
}

TEST(Configuration, ResetKeepsIt) {
  small_bench().reset();
  EXPECT_EQ(small_bench().read(regs::MemSize::kOffset), limits::kMemoryMin);
  EXPECT_EQ(regs::field_get(regs::Caps::kGranuleLog2, small_bench().read(regs::Caps::kOffset)), 2U);
}

TEST(Configuration, MemoryIsAsLargeAsTold) {
  EXPECT_EQ(bench().card.memory().size(), limits::kMemoryDefault);
  EXPECT_EQ(small_bench().card.memory().size(), limits::kMemoryMin);
}

TEST(Configuration, TheEdgesAreAllowed) {
  EXPECT_EQ(refusal({.memory_size = limits::kMemoryMin, .timing = {}}), std::nullopt);
  EXPECT_EQ(refusal({.memory_size = limits::kMemoryMax, .timing = {}}), std::nullopt);
}

TEST(Configuration, OutOfRangeIsRefused) {
  EXPECT_NE(refusal({.memory_size = 0, .timing = {}}), std::nullopt);
  EXPECT_NE(refusal({.memory_size = limits::kMemoryMin - 4096, .timing = {}}), std::nullopt);
  EXPECT_NE(refusal({.memory_size = limits::kMemoryMax + 4096, .timing = {}}), std::nullopt);
  EXPECT_NE(refusal({.memory_size = limits::kMemoryMin + 1, .timing = {}}), std::nullopt);
  EXPECT_NE(refusal({.timing = {.start = sc_core::SC_ZERO_TIME, .link = {}}}), std::nullopt);
  EXPECT_NE(refusal({.timing = {.bytes_per_ns = 0, .link = {}}}), std::nullopt);
}

TEST(Configuration, TheCardItselfRefusesToo) {
  EXPECT_TRUE(construction_was_refused());
}

}  // namespace
}  // namespace prd32::test
