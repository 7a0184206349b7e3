// SPDX-License-Identifier: Apache-2.0
// Transfers that break a rule: they stop there, say why and where, and leave a record.
#include <algorithm>
#include <ostream>
#include <set>

#include "bench.hpp"

namespace prd32::test {
namespace {

using regs::Err;

constexpr std::uint32_t kTable = 0x10000;
constexpr std::uint32_t kData = 0x200000;
constexpr std::uint64_t kDescriptor = prd::kBytes;
constexpr std::uint32_t kTop = 0xffffffff;

/// A transfer whose first `good` descriptors are executed before the fault.
struct Case {
  const char* name;
  Err code;
  std::vector<Prd> prds;
  std::uint32_t good;
  std::uint64_t address;
  Request setup{};
  bool small = false;  ///< on the card with 4-byte units and the smallest memory
};

/// So that a failure names the case instead of dumping its bytes.
void PrintTo(const Case& given, std::ostream* out) {
  *out << given.name;
}

std::vector<Prd> full_table_without_eot() {
  return std::vector<Prd>(limits::kPrdtMaxEntries + 1, {.base = kData, .bytes = 4});
}

std::vector<Case> cases() {
  const Prd good{.base = kData, .bytes = 64};
  const Prd last{.base = kData, .bytes = 64, .eot = true};
  const auto memory = static_cast<std::uint32_t>(limits::kMemoryDefault);
  return {
      {"table_off_by_8", Err::kPrdtAlign, {last}, 0, kTable + 8, {.table = kTable + 8}},
      {"table_off_by_4_KiB", Err::kPrdtAlign, {last}, 0, kTable + 4096, {.table = kTable + 4096}},
      {"table_off_by_1", Err::kPrdtAlign, {last}, 0, kTable + 1, {.table = kTable + 1}},
      {"table_unmapped", Err::kPrdtFetch, {last}, 0, 0x90000, {.table = 0x90000}},
      {"second_page_of_table_unmapped", Err::kPrdtFetch, std::vector<Prd>(512, good), 512, kTable + 4096},
      {"no_eot", Err::kPrdtNoEot, full_table_without_eot(), 4096, kTable + 4095 * kDescriptor},
      {"reserved_bit", Err::kPrdReserved, {good, {.base = kData, .bytes = 64, .reserved = 1}}, 1, kTable + kDescriptor},
      {"reserved_bit_beside_eot",
       Err::kPrdReserved,
       {{.base = kData, .bytes = 64, .reserved = 0x2000, .eot = true}},
       0,
       kTable},
      {"base_off_granule", Err::kPrdBaseAlign, {good, {.base = kData + 2, .bytes = 4}}, 1, kData + 2, {}, true},
      {"count_off_granule", Err::kPrdCountAlign, {good, good, {.base = kData, .bytes = 6}}, 2, kData, {}, true},
      {"past_4_GiB", Err::kPrdWrap, {good, {.base = kTop, .bytes = 2, .eot = true}}, 1, kTop},
      {"across_64_KiB", Err::kPrdCross, {good, good, good, {.base = 0x20ffff, .bytes = 2}}, 3, 0x20ffff},
      {"64_KiB_off_by_one", Err::kPrdCross, {{.base = kData + 1, .bytes = 0x10000}}, 0, kData + 1},
      {"past_card_memory", Err::kCardRange, {good, last}, 1, memory - 64 + 1 + 63, {.card_address = memory - 64}},
      {"one_byte_past_card_memory", Err::kCardRange, {last}, 0, memory - 63, {.card_address = memory - 63}},
      {"card_address_at_the_top", Err::kCardRange, {last}, 0, kTop, {.card_address = kTop}},
      {"data_read_refused", Err::kDataRead, {good, {.base = 0x700000, .bytes = 64, .eot = true}}, 1, 0x700000},
      {"data_write_refused",
       Err::kDataWrite,
       {good, {.base = 0x700000, .bytes = 64, .eot = true}},
       1,
       0x700000,
       {.to_host = true}},
      {"data_write_to_read_only",
       Err::kDataWrite,
       {{.base = 0x500000, .bytes = 64, .eot = true}},
       0,
       0x500000,
       {.to_host = true}},
      {"mark_in_a_plain_table", Err::kPrdReserved, {{.base = kData, .bytes = 64, .mark = true}}, 0, kTable},
      {"more_entries_told_than_allowed", Err::kPrdtEntries, {last}, 0, kTable, {.entries = 4097}},
      {"eot_too_early", Err::kPrdtEarlyEot, {good, last}, 2, kTable + kDescriptor, {.entries = 3}},
      {"eot_not_where_told", Err::kPrdtNoEot, {good, good, last}, 2, kTable + kDescriptor, {.entries = 2}},
      {"length_short", Err::kLengthShort, {good, last}, 2, kTable + kDescriptor, {.length = 129}},
      {"length_long", Err::kLengthLong, {good, last}, 1, kTable + kDescriptor, {.length = 127}},
      {"length_reached_without_eot",
       Err::kLengthLong,
       {good, good, last},
       2,
       kTable + 2 * kDescriptor,
       {.length = 128}},
  };
}

class FaultTest : public testing::TestWithParam<std::tuple<Case, unsigned>> {};

INSTANTIATE_TEST_SUITE_P(, FaultTest,
                         testing::Combine(testing::ValuesIn(cases()),
                                          testing::Range(0U, static_cast<unsigned>(limits::kChannels))),
                         [](const auto& entry) {
                           return std::string(std::get<0>(entry.param).name) + "_channel" +
                                  std::to_string(std::get<1>(entry.param));
                         });

TEST_P(FaultTest, StopsAndSaysWhereAndWhy) {
  const auto& [given, channel] = GetParam();
  Bench& b = given.small ? small_bench() : bench();
  b.reset();
  b.put_table(kTable, given.prds);
  b.host.map(kData, 0x20000);
  b.host.map(0x500000, 0x1000, false);
  Request setup = given.setup;
  setup.channel = channel;

  EXPECT_EQ(b.transfer(setup), given.code);

  std::int64_t index = given.good;
  if (given.code == Err::kPrdtAlign || given.code == Err::kPrdtEntries) {
    index = -1;  // the table itself is at fault
  } else if (given.code == Err::kPrdtNoEot || given.code == Err::kLengthShort || given.code == Err::kPrdtEarlyEot) {
    index -= 1;  // the last descriptor was executed before it was found to be the last
  }
  std::uint32_t moved = 0;
  for (std::uint32_t i = 0; i < given.good; ++i) {
    moved += static_cast<std::uint32_t>(given.prds[i].bytes);
  }
  EXPECT_EQ(b.read(regs::ErrorIndex::at(channel)), index < 0 ? 0 : index);
  EXPECT_EQ(b.read(regs::ErrorAddr::at(channel)), given.address);
  EXPECT_EQ(b.read(regs::Prds::at(channel)), given.good);
  EXPECT_EQ(b.read(regs::Moved::at(channel)), moved);
  EXPECT_EQ(b.read(regs::Residual::at(channel)), setup.length == 0 ? 0 : setup.length - moved);
  EXPECT_EQ(b.read(regs::BmStatus::at(channel), 1), regs::BmStatus::kInterrupt | regs::BmStatus::kError);
  EXPECT_EQ(b.read(regs::BmCommand::at(channel), 1) & regs::BmCommand::kStart, 0U);

  ASSERT_EQ(b.log.violations.size(), 1U);
  const Violation& record = b.log.violations[0];
  EXPECT_EQ(record.rule, regs::rule_of(given.code));
  EXPECT_EQ(record.severity, severity::kError);
  EXPECT_EQ(record.channel, static_cast<int>(channel));
  EXPECT_EQ(record.prd_index, index);
  EXPECT_EQ(record.address, given.address);
  EXPECT_FALSE(record.detail.empty());
}

TEST(Faults, EveryCodeOfTheMapIsProvoked) {
  // These need more than a table: test_switches.cpp, test_active.cpp, test_endpoints.cpp, test_cyclic.cpp and
  // test_queue_errors.cpp.
  std::set<Err> provoked{Err::kPrdtCross,         Err::kPrdZero,        Err::kPrdtEdited,     Err::kStartActive,
                         Err::kPrdtActive,        Err::kCardAddrActive, Err::kLengthActive,   Err::kSetupActive,
                         Err::kEndpointDirection, Err::kPatternOverrun, Err::kWritebackAlign, Err::kWritebackRefused,
                         Err::kQueueAlign,        Err::kQueueOverrun,   Err::kQueueFetch,     Err::kCommandReserved};
  for (const Case& given : cases()) {
    provoked.insert(given.code);
  }
  for (unsigned code = 0; code < 256; ++code) {
    const auto err = static_cast<Err>(code);
    EXPECT_EQ(provoked.contains(err), !regs::rule_of(err).empty()) << code;
  }
}

using FaultyCard = CardTest;

TEST_F(FaultyCard, NeverFetchesPastTheLargestTable) {
  b.put_table(kTable, full_table_without_eot());
  b.host.map(kData, 0x1000);
  ASSERT_EQ(b.transfer({}), Err::kPrdtNoEot);
  std::uint64_t end = 0;
  for (const FakeHost::Access& access : b.host.accesses) {
    if (access.address < kData) {
      end = std::max(end, access.address + access.bytes);
    }
  }
  EXPECT_EQ(end, kTable + limits::kPrdtMaxEntries * prd::kBytes);
}

TEST_F(FaultyCard, FetchesNothingFromAMisalignedTable) {
  b.put_table(kTable, {{.base = kData, .bytes = 4, .eot = true}});
  ASSERT_EQ(b.transfer({.table = kTable + 8}), Err::kPrdtAlign);
  EXPECT_TRUE(b.host.accesses.empty());
}

TEST_F(FaultyCard, ARefusedReadLeavesCardMemoryAlone) {
  std::ranges::fill(b.card.memory().first(128), std::uint8_t{0x5a});
  b.put_table(kTable, {{.base = 0x700000, .bytes = 64, .eot = true}});
  ASSERT_EQ(b.transfer({}), Err::kDataRead);
  EXPECT_TRUE(std::ranges::all_of(b.card.memory().first(128), [](std::uint8_t byte) { return byte == 0x5a; }));
}

TEST_F(FaultyCard, WorksAgainAfterAFault) {
  b.host.map(kData, 0x1000);
  ASSERT_EQ(b.transfer({.table = 1}), Err::kPrdtAlign);
  const CardStatistics before = b.card.statistics();
  b.put_table(kTable, {{.base = kData, .bytes = 64, .eot = true}});
  EXPECT_EQ(b.transfer({}), Err::kNone);
  EXPECT_EQ(b.read(regs::Moved::at(0)), 64U);
  EXPECT_EQ(b.read(regs::BmStatus::at(0), 1), regs::BmStatus::kInterrupt | regs::BmStatus::kError)
      << "the old error stays until the driver clears it";
  EXPECT_EQ(b.card.statistics().errors, before.errors);
  EXPECT_EQ(b.card.statistics().tables, before.tables + 1);
}

TEST_F(FaultyCard, AFaultOnOneChannelLeavesTheOtherAlone) {
  b.host.map(kData, 0x10000);
  b.put_table(kTable, {{.base = kData, .bytes = 0x10000, .eot = true}});
  b.start({.channel = 0});
  ASSERT_EQ(b.transfer({.channel = 1, .table = 1}), Err::kPrdtAlign);
  EXPECT_TRUE(b.active(0));
  b.run_until_idle(0);
  EXPECT_EQ(b.read(regs::Error::at(0)), 0U);
  EXPECT_EQ(b.read(regs::Moved::at(0)), 0x10000U);
}

}  // namespace
}  // namespace prd32::test
