// SPDX-License-Identifier: Apache-2.0
// Where the descriptor table comes from: driver/core/prdt.c, on allocators that keep or break the kernel's promise.
#include <gtest/gtest.h>
#include <linux/dma-mapping.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <vector>

extern "C" {
#include "core/prdt.h"
#include "prd32_regs.h"
}

namespace {

constexpr std::uint64_t kAlign = PRD32_LIMIT_PRDT_ALIGN;
constexpr std::uint64_t kTableBytes = PRD32_LIMIT_PRDT_MAX_ENTRIES * std::uint64_t{PRD32_PRD_SIZE};

struct Block {
  std::unique_ptr<std::uint8_t[]> memory;
  std::size_t size;
  dma_addr_t handle;
};

// What dma_alloc_coherent() is to do, and what it did.
struct Allocator {
  std::vector<dma_addr_t> handles;  // one an allocation; none left: out of memory
  std::vector<Block> live;
  std::size_t calls = 0;
};
Allocator allocator;

class Prdt : public testing::Test {
 protected:
  Prdt() { allocator = Allocator{}; }

  // The table is usable, and freeing it leaves nothing behind.
  static void check_and_free(prd32_prdt prdt) {
    EXPECT_EQ(prdt.dma % kAlign, 0U);
    ASSERT_EQ(allocator.live.size(), 1U) << "the first attempt is freed before the second";
    const Block& block = allocator.live.front();
    EXPECT_GE(prdt.dma, block.handle);
    EXPECT_LE(prdt.dma + kTableBytes, block.handle + block.size);
    auto* entries = reinterpret_cast<std::uint8_t*>(prdt.entries);
    EXPECT_EQ(static_cast<std::uint64_t>(entries - block.memory.get()), prdt.dma - block.handle)
        << "processor and card must mean the same bytes";
    std::fill_n(entries, kTableBytes, std::uint8_t{0xff});  // a sanitizer sees it if this is not ours
    prd32_prdt_free(nullptr, &prdt);
    EXPECT_TRUE(allocator.live.empty());
  }
};

TEST_F(Prdt, AlignedMemoryIsTakenAsItIs) {
  allocator.handles = {0x12340000};
  prd32_prdt prdt{};
  ASSERT_EQ(prd32_prdt_alloc(nullptr, &prdt), 0);
  EXPECT_EQ(allocator.calls, 1U);
  EXPECT_EQ(prdt.dma, 0x12340000U);
  check_and_free(prdt);
}

TEST_F(Prdt, MisalignedMemoryIsReplacedByMore) {
  // As a pool that starts at an odd page does: every allocation is off by the same distance.
  for (const dma_addr_t offset : {0x1000U, 0x5000U, 0x8000U, 0xf000U}) {
    SCOPED_TRACE(testing::Message() << "offset " << offset);
    allocator = Allocator{};
    allocator.handles = {0x50000000 + offset, 0x50100000 + offset};
    prd32_prdt prdt{};
    ASSERT_EQ(prd32_prdt_alloc(nullptr, &prdt), 0);
    EXPECT_EQ(allocator.calls, 2U);
    check_and_free(prdt);
  }
}

TEST_F(Prdt, SecondAttemptMayBeAligned) {
  allocator.handles = {0x50001000, 0x50100000};
  prd32_prdt prdt{};
  ASSERT_EQ(prd32_prdt_alloc(nullptr, &prdt), 0);
  EXPECT_EQ(prdt.dma, 0x50100000U);
  check_and_free(prdt);
}

TEST_F(Prdt, NoMemory) {
  prd32_prdt prdt{};
  EXPECT_EQ(prd32_prdt_alloc(nullptr, &prdt), -ENOMEM);
  EXPECT_TRUE(allocator.live.empty());
}

TEST_F(Prdt, NoMemoryForTheSecondAttempt) {
  allocator.handles = {0x50001000};
  prd32_prdt prdt{};
  EXPECT_EQ(prd32_prdt_alloc(nullptr, &prdt), -ENOMEM);
  EXPECT_EQ(allocator.calls, 2U);
  EXPECT_TRUE(allocator.live.empty()) << "the first attempt leaked";
}

}  // namespace

void* dma_alloc_coherent(device* /*dev*/, size_t size, dma_addr_t* handle, int /*gfp*/) {
  if (allocator.calls++ >= allocator.handles.size()) {
    return nullptr;
  }
  *handle = allocator.handles[allocator.calls - 1];
  allocator.live.push_back({std::make_unique<std::uint8_t[]>(size), size, *handle});
  return allocator.live.back().memory.get();
}

void dma_free_coherent(device* /*dev*/, size_t size, void* cpu_addr, dma_addr_t handle) {
  const auto block = std::find_if(allocator.live.begin(), allocator.live.end(),
                                  [&](const Block& candidate) { return candidate.memory.get() == cpu_addr; });
  ASSERT_NE(block, allocator.live.end()) << "not what dma_alloc_coherent() returned";
  EXPECT_EQ(block->size, size);
  EXPECT_EQ(block->handle, handle);
  allocator.live.erase(block);
}
