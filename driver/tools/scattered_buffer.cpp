// SPDX-License-Identifier: Apache-2.0
#include "scattered_buffer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace prd32::ctl {
namespace {

constexpr std::uint8_t kGuard = 0xa5;
constexpr std::uint64_t kPagePresent = 1ULL << 63U;      // in /proc/self/pagemap
constexpr std::uint64_t kPageFrame = (1ULL << 55U) - 1;  // likewise; zero for those who may not know

// Of the mapping: a page of guards on both sides, and whole pages between them.
std::size_t mapped(std::size_t bytes, std::size_t page_offset) {
  if (page_offset >= page_size()) {
    throw std::invalid_argument("the offset in a page must be less than " + std::to_string(page_size()));
  }
  if (bytes > SIZE_MAX - 4 * page_size()) {
    throw std::invalid_argument(std::to_string(bytes) + " bytes are more than there can be memory");
  }
  return 2 * page_size() + (page_offset + bytes + page_size() - 1) / page_size() * page_size();
}

bool all_guard(const std::uint8_t* begin, const std::uint8_t* end) {
  return std::all_of(begin, end, [](std::uint8_t byte) { return byte == kGuard; });
}

}  // namespace

ScatteredBuffer::ScatteredBuffer(std::size_t bytes, std::size_t page_offset)
    : bytes_(bytes),
      start_(page_size() + page_offset),
      mapping_(mapped(bytes, page_offset), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, "a buffer") {
  // May fail where the kernel has no huge pages, and then it is not needed.
  madvise(mapping_.data(), mapping_.size(), MADV_NOHUGEPAGE);
  std::vector<std::size_t> order(mapping_.size() / page_size());
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(bytes));
  for (const std::size_t page : order) {
    std::memset(mapping_.data() + page * page_size(), kGuard, page_size());
  }
}

bool ScatteredBuffer::guards_intact() const {
  const std::uint8_t* begin = mapping_.data();
  return all_guard(begin, begin + start_) && all_guard(begin + start_ + bytes_, begin + mapping_.size());
}

bool ScatteredBuffer::untouched_from(std::size_t first) const {
  const auto rest = data().subspan(first);
  return all_guard(rest.data(), rest.data() + rest.size());
}

std::optional<std::size_t> ScatteredBuffer::pieces() const {
  std::optional<File> opened;
  try {
    opened.emplace("/proc/self/pagemap", O_RDONLY);
  } catch (const std::system_error&) {  // not this user's, as where the program has capabilities
    return std::nullopt;
  }
  const File& pagemap = *opened;
  const auto first = reinterpret_cast<std::uintptr_t>(mapping_.data() + start_) / page_size();
  const auto last =
      reinterpret_cast<std::uintptr_t>(mapping_.data() + start_ + std::max<std::size_t>(bytes_, 1) - 1) / page_size();
  std::vector<std::uint64_t> entries(last - first + 1);
  const auto wanted = static_cast<ssize_t>(entries.size() * sizeof(std::uint64_t));
  if (pread(pagemap.get(), entries.data(), static_cast<std::size_t>(wanted),
            static_cast<off_t>(first * sizeof(std::uint64_t))) != wanted) {
    fail("cannot read " + pagemap.name());
  }
  std::size_t runs = 0;
  std::uint64_t previous = 0;
  for (const std::uint64_t entry : entries) {
    const std::uint64_t frame = entry & kPageFrame;
    if ((entry & kPagePresent) == 0 || frame == 0) {
      return std::nullopt;
    }
    runs += frame == previous + 1 ? 0 : 1;
    previous = frame;
  }
  return runs;
}

void fill_pattern(std::span<std::uint8_t> data, std::uint64_t seed, std::uint64_t card_offset) {
  for (std::uint8_t& byte : data) {
    byte = pattern_byte(seed, card_offset++);
  }
}

std::size_t matching_pattern(std::span<const std::uint8_t> data, std::uint64_t seed, std::uint64_t card_offset) {
  std::size_t count = 0;
  while (count < data.size() && data[count] == pattern_byte(seed, card_offset + count)) {
    ++count;
  }
  return count;
}

}  // namespace prd32::ctl
