// SPDX-License-Identifier: Apache-2.0
// The oracle by itself, against examples that were worked out by hand from the data sheet.
#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "draw.hpp"
#include "oracle_fixture.hpp"
#include "streams.hpp"

namespace prd32::oracle {

namespace {

TEST(Streams, PrbsBeginsAsTheDataSheetSays) {
  Bytes data(4);
  PatternStream(regs::PatternKind::kPrbs31, 0).take(data);
  EXPECT_EQ(data, (Bytes{0x00, 0x00, 0x00, 0x0e}));
}

TEST(Streams, CounterGoesOnWithinAWord) {
  PatternStream stream(regs::PatternKind::kCounter, 0xffffffff);
  Bytes first(3);
  stream.take(first);
  Bytes second(6);
  stream.take(second);
  EXPECT_EQ(first, (Bytes{0xff, 0xff, 0xff}));
  EXPECT_EQ(second, (Bytes{0xff, 0, 0, 0, 0, 1}));
}

TEST(Streams, CrcIsCastagnolis) {
  constexpr std::string_view kDigits = "123456789";
  Crc32c crc;
  EXPECT_EQ(crc.value(), 0U);
  crc.add(Bytes(kDigits.begin(), kDigits.end()));
  EXPECT_EQ(crc.value(), 0xe3069283U);
}

// The standard fixes mt19937_64's numbers, and nothing else is drawn from.
TEST(Draws, AreTheSameEverywhere) {
  Draw draw(0, 5489);  // the engine's default seed
  EXPECT_EQ(draw.bits(), 14514284786278117030U);
  EXPECT_EQ(draw.below(1000), (4620546740167642908U >> 32U) % 1000);
}

TEST_F(Oracle, MovesTwoRegionsToTheHost) {
  write(regs::IrqEnable::kOffset, regs::IrqEnable::kCh0 | regs::IrqEnable::kErr0);
  write(regs::CardAddr::at(0), 0x1234);
  write(regs::Length::at(0), 0x30);
  transfer({prd_of(kData, 0x10), prd_of(kData + 0x100, 0x20, prd::kEot)}, kStart | kToHost);
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(host(kData, 0x10), card(0x1234, 0x10));
  EXPECT_EQ(host(kData + 0x100, 0x20), card(0x1244, 0x20));
  EXPECT_EQ(value(regs::Moved::at(0)), 0x30U);
  EXPECT_EQ(value(regs::Prds::at(0)), 2U);
  EXPECT_EQ(value(regs::Residual::at(0)), 0U);
  EXPECT_EQ(value(regs::BmCommand::at(0)), kToHost);
  EXPECT_EQ(value(regs::BmStatus::at(0)), regs::BmStatus::kInterrupt);
  EXPECT_EQ(outcome_.lines, std::vector<unsigned>{1U << vectors::kCh0});
  EXPECT_TRUE(breaches().empty());
}

TEST_F(Oracle, AnErrorStopsBeforeTheDescriptorAtFault) {
  write(regs::IrqEnable::kOffset, regs::IrqEnable::kErr0);
  transfer({prd_of(kData, 4), prd_of(kData + kBlock - 2, 4, prd::kEot)}, kStart);
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(breaches(),
            (std::vector<Breach>{{.code = Err::kPrdCross, .error = true, .index = 1, .address = kData + kBlock - 2}}));
  EXPECT_EQ(value(regs::Error::at(0)), number_of(Err::kPrdCross));
  EXPECT_EQ(value(regs::ErrorIndex::at(0)), 1U);
  EXPECT_EQ(value(regs::ErrorAddr::at(0)), kData + kBlock - 2);
  EXPECT_EQ(value(regs::Breach::at(0)), 0x10000U | number_of(Err::kPrdCross));
  EXPECT_EQ(value(regs::Moved::at(0)), 4U);
  EXPECT_EQ(value(regs::IrqCause::kOffset), regs::IrqCause::kCh0 | regs::IrqCause::kErr0);
  EXPECT_EQ(outcome_.lines, std::vector<unsigned>{1U << vectors::kError});
}

TEST_F(Oracle, ACarelessChipGoesOnAtTheStartOfThe64KiB) {
  switch_to(Err::kPrdCross, regs::Mode::kSilicon);
  transfer({prd_of(kData + kBlock - 2, 4, prd::kEot)}, kStart | kToHost);
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(host(kData + kBlock - 2, 2), card(0, 2));
  EXPECT_EQ(host(kData, 2), card(2, 2));
  EXPECT_FALSE(breaches().front().error);
}

TEST_F(Oracle, LengthLongAsIgnoreCutsTheDescriptor) {
  switch_to(Err::kLengthLong, regs::Mode::kIgnore);
  write(regs::Length::at(0), 6);
  transfer({prd_of(kData, 4), prd_of(kData + 0x100, 4), prd_of(kData + 0x200, 4, prd::kEot)}, kStart);
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(value(regs::Moved::at(0)), 6U);
  EXPECT_EQ(value(regs::Prds::at(0)), 2U);
  EXPECT_EQ(value(regs::Error::at(0)), 0U);
  EXPECT_EQ(card(4, 2), host(kData + 0x100, 2));
  EXPECT_EQ(card(6, 1).front(), CardImage::pristine()[6]);
}

TEST_F(Oracle, StatusBlockTellsOfTheEnd) {
  write(regs::Control::at(0), regs::Control::kWriteback);
  write(regs::WritebackAddr::at(0), kData + 0x40);
  write(regs::Length::at(0), 8);
  transfer({prd_of(kData, 3, prd::kEot)}, kStart);
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(host(kData + 0x40, 16), (Bytes{6, 0, 0, 0, 11, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(value(regs::Sequence::at(0)), 1U);
}

TEST_F(Oracle, TwoBytesOfOneAccessBelongToTwoRegisters) {
  write(0x2, 0x0600, 2);  // BM_STATUS is the lower byte, and the upper one is reserved
  write(regs::BmPrdt::at(0) + 1, 0xab, 1);
  write(regs::BmPrdt::at(0) + 1, 0xabcd, 2);  // at an odd address
  scene_.steps.push_back({.action = Action::kRead, .offset = regs::BmPrdt::at(0) + 1, .bytes = 1});
  ASSERT_EQ(foretell(), "");
  EXPECT_TRUE(outcome_.answers[1].accepted);
  EXPECT_FALSE(outcome_.answers[2].accepted);
  EXPECT_EQ(outcome_.answers[3], (Answer{.accepted = true, .value = 0xab}));
}

TEST_F(Oracle, SaysWhenATableTurnsForEver) {
  write(regs::Control::at(0), regs::Control::kCyclic);
  transfer({prd_of(kData, 4, prd::kEot)}, kStart);
  EXPECT_NE(foretell(), "");
}

TEST_F(Oracle, SaysWhenTheOrderOfTheChannelsCounts) {
  const Table table{.address = kTable, .prds = {prd_of(kData, 4, prd::kEot)}};
  scene_.tables = {table};
  for (const unsigned channel : {0U, 1U}) {
    write(regs::BmPrdt::at(channel), kTable);
    write(regs::CardAddr::at(channel), channel * 0x100);
    write(regs::BmCommand::at(channel), kStart | kToHost, 1);
  }
  run();
  EXPECT_NE(foretell(), "");
}

}  // namespace

}  // namespace prd32::oracle
