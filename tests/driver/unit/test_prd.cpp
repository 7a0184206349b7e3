// SPDX-License-Identifier: Apache-2.0
// Regions become descriptors: driver/core/prd.c.
#include <asm/byteorder.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <random>
#include <vector>

extern "C" {
#include "core/prd.h"
#include "prd32_regs.h"
}

namespace {

constexpr std::uint64_t kBoundary = PRD32_LIMIT_PRD_BOUNDARY;
constexpr std::uint64_t kSpace = 1ULL << PRD32_LIMIT_ADDRESS_BITS;
constexpr std::uint16_t kEot = PRD32_PRD_EOT;

struct Region {
  std::uint64_t base;
  std::uint64_t bytes;
  bool operator==(const Region&) const = default;
};

// A table with a canary behind its last descriptor.
class Table {
 public:
  explicit Table(std::uint32_t max) : prds_(max + 1U, kCanary) { prd32_table_init(&table_, prds_.data(), max); }
  ~Table() { EXPECT_EQ(prds_.back().base, kCanary.base) << "wrote past the end of the table"; }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  std::int64_t add(std::uint64_t addr, std::uint64_t len) { return prd32_table_add(&table_, addr, len); }
  void end() { prd32_table_end(&table_); }
  [[nodiscard]] std::uint32_t used() const { return table_.used; }
  [[nodiscard]] std::uint64_t bytes() const { return table_.bytes; }
  [[nodiscard]] const prd32_prd& raw(std::size_t i) const { return prds_.at(i); }

  // What the card would make of it.
  [[nodiscard]] std::vector<Region> regions() const {
    std::vector<Region> out;
    for (std::uint32_t i = 0; i < table_.used; ++i) {
      const std::uint16_t count = le16toh(prds_[i].count);
      out.push_back({le32toh(prds_[i].base), count == 0 ? std::uint64_t{PRD32_LIMIT_PRD_MAX_BYTES} : count});
    }
    return out;
  }

 private:
  static constexpr prd32_prd kCanary{0xdeadbeef, 0xdead, 0xdead};
  std::vector<prd32_prd> prds_;
  prd32_table table_{};
};

// The regions lie end to end from addr on, for len bytes, and none crosses a boundary.
void expect_covers(const std::vector<Region>& regions, std::uint64_t addr, std::uint64_t len) {
  std::uint64_t at = addr;
  for (const Region& region : regions) {
    EXPECT_EQ(region.base, at);
    EXPECT_EQ(region.base / kBoundary, (region.base + region.bytes - 1) / kBoundary);
    at += region.bytes;
  }
  EXPECT_EQ(at, addr + len);
}

TEST(PrdTable, SmallRegionIsOneDescriptor) {
  Table table(4);
  EXPECT_EQ(table.add(0x12345678, 511), 511);
  EXPECT_EQ(table.regions(), (std::vector<Region>{{0x12345678, 511}}));
  EXPECT_EQ(table.raw(0).flags, 0);
}

TEST(PrdTable, WholeBlockHasCountZero) {
  Table table(4);
  EXPECT_EQ(table.add(kBoundary, kBoundary), static_cast<std::int64_t>(kBoundary));
  EXPECT_EQ(table.used(), 1U);
  EXPECT_EQ(table.raw(0).count, 0);
}

TEST(PrdTable, IsLittleEndian) {
  Table table(1);
  table.add(0x11223344, 0x0201);
  table.end();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&table.raw(0));
  EXPECT_EQ((std::vector<std::uint8_t>(bytes, bytes + PRD32_PRD_SIZE)),
            (std::vector<std::uint8_t>{0x44, 0x33, 0x22, 0x11, 0x01, 0x02, 0x00, 0x80}));
}

TEST(PrdTable, CutsAtTheBoundary) {
  Table table(4);
  EXPECT_EQ(table.add(2 * kBoundary - 1, kBoundary), static_cast<std::int64_t>(kBoundary));
  EXPECT_EQ(table.regions(), (std::vector<Region>{{2 * kBoundary - 1, 1}, {2 * kBoundary, kBoundary - 1}}));
}

TEST(PrdTable, EveryEdgeIsCovered) {
  for (const std::uint64_t start : {0ULL, 1ULL, 0xfffULL, 0x1000ULL, 0xfffeULL, 0xffffULL}) {
    for (const std::uint64_t len : {1ULL, 2ULL, 4095ULL, 65535ULL, 65536ULL, 65537ULL, (1ULL << 20U) + 3}) {
      SCOPED_TRACE(testing::Message() << "start " << start << " length " << len);
      Table table(64);
      EXPECT_EQ(table.add(0x70000000 + start, len), static_cast<std::int64_t>(len));
      EXPECT_EQ(table.bytes(), len);
      expect_covers(table.regions(), 0x70000000 + start, len);
    }
  }
}

TEST(PrdTable, AddressZeroIsAnAddress) {
  Table table(2);
  EXPECT_EQ(table.add(0, 4096), 4096);
  EXPECT_EQ(table.regions(), (std::vector<Region>{{0, 4096}}));
}

TEST(PrdTable, LastByteBelowFourGigabytes) {
  Table table(4);
  EXPECT_EQ(table.add(kSpace - kBoundary - 5, kBoundary + 5), static_cast<std::int64_t>(kBoundary + 5));
  expect_covers(table.regions(), kSpace - kBoundary - 5, kBoundary + 5);
}

TEST(PrdTable, RefusesWhatTheCardCannotAddress) {
  Table table(4);
  table.add(0x1000, 16);
  EXPECT_EQ(table.add(kSpace - 1, 2), -ERANGE);
  EXPECT_EQ(table.add(kSpace, 1), -ERANGE);
  EXPECT_EQ(table.add(kSpace + 0x1000, 1), -ERANGE) << "a high address must not be truncated";
  EXPECT_EQ(table.add(0x1000, UINT64_MAX), -ERANGE) << "the sum must not wrap";
  EXPECT_EQ(table.used(), 1U);
  EXPECT_EQ(table.bytes(), 16U);
}

TEST(PrdTable, NothingIsNoDescriptor) {
  Table table(4);
  EXPECT_EQ(table.add(0x1000, 0), 0);
  EXPECT_EQ(table.used(), 0U);
  table.end();
  EXPECT_EQ(table.raw(0).base, 0xdeadbeefU) << "there is no last descriptor to mark";
}

TEST(PrdTable, OnlyTheLastDescriptorHasEot) {
  Table table(8);
  table.add(0x10000, 3 * kBoundary);
  table.end();
  ASSERT_EQ(table.used(), 3U);
  EXPECT_EQ(le16toh(table.raw(0).flags), 0);
  EXPECT_EQ(le16toh(table.raw(1).flags), 0);
  EXPECT_EQ(le16toh(table.raw(2).flags), kEot);
}

TEST(PrdTable, FullTableSaysHowFarItGot) {
  const std::uint64_t addr = 0x20000 + 100;
  const std::uint64_t len = 5 * kBoundary;
  Table first(3);
  const std::int64_t done = first.add(addr, len);
  EXPECT_EQ(done, static_cast<std::int64_t>(3 * kBoundary - 100));
  EXPECT_EQ(first.add(0x1000, 1), 0) << "full is full";

  Table second(3);
  const auto rest = len - static_cast<std::uint64_t>(done);
  EXPECT_EQ(second.add(addr + static_cast<std::uint64_t>(done), rest), static_cast<std::int64_t>(rest));
  auto all = first.regions();
  for (const Region& region : second.regions()) {
    all.push_back(region);
  }
  expect_covers(all, addr, len);
}

TEST(PrdTable, ScatteredPagesFillATableExactly) {
  Table table(PRD32_LIMIT_PRDT_MAX_ENTRIES);
  for (std::uint64_t page = 0; page < PRD32_LIMIT_PRDT_MAX_ENTRIES; ++page) {
    ASSERT_EQ(table.add(page * 0x2000, 0x1000), 0x1000);
  }
  EXPECT_EQ(table.used(), static_cast<std::uint32_t>(PRD32_LIMIT_PRDT_MAX_ENTRIES));
  EXPECT_EQ(table.bytes(), PRD32_LIMIT_PRDT_MAX_ENTRIES * 0x1000ULL);
}

TEST(PrdTable, RandomRegions) {
  std::mt19937_64 random(32);
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t len = 1 + random() % (1U << (random() % 24U));
    const std::uint64_t addr = random() % (kSpace - len + 1);
    Table table(1 + static_cast<std::uint32_t>(random() % 300));
    const std::int64_t done = table.add(addr, len);
    ASSERT_GT(done, 0);
    ASSERT_LE(static_cast<std::uint64_t>(done), len);
    ASSERT_EQ(table.bytes(), static_cast<std::uint64_t>(done));
    expect_covers(table.regions(), addr, static_cast<std::uint64_t>(done));
    if (static_cast<std::uint64_t>(done) < len) {
      ASSERT_EQ(table.add(addr, 1), 0) << "gave up although there was room";
    }
  }
}

}  // namespace
