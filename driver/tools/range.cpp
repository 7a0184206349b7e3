// SPDX-License-Identifier: Apache-2.0
#include "range.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "scattered_buffer.hpp"

namespace prd32::ctl {
namespace {

constexpr std::uint64_t kPartBytes = 4U << 20U;  // large enough for speed, small enough for progress

}  // namespace

Range Range::within(const Device& card) const {
  const std::uint64_t memory = card.info().memory_size;
  if (offset >= memory || size > memory - offset) {
    throw std::invalid_argument(fmt::format("{} bytes at {} are not inside of card memory, which has {} bytes",
                                            size == 0 ? 1 : size, offset, memory));
  }
  return {.offset = offset, .size = size == 0 ? memory - offset : size};
}

void for_each_part(const Range& range, const std::function<void(std::uint64_t, std::size_t)>& part) {
  for (std::uint64_t done = 0; done < range.size;) {
    const std::uint64_t size = std::min(kPartBytes, range.size - done);
    part(range.offset + done, static_cast<std::size_t>(size));
    done += size;
  }
}

std::byte Content::at(std::uint64_t card_offset) const {
  return static_cast<std::byte>(byte ? *byte : pattern_byte(seed, card_offset));
}

void Content::fill(std::span<std::byte> data, std::uint64_t card_offset) const {
  for (std::byte& each : data) {
    each = at(card_offset++);
  }
}

Json rate(std::uint64_t bytes, double seconds) {
  return seconds > 0 ? Json(std::round(static_cast<double>(bytes) / seconds)) : Json(nullptr);
}

}  // namespace prd32::ctl
