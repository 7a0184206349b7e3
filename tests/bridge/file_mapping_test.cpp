// SPDX-License-Identifier: Apache-2.0
#include "prd32/file_mapping.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "unique_fd.hpp"

namespace prd32 {
namespace {

constexpr std::uint64_t kHugePage = 2U << 20;

UniqueFd file(std::uint64_t bytes) {
  UniqueFd made(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(made.get(), static_cast<off_t>(bytes)), 0);
  return made;
}

TEST(FileMapping, ShowsTheFileWhereHugePagesCanBeMapped) {
  for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{4097}, kHugePage, 3 * kHugePage + 4096}) {
    const UniqueFd fd = file(bytes);
    const auto mapped = map_file(fd.get(), bytes, true);
    ASSERT_EQ(mapped.size(), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(mapped.data()) % kHugePage, 0U);
    mapped.back() = std::byte{7};
    std::byte there{};
    EXPECT_EQ(::pread(fd.get(), &there, 1, static_cast<off_t>(bytes - 1)), 1);
    EXPECT_EQ(there, std::byte{7});
    EXPECT_EQ(::munmap(mapped.data(), mapped.size()), 0);
  }
}

TEST(FileMapping, WhatCannotBeMappedLeavesNothing) {
  EXPECT_TRUE(map_file(-1, 4096, true).empty());
  EXPECT_EQ(errno, EBADF);
  EXPECT_TRUE(map_file(file(4096).get(), std::uint64_t{1} << 60, false).empty());
  EXPECT_EQ(errno, ENOMEM);
}

TEST(FileMapping, ReadOnlyIsReadOnly) {
  const UniqueFd fd = file(4096);
  const auto mapped = map_file(fd.get(), 4096, false);
  ASSERT_FALSE(mapped.empty());
  EXPECT_EQ(::read(file(4096).get(), mapped.data(), 1), -1);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_EQ(::munmap(mapped.data(), mapped.size()), 0);
}

}  // namespace
}  // namespace prd32
