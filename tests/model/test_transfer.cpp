// SPDX-License-Identifier: Apache-2.0
// Transfers that keep every rule: the right bytes, nowhere else, and a true report.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "bench.hpp"

namespace prd32::test {
namespace {

using regs::Err;
using testing::Each;
using testing::ElementsAreArray;

constexpr std::uint32_t kTable = 0x10000;
constexpr std::uint8_t kGuard = 0xee;

/// Every transfer in both directions, on each channel, through transactions and through direct access.
class TransferTest : public CardTest, public testing::WithParamInterface<std::tuple<unsigned, bool, bool>> {
 protected:
  TransferTest() { b.host.allow_direct = direct; }

  /// Maps each region with guard bytes around it, and gives it new bytes, as it gives the card.
  void fill(const std::vector<Prd>& prds, std::uint32_t card_address) {
    std::uint64_t total = 0;
    for (const Prd& prd : prds) {
      b.host.map(prd.base - 16, prd.bytes + 32);
      std::ranges::fill(b.host.at(prd.base - 16, prd.bytes + 32), kGuard);
      std::ranges::copy(pattern(prd.bytes, static_cast<std::uint32_t>(prd.base)),
                        b.host.at(prd.base, prd.bytes).begin());
      total += prd.bytes;
    }
    std::ranges::copy(pattern(total, 7), b.card.memory().subspan(card_address).begin());
    source = gather(prds, card_address);
  }
  /// The bytes that the transfer is to move, in order.
  std::vector<std::uint8_t> gather(const std::vector<Prd>& prds, std::uint32_t card_address) {
    std::vector<std::uint8_t> host;
    for (const Prd& prd : prds) {
      const auto region = b.host.at(prd.base, prd.bytes);
      host.insert(host.end(), region.begin(), region.end());
    }
    const auto card = b.card.memory().subspan(card_address, host.size());
    return to_host ? std::vector<std::uint8_t>(card.begin(), card.end()) : host;
  }
  /// Both sides hold those bytes, and the guards stand.
  void expect_moved(const std::vector<Prd>& prds, std::uint32_t card_address) {
    std::uint64_t done = 0;
    for (const Prd& prd : prds) {
      const std::span want(source.data() + done, prd.bytes);
      EXPECT_TRUE(std::ranges::equal(b.host.at(prd.base, prd.bytes), want));
      EXPECT_TRUE(std::ranges::equal(b.card.memory().subspan(card_address + done, prd.bytes), want));
      EXPECT_THAT(b.host.at(prd.base - 16, 16), Each(kGuard));
      EXPECT_THAT(b.host.at(prd.base + prd.bytes, 16), Each(kGuard));
      done += prd.bytes;
    }
  }
  void expect_report(std::uint64_t moved, std::uint64_t prds, std::uint64_t residual) {
    EXPECT_EQ(b.read(regs::Moved::at(channel)), moved);
    EXPECT_EQ(b.read(regs::Prds::at(channel)), prds);
    EXPECT_EQ(b.read(regs::Residual::at(channel)), residual);
    EXPECT_EQ(b.read(regs::BmStatus::at(channel), 1), regs::BmStatus::kInterrupt);
    EXPECT_EQ(b.read(regs::BmCommand::at(channel), 1), to_host ? regs::BmCommand::kToHost : 0);
    EXPECT_TRUE(b.log.violations.empty());
  }
  Request setup(std::uint32_t card_address = 0, std::uint32_t length = 0) const {
    return {.channel = channel, .table = kTable, .card_address = card_address, .length = length, .to_host = to_host};
  }

  unsigned channel = std::get<0>(GetParam());
  bool to_host = std::get<1>(GetParam());
  bool direct = std::get<2>(GetParam());
  std::vector<std::uint8_t> source;
};

INSTANTIATE_TEST_SUITE_P(, TransferTest,
                         testing::Combine(testing::Range(0U, static_cast<unsigned>(limits::kChannels)), testing::Bool(),
                                          testing::Bool()),
                         [](const auto& entry) {
                           return "channel" + std::to_string(std::get<0>(entry.param)) +
                                  (std::get<1>(entry.param) ? "_to_host" : "_from_host") +
                                  (std::get<2>(entry.param) ? "_direct" : "_transactions");
                         });

TEST_P(TransferTest, OneRegionOfEverySize) {
  for (const std::uint64_t bytes : {1U, 3U, 511U, 4095U, 4096U, 4097U, 65535U, 65536U}) {
    const std::vector<Prd> prds{{.base = 0x200000, .bytes = bytes, .eot = true}};
    b.put_table(kTable, prds);
    fill(prds, 0x1234);
    ASSERT_EQ(b.transfer(setup(0x1234)), Err::kNone);
    expect_moved(prds, 0x1234);
    expect_report(bytes, 1, 0);
    b.reset();
    b.host.allow_direct = direct;
  }
}

TEST_P(TransferTest, ScatteredRegionsInTheOrderOfTheTable) {
  const std::vector<Prd> prds{{.base = 0xfff0f000, .bytes = 0x1000},
                              {.base = 0x2fff3, .bytes = 13},
                              {.base = 0x80000001, .bytes = 1},
                              {.base = 0x400000, .bytes = 0x10000, .eot = true}};
  const auto total = static_cast<std::uint32_t>(0x1000 + 13 + 1 + 0x10000);
  b.put_table(kTable, prds);
  fill(prds, 0x100001);
  const CardStatistics before = b.card.statistics();
  ASSERT_EQ(b.transfer(setup(0x100001, total)), Err::kNone);
  expect_moved(prds, 0x100001);
  expect_report(total, 4, 0);
  const CardStatistics after = b.card.statistics();
  EXPECT_EQ(after.tables - before.tables, 1U);
  EXPECT_EQ(after.prds - before.prds, 4U);
  EXPECT_EQ(after.errors, before.errors);
  EXPECT_EQ(after.bytes_to_host - before.bytes_to_host, to_host ? total : 0U);
  EXPECT_EQ(after.bytes_from_host - before.bytes_from_host, to_host ? 0U : total);
}

TEST_P(TransferTest, NothingAfterEotIsExecuted) {
  const std::vector<Prd> prds{{.base = 0x200000, .bytes = 64, .eot = true}, {.base = 0x300000, .bytes = 64}};
  b.put_table(kTable, prds);
  fill(prds, 0);
  const auto untouched = pattern(64, 0x300000);
  const auto card = b.card.memory().subspan(64, 64);
  const std::vector<std::uint8_t> untouched_card(card.begin(), card.end());
  ASSERT_EQ(b.transfer(setup()), Err::kNone);
  EXPECT_EQ(b.read(regs::Prds::at(channel)), 1U);
  EXPECT_THAT(b.host.at(0x300000, 64), ElementsAreArray(untouched));
  EXPECT_THAT(b.card.memory().subspan(64, 64), ElementsAreArray(untouched_card));
}

TEST_P(TransferTest, UpToTheLastByteOfBothMemories) {
  const auto last = static_cast<std::uint32_t>(limits::kMemoryDefault - 65536);
  b.put_table(kTable, {{.base = 0xffff0000, .bytes = 65536, .eot = true}});
  b.host.map(0xffff0000, 65536);
  std::ranges::copy(pattern(65536, 1), b.host.at(0xffff0000, 65536).begin());
  std::ranges::copy(pattern(65536, 2), b.card.memory().subspan(last).begin());
  ASSERT_EQ(b.transfer(setup(last)), Err::kNone);
  EXPECT_TRUE(std::ranges::equal(b.host.at(0xffff0000, 65536), pattern(65536, to_host ? 2 : 1)));
  EXPECT_TRUE(std::ranges::equal(b.card.memory().subspan(last), pattern(65536, to_host ? 2 : 1)));
}

TEST_P(TransferTest, AFullTable) {
  std::vector<Prd> prds;
  for (std::uint64_t i = 0; i < limits::kPrdtMaxEntries; ++i) {
    prds.push_back({.base = 0x200000 + i * 0x100, .bytes = 0x40});
  }
  prds.back().eot = true;
  b.put_table(kTable, prds);
  b.host.map(0x200000, limits::kPrdtMaxEntries * 0x100);
  std::ranges::copy(pattern(b.host.at(0x200000, limits::kPrdtMaxEntries * 0x100).size(), 3),
                    b.host.at(0x200000, 1).begin());
  std::ranges::copy(pattern(limits::kPrdtMaxEntries * 0x40, 4), b.card.memory().begin());
  source = gather(prds, 0);
  ASSERT_EQ(b.transfer(setup()), Err::kNone);
  EXPECT_EQ(gather(prds, 0), source);
  EXPECT_TRUE(std::ranges::equal(b.card.memory().first(source.size()), source));
  expect_report(limits::kPrdtMaxEntries * 0x40, limits::kPrdtMaxEntries, 0);
}

TEST_P(TransferTest, NoPageOfTheTableIsFetchedBeforeItIsNeeded) {
  std::vector<Prd> prds(512, {.base = 0x200000, .bytes = 4});
  prds.back().eot = true;
  b.put_table(kTable, prds);  // exactly one page; behind it the bus refuses
  b.host.map(0x200000, 4);
  EXPECT_EQ(b.transfer(setup()), Err::kNone);
  expect_report(512 * 4, 512, 0);
}

TEST_P(TransferTest, LengthCountsDownToZero) {
  const std::vector<Prd> prds{{.base = 0x200000, .bytes = 60000}, {.base = 0x300000, .bytes = 40000, .eot = true}};
  b.put_table(kTable, prds);
  fill(prds, 0);
  b.start(setup(0, 100000));
  EXPECT_EQ(b.read(regs::Residual::at(channel)), 100000U) << "set at START";
  b.run_until([&] { return b.read(regs::Prds::at(channel)) == 1; }, "the first descriptor is done");
  EXPECT_TRUE(b.active(channel));
  EXPECT_EQ(b.read(regs::Residual::at(channel)), 40000U);
  EXPECT_EQ(b.read(regs::Moved::at(channel)), 60000U);
  b.run_until_idle(channel);
  expect_report(100000, 2, 0);
}

TEST_P(TransferTest, StartClearsTheLastReport) {
  b.host.map(kTable, 4096);
  b.put_table(kTable, {{.base = 0x200000, .bytes = 16}, {.base = 0x200010, .bytes = 16, .reserved = 1}});
  b.host.map(0x200000, 64);
  ASSERT_EQ(b.transfer(setup(0, 64)), Err::kPrdReserved);
  b.write(regs::BmStatus::at(channel), 0xff, 1);
  b.log.violations.clear();
  b.start(setup());
  for (const std::uint32_t offset :
       {regs::Residual::at(channel), regs::Moved::at(channel), regs::Prds::at(channel), regs::Error::at(channel),
        regs::ErrorIndex::at(channel), regs::ErrorAddr::at(channel)}) {
    EXPECT_EQ(b.read(offset), 0U) << offset;
  }
  EXPECT_EQ(b.read(regs::BmStatus::at(channel), 1), regs::BmStatus::kActive) << "at once, before time passes";
  b.run_until_idle(channel);
}

TEST_P(TransferTest, MemoryIsNeverBehindTheReport) {
  std::vector<Prd> prds;
  for (std::uint64_t i = 0; i < 8; ++i) {
    prds.push_back({.base = 0x200000 + i * 0x1000, .bytes = 100, .eot = i == 7});
  }
  b.put_table(kTable, prds);
  fill(prds, 0);
  b.start(setup());
  while (b.active(channel)) {
    sc_core::sc_start(7, sc_core::SC_NS);
    const std::uint32_t moved = b.read(regs::Moved::at(channel));
    for (std::uint64_t done = 0; done < moved; done += 100) {
      const std::span want(source.data() + done, 100);
      ASSERT_TRUE(std::ranges::equal(b.host.at(prds[done / 100].base, 100), want));
      ASSERT_TRUE(std::ranges::equal(b.card.memory().subspan(done, 100), want));
    }
  }
  expect_report(800, 8, 0);
}

TEST_P(TransferTest, DirectAccessIsUsedUntilItIsWithdrawn) {
  const std::vector<Prd> prds{{.base = 0x200000, .bytes = 4096, .eot = true}};
  b.put_table(kTable, prds);
  fill(prds, 0);
  ASSERT_EQ(b.transfer(setup()), Err::kNone);
  ASSERT_EQ(b.host.accesses.size(), 2U) << "the first access to each region asks for it";
  b.host.accesses.clear();
  ASSERT_EQ(b.transfer(setup()), Err::kNone);
  EXPECT_EQ(b.host.accesses.size(), direct ? 0U : 2U);
  expect_moved(prds, 0);
  b.host.unmap(0x200000 - 16);
  EXPECT_EQ(b.transfer(setup()), to_host ? Err::kDataWrite : Err::kDataRead);
}

TEST_P(TransferTest, AWholeRegionMovesDirectlyAndNowhereElse) {
  constexpr std::uint32_t kAt = 4100;  // no cache line begins there
  const std::vector<Prd> prds{{.base = 0x200000, .bytes = limits::kPrdMaxBytes, .eot = true}};
  const auto beside = [&] { return std::array{b.card.memory()[kAt - 1], b.card.memory()[kAt + prds[0].bytes]}; };
  b.put_table(kTable, prds);
  fill(prds, kAt);
  ASSERT_EQ(b.transfer(setup(kAt)), Err::kNone);
  const auto from = to_host ? b.card.memory().subspan(kAt, prds[0].bytes) : b.host.at(0x200000, prds[0].bytes);
  std::ranges::copy(pattern(from.size(), 99), from.begin());
  source = gather(prds, kAt);
  const auto before = beside();
  b.host.accesses.clear();
  ASSERT_EQ(b.transfer(setup(kAt)), Err::kNone);
  EXPECT_EQ(b.host.accesses.empty(), direct);
  expect_moved(prds, kAt);
  EXPECT_EQ(beside(), before);
}

TEST_P(TransferTest, DirectAccessEndsWhereTheTargetsGrantEnds) {
  b.put_table(kTable, {{.base = 0x200000, .bytes = 64}, {.base = 0x200fff, .bytes = 2, .eot = true}});
  b.host.map(0x200000, 4096);
  EXPECT_EQ(b.transfer(setup()), to_host ? Err::kDataWrite : Err::kDataRead);
  EXPECT_EQ(b.read(regs::Prds::at(channel)), 1U);
}

TEST_P(TransferTest, EvenARefusalTakesTime) {
  b.write(regs::BmPrdt::at(channel), 1);
  b.write(regs::BmCommand::at(channel), regs::BmCommand::kStart, 1);
  sc_core::sc_start(Timing{}.start - sc_core::sc_time(1, sc_core::SC_NS));
  EXPECT_TRUE(b.active(channel));
  sc_core::sc_start(2, sc_core::SC_NS);
  EXPECT_FALSE(b.active(channel));
}

TEST_P(TransferTest, TimeFollowsTheBytesAndTheTargetsDelay) {
  b.put_table(kTable, {{.base = 0x200000, .bytes = 10000, .eot = true}});
  b.host.map(0x200000, 10000);
  b.host.latency = sc_core::sc_time(5, sc_core::SC_US);
  const sc_core::sc_time start = sc_core::sc_time_stamp();
  ASSERT_EQ(b.transfer(setup()), Err::kNone);
  const double microseconds = (sc_core::sc_time_stamp() - start).to_seconds() * 1e6;
  EXPECT_GE(microseconds, 10 + 5 + 5);
  EXPECT_LE(microseconds, 10 + 5 + 5 + 2);
}

using Channels = CardTest;

TEST_F(Channels, RunSideBySide) {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    const std::uint32_t base = 0x1000000 * (channel + 1);
    std::vector<Prd> prds;
    for (std::uint32_t i = 0; i < 16; ++i) {
      prds.push_back({.base = base + i * 4096, .bytes = 4096, .eot = i == 15});
    }
    b.put_table(kTable * (channel + 1), prds);
    b.host.map(base, 0x10000);
    std::ranges::copy(pattern(0x10000, channel), b.host.at(base, 0x10000).begin());
  }
  b.start({.channel = 0, .table = kTable, .card_address = 0});
  b.start({.channel = 1, .table = 2 * kTable, .card_address = 0x100000});
  b.run_until([&] { return !b.active(0) && !b.active(1); }, "both are done");
  EXPECT_TRUE(std::ranges::equal(b.card.memory().subspan(0, 0x10000), pattern(0x10000, 0)));
  EXPECT_TRUE(std::ranges::equal(b.card.memory().subspan(0x100000, 0x10000), pattern(0x10000, 1)));
  unsigned turns = 0;
  for (std::size_t i = 1; i < b.host.accesses.size(); ++i) {
    turns += (b.host.accesses[i].address >= 0x2000000) != (b.host.accesses[i - 1].address >= 0x2000000) ? 1 : 0;
  }
  EXPECT_GE(turns, 16U) << "they take turns, descriptor by descriptor";
}

}  // namespace
}  // namespace prd32::test
