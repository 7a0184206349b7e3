// SPDX-License-Identifier: Apache-2.0
#include "dma_map.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <limits>
#include <utility>
#include <vector>

#include "support.hpp"

namespace prd32 {
namespace {

constexpr std::uint64_t kPage = kDmaPageSize;
constexpr std::uint64_t kTop = std::numeric_limits<std::uint64_t>::max();

class DmaMapTest : public testing::Test {
 protected:
  int map(std::uint64_t page, std::uint64_t pages, std::uint64_t offset_pages = 0) {
    return map_.map(page * kPage, pages * kPage, true, true, file_, offset_pages * kPage);
  }
  DmaStatus read(std::uint64_t address, std::size_t size) {
    std::vector<std::byte> data(size);
    return map_.read(address, data).status;
  }

  UniqueFd file_ = test::memory_file(64 * kPage);
  DmaMap map_;
};

TEST_F(DmaMapTest, WhatIsWrittenIsInTheFile) {
  ASSERT_EQ(map(10, 4, 2), 0);
  const std::array<std::byte, 3> data = {std::byte{1}, std::byte{2}, std::byte{3}};
  ASSERT_EQ(map_.write(10 * kPage + 5, data).status, DmaStatus::kOk);
  std::array<std::byte, 3> found{};
  ASSERT_EQ(::pread(file_.get(), found.data(), found.size(), 2 * kPage + 5), 3);
  EXPECT_EQ(found, data);
}

TEST_F(DmaMapTest, AccessRunsOverAdjacentMappings) {
  for (std::uint64_t page = 0; page < 16; ++page) {
    ASSERT_EQ(map(100 + page, 1, 15 - page), 0);
  }
  std::vector<std::byte> data(16 * kPage);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<std::byte>(i * 7 + i / kPage);
  }
  ASSERT_EQ(map_.write(100 * kPage, data).status, DmaStatus::kOk);
  std::vector<std::byte> found(data.size());
  ASSERT_EQ(map_.read(100 * kPage, found).status, DmaStatus::kOk);
  EXPECT_EQ(found, data);
}

TEST_F(DmaMapTest, NamesTheFirstByteAtFault) {
  ASSERT_EQ(map(1, 1), 0);
  std::vector<std::byte> data(2 * kPage);
  const DmaMap::Result beyond = map_.read(kPage + 8, std::span(data).first(kPage));
  EXPECT_EQ(beyond.status, DmaStatus::kBeyondMapping);
  EXPECT_EQ(beyond.address, 2 * kPage);
  const DmaMap::Result before = map_.read(kPage - 1, std::span(data).first(2));
  EXPECT_EQ(before.status, DmaStatus::kUnmapped);
  EXPECT_EQ(before.address, kPage - 1);
}

TEST_F(DmaMapTest, RefusedWriteMovesNoByte) {
  ASSERT_EQ(map(1, 1), 0);
  const std::vector<std::byte> data(2 * kPage, std::byte{0xff});
  EXPECT_EQ(map_.write(kPage, data).status, DmaStatus::kBeyondMapping);
  std::array<std::byte, 8> found{};
  ASSERT_EQ(map_.read(kPage, found).status, DmaStatus::kOk);
  EXPECT_EQ(found, (std::array<std::byte, 8>{}));
}

TEST_F(DmaMapTest, AccessAtTheTopDoesNotWrap) {
  ASSERT_EQ(map_.map(kTop - kPage + 1, kPage, true, true, file_, 0), 0);
  ASSERT_EQ(map(0, 1), 0);
  EXPECT_EQ(read(kTop, 1), DmaStatus::kOk);
  EXPECT_EQ(read(kTop, 2), DmaStatus::kBeyondMapping);
}

TEST_F(DmaMapTest, RemembersWhatWasUnmapped) {
  ASSERT_EQ(map(1, 1), 0);
  ASSERT_EQ(map(2, 1), 0);
  ASSERT_EQ(map_.unmap(kPage, 2 * kPage), 0);
  EXPECT_EQ(read(kPage, 1), DmaStatus::kAfterUnmap);
  EXPECT_EQ(read(3 * kPage - 1, 1), DmaStatus::kAfterUnmap);
  EXPECT_EQ(read(3 * kPage, 1), DmaStatus::kUnmapped);
  map_.clear();
  EXPECT_EQ(read(kPage, 1), DmaStatus::kUnmapped);
}

TEST_F(DmaMapTest, ForgetsWhatWasUnmappedLongAgo) {
  for (std::uint64_t i = 0; i < 3000; ++i) {  // not adjacent, so each is remembered by itself
    ASSERT_EQ(map(2 * i, 1), 0);
    ASSERT_EQ(map_.unmap(2 * i * kPage, kPage), 0);
  }
  EXPECT_EQ(read(0, 1), DmaStatus::kUnmapped);
  EXPECT_EQ(read(2 * 2999 * kPage, 1), DmaStatus::kAfterUnmap);
}

TEST_F(DmaMapTest, InvalidatesWhatIsUnmapped) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> calls;
  map_.on_invalidate([&](std::uint64_t first, std::uint64_t last) { calls.emplace_back(first, last); });
  ASSERT_EQ(map(4, 4), 0);
  ASSERT_EQ(map_.unmap(0, kPage), 0);
  EXPECT_TRUE(calls.empty()) << "nothing was unmapped";
  ASSERT_EQ(map_.unmap(4 * kPage, 4 * kPage), 0);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0], std::pair(4 * kPage, 8 * kPage - 1));
}

TEST_F(DmaMapTest, InvalidatesEverythingWhenTheFileMoves) {
  int calls = 0;
  map_.on_invalidate([&](std::uint64_t first, std::uint64_t last) { calls += first == 0 && last == kTop ? 1 : 0; });
  ASSERT_EQ(map(0, 1), 0);
  ASSERT_EQ(::ftruncate(file_.get(), 128 * kPage), 0);
  ASSERT_EQ(map(1, 1, 100), 0);
  EXPECT_EQ(calls, 1);
}

TEST_F(DmaMapTest, DirectAccessNeedsASealedFile) {
  ASSERT_EQ(map(4, 4, 1), 0);
  EXPECT_EQ(map_.direct(4 * kPage).data, nullptr);
  ASSERT_EQ(map_.unmap(4 * kPage, 4 * kPage), 0);
  ASSERT_EQ(::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
  ASSERT_EQ(map(4, 4, 1), 0);
  const DmaMap::Direct direct = map_.direct(5 * kPage);
  ASSERT_NE(direct.data, nullptr);
  EXPECT_EQ(direct.first, 4 * kPage);
  EXPECT_EQ(direct.last, 8 * kPage - 1);
  direct.data[0] = std::byte{0x5a};
  std::byte found{};
  ASSERT_EQ(::pread(file_.get(), &found, 1, kPage), 1);
  EXPECT_EQ(found, std::byte{0x5a});
}

TEST_F(DmaMapTest, WithoutADescriptorTheClientMustBeAsked) {
  ASSERT_EQ(map_.map(4 * kPage, kPage, true, false, UniqueFd(), 0), 0);
  EXPECT_EQ(read(4 * kPage, 8), DmaStatus::kByMessage);
  EXPECT_EQ(map_.write(4 * kPage, std::array<std::byte, 8>{}).status, DmaStatus::kWriteDenied) << "rights come first";
  EXPECT_EQ(read(4 * kPage + 8, kPage), DmaStatus::kBeyondMapping);
  EXPECT_EQ(map_.direct(4 * kPage).data, nullptr);
  ASSERT_EQ(map(5, 1), 0);
  EXPECT_EQ(read(5 * kPage, 8), DmaStatus::kOk);
  EXPECT_EQ(read(4 * kPage, 2 * kPage), DmaStatus::kByMessage) << "one page of two is enough";
}

TEST_F(DmaMapTest, ModesTakeOneWayOnly) {
  ASSERT_EQ(::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
  std::array<std::byte, 8> data{};
  DmaMap files(DmaMode::kMmap);
  ASSERT_EQ(files.map(0, kPage, true, true, file_, 0), 0);
  ASSERT_EQ(files.map(kPage, kPage, true, true, UniqueFd(), 0), 0);
  EXPECT_EQ(files.read(0, data).status, DmaStatus::kOk);
  EXPECT_EQ(files.read(kPage, data).status, DmaStatus::kNotMappable);
  DmaMap messages(DmaMode::kMessage);
  ASSERT_EQ(messages.map(0, kPage, true, true, file_, 0), 0);
  EXPECT_EQ(messages.read(0, data).status, DmaStatus::kByMessage);
  EXPECT_EQ(messages.direct(0).data, nullptr);
}

TEST_F(DmaMapTest, TellsWhatWasUnmapped) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> calls;
  map_.on_unmap([&](std::uint64_t first, std::uint64_t last) { calls.emplace_back(first, last); });
  ASSERT_EQ(map(0, 1), 0);
  ASSERT_EQ(::ftruncate(file_.get(), 128 * kPage), 0);
  ASSERT_EQ(map(1, 1, 100), 0);
  EXPECT_TRUE(calls.empty()) << "a file that moves is no unmap";
  ASSERT_EQ(map_.unmap(0, 2 * kPage), 0);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0], std::pair(std::uint64_t{0}, 2 * kPage - 1));
}

TEST_F(DmaMapTest, TruncatedFileIsAnErrorEachTime) {
  ASSERT_EQ(map(0, 64), 0);
  ASSERT_EQ(::ftruncate(file_.get(), kPage), 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(read(0, 8), DmaStatus::kOk);
    EXPECT_EQ(read(10 * kPage, 8), DmaStatus::kBackingLost);
    EXPECT_EQ(map_.write(10 * kPage, std::array<std::byte, 8>{}).status, DmaStatus::kBackingLost);
  }
}

TEST_F(DmaMapTest, IdleFilesAreFew) {
  GuestMemory memory;
  for (int i = 0; i < 20; ++i) {
    const UniqueFd file = test::memory_file(kPage);
    const GuestMemory::Result result = memory.acquire(file, 0, kPage, true);
    ASSERT_EQ(result.error, 0);
    memory.release(result.file);
  }
  EXPECT_LE(memory.files(), 4U);
}

}  // namespace
}  // namespace prd32
