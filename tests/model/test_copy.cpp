// SPDX-License-Identifier: Apache-2.0
// Both ways to copy copy what they are told to and nothing beside, wherever that lies.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "prd32/copy.hpp"

namespace prd32::test {
namespace {

constexpr std::size_t kMost = 64 * 1024;
constexpr std::size_t kAround = 128;
constexpr std::uint8_t kUntouched = 0xa5;

std::vector<std::uint8_t> some_bytes(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::uint8_t>(state >> 24U);
  }
  return bytes;
}

using Way = void (*)(std::span<std::uint8_t>, std::span<const std::uint8_t>);

class Copy : public testing::TestWithParam<Way> {};

void expect_exact_copy(Way way, std::size_t to, std::size_t from, std::size_t size) {
  static const std::vector<std::uint8_t> source = some_bytes(kMost + kAround);
  std::vector<std::uint8_t> target(kMost + 2 * kAround, kUntouched);
  std::vector<std::uint8_t> expected = target;
  std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(from), size,
              expected.begin() + static_cast<std::ptrdiff_t>(to));
  way(std::span(target).subspan(to, size), std::span(source).subspan(from, size));
  EXPECT_TRUE(target == expected) << size << " bytes from +" << from << " to +" << to;
}

TEST_P(Copy, IsExactWhereverItBeginsAndEnds) {
  for (const std::size_t size : {std::size_t{16 * 1024}, std::size_t{16 * 1024 + 1}, std::size_t{40'000}, kMost}) {
    for (std::size_t shift = 0; shift < 64; ++shift) {
      expect_exact_copy(GetParam(), kAround + shift, 0, size);
      expect_exact_copy(GetParam(), kAround, shift, size);
      expect_exact_copy(GetParam(), kAround + shift, 63 - shift, size - shift);
    }
  }
}

TEST_P(Copy, IsExactForLittle) {
  for (const std::size_t size : {0U, 1U, 15U, 64U, 4096U, 16U * 1024U - 1U}) {
    expect_exact_copy(GetParam(), kAround + 1, 3, size);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, Copy, testing::Values(&copy_past_cache, &copy_to_memory),
                         [](const auto& way) { return way.param == &copy_past_cache ? "PastCache" : "ToMemory"; });

}  // namespace
}  // namespace prd32::test
