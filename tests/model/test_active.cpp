// SPDX-License-Identifier: Apache-2.0
// Writes to the registers of an active channel, as their rules are switched. The default is test_stop.cpp's.
#include <algorithm>

#include "bench.hpp"

namespace prd32::test {
namespace {

using regs::Err;

constexpr std::uint32_t kTable = 0x10000;
constexpr std::uint32_t kOther = 0x30000;
constexpr std::uint32_t kData = 0x200000;

struct Locked {
  std::uint32_t offset;
  Err code;
};

std::vector<Locked> locked_registers() {
  return {{regs::BmPrdt::at(0), Err::kPrdtActive},       {regs::CardAddr::at(0), Err::kCardAddrActive},
          {regs::Length::at(0), Err::kLengthActive},     {regs::Entries::at(0), Err::kSetupActive},
          {regs::Control::at(0), Err::kSetupActive},     {regs::WritebackAddr::at(0), Err::kSetupActive},
          {regs::Pattern::at(0), Err::kSetupActive},     {regs::PatternSeed::at(0), Err::kSetupActive},
          {regs::PatternRate::at(0), Err::kSetupActive}, {regs::PatternFifo::at(0), Err::kSetupActive},
          {regs::QueueBase::at(0), Err::kSetupActive},   {regs::QueueSize::at(0), Err::kSetupActive},
          {regs::QueueTail::at(0), Err::kSetupActive}};
}

/// A transfer of two regions of 32 KiB, about 33 us each, that has begun.
class ActiveTest : public testing::Test {
 protected:
  void begin(Bench& used) {
    b = &used;
    b->reset();
    b->put_table(kTable, {{.base = kData, .bytes = 0x8000}, {.base = kData + 0x8000, .bytes = 0x8000, .eot = true}});
    b->put_table(kOther, {{.base = kData, .bytes = 4, .eot = true}});
    b->host.map(kData, 0x10000);
    b->start({});
    sc_core::sc_start(1, sc_core::SC_US);
    ASSERT_TRUE(b->active(0));
  }
  Err end() {
    b->run_until_idle(0);
    return static_cast<Err>(b->read(regs::Error::at(0)));
  }
  Bench* b = nullptr;
};

TEST_F(ActiveTest, InErrorTheTransferEnds) {
  for (const Locked& reg : locked_registers()) {
    begin(severe_bench());
    const std::uint32_t before = b->read(reg.offset);
    b->write(reg.offset, 0x04030101 << 8U);
    EXPECT_EQ(b->read(reg.offset), before);
    EXPECT_EQ(end(), reg.code) << reg.offset;
    EXPECT_EQ(b->read(regs::ErrorAddr::at(0)), reg.offset);
    EXPECT_EQ(b->read(regs::ErrorIndex::at(0)), 0U);
    EXPECT_EQ(b->read(regs::Moved::at(0)), 0U) << "no byte moved from then on";
    EXPECT_EQ(b->read(regs::BmStatus::at(0), 1), regs::BmStatus::kInterrupt | regs::BmStatus::kError);
    ASSERT_EQ(b->log.violations.size(), 1U);
    EXPECT_EQ(b->log.violations[0].severity, severity::kError);
  }
}

TEST_F(ActiveTest, StartInErrorEndsTheTransferToo) {
  begin(severe_bench());
  b->write(regs::BmCommand::at(0), regs::BmCommand::kStart, 1);
  b->write(regs::BmCommand::at(0), regs::BmCommand::kStart, 1);
  EXPECT_EQ(end(), Err::kStartActive);
  EXPECT_EQ(b->log.violations.size(), 2U);
  EXPECT_EQ(regs::field_get(regs::Breach::kCount, b->read(regs::Breach::at(0))), 2U);
}

TEST_F(ActiveTest, OneThatWasStoppedAlreadyIsNotFailed) {
  begin(severe_bench());
  b->host.hold = [](const FakeHost::Access& access) { return access.address >= kData; };
  b->run_until([&] { return b->host.held; }, "the data is held");
  b->write(regs::BmCommand::at(0), 0, 1);
  ASSERT_TRUE(b->active(0));
  b->write(regs::Length::at(0), 1);
  b->host.hold = nullptr;
  b->host.release.notify(sc_core::SC_ZERO_TIME);
  EXPECT_EQ(end(), Err::kNone);
  EXPECT_EQ(b->read(regs::BmStatus::at(0), 1), 0U);
  EXPECT_EQ(b->log.violations.size(), 1U);
}

TEST_F(ActiveTest, FailedWhileItsTransactionIsOut) {
  begin(severe_bench());
  b->host.hold = [](const FakeHost::Access& access) { return access.address >= kData; };
  b->run_until([&] { return b->host.held; }, "the data is held");
  b->write(regs::Length::at(0), 1);
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_TRUE(b->active(0));
  b->host.hold = nullptr;
  b->host.release.notify(sc_core::SC_ZERO_TIME);
  EXPECT_EQ(end(), Err::kLengthActive);
  EXPECT_EQ(b->read(regs::Moved::at(0)), 0U);
}

TEST_F(ActiveTest, ACarelessChipTakesWhatIsWritten) {
  for (const Locked& reg : locked_registers()) {
    begin(silicon_bench());
    b->write(reg.offset, 0x100);
    const bool narrow = reg.offset == regs::Pattern::at(0) || reg.offset == regs::QueueSize::at(0);
    EXPECT_EQ(b->read(reg.offset), narrow ? 0U : 0x100U);
    EXPECT_EQ(end(), Err::kNone);
    EXPECT_EQ(b->read(regs::Moved::at(0)), 0x10000U) << "the transfer goes on with what START took";
    ASSERT_EQ(b->log.violations.size(), 1U);
    EXPECT_EQ(b->log.violations[0].rule, regs::rule_of(reg.code));
  }
}

TEST_F(ActiveTest, ACarelessChipStartsAnew) {
  begin(silicon_bench());
  const std::uint64_t stops = b->card.statistics().stops;
  b->run_until([&] { return b->read(regs::Prds::at(0)) == 1; }, "one is done");
  b->write(regs::BmPrdt::at(0), kOther);
  b->write(regs::BmCommand::at(0), regs::BmCommand::kStart | regs::BmCommand::kToHost, 1);
  EXPECT_EQ(b->read(regs::Moved::at(0)), 0U);
  EXPECT_EQ(b->read(regs::BmCommand::at(0), 1), regs::BmCommand::kStart | regs::BmCommand::kToHost);
  EXPECT_EQ(end(), Err::kNone);
  EXPECT_EQ(b->read(regs::Moved::at(0)), 4U);
  EXPECT_EQ(b->card.statistics().stops, stops + 1);
}

TEST_F(ActiveTest, ATolerantCardIgnoresTheWrite) {
  for (const Locked& reg : locked_registers()) {
    begin(tolerant_bench());
    const std::uint32_t before = b->read(reg.offset);
    b->write(reg.offset, 0x100);
    EXPECT_EQ(b->read(reg.offset), before);
    EXPECT_EQ(end(), Err::kNone);
    EXPECT_EQ(b->log.violations.size(), 1U);
  }
}

}  // namespace
}  // namespace prd32::test
