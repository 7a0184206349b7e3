// SPDX-License-Identifier: Apache-2.0
// The oracle's command queue by itself, against examples worked out by hand from section 12 of the data sheet.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "oracle_fixture.hpp"

namespace prd32::oracle {

namespace {

constexpr std::uint32_t kQueue = 0x40000;
constexpr std::uint32_t kOther = 0x50000;
constexpr std::uint32_t kInterrupt = regs::BmStatus::kInterrupt;
constexpr std::uint32_t kError = regs::BmStatus::kError;
constexpr std::uint32_t kActive = regs::BmStatus::kActive;

constexpr std::uint32_t flags_of(bool to_host, Endpoint endpoint = Endpoint::kMemory, std::uint32_t entries = 0) {
  return regs::field_put(command::kFlagsEndpoint, static_cast<std::uint32_t>(endpoint)) |
         regs::field_put(command::kFlagsEntries, entries) | (to_host ? command::kFlagsToHost : 0);
}

// A table for 4 bytes at kData is at kTable. Its PRDT's alignment is as in profile strict.
class Queue : public Oracle {
 protected:
  using Status = std::array<std::uint32_t, 4>;

  Queue() {
    scene_.regions = {{.address = kTable, .bytes = kPageBytes},
                      {.address = kData, .bytes = kBlock},
                      {.address = kQueue, .bytes = kPageBytes}};
    scene_.tables = {{.address = kTable, .prds = {prd_of(kData, 4, prd::kEot)}}};
    write(regs::IrqEnable::kOffset, ~0U);
    write(regs::QueueBase::at(0), kQueue);
    write(regs::QueueSize::at(0), 2);
  }

  void store(std::uint32_t index, const CommandWords& words) {
    scene_.steps.push_back({.action = Action::kStore,
                            .offset = static_cast<std::uint32_t>(kQueue + index * command::kBytes),
                            .command = words});
  }
  void doorbell(std::uint32_t tail) { write(regs::QueueTail::at(0), tail); }
  void read(std::uint32_t offset) { scene_.steps.push_back({.action = Action::kRead, .offset = offset, .bytes = 1}); }
  std::uint32_t answer(std::size_t access) const { return outcome_.answers.at(access).value; }
  std::uint32_t status() const { return value(regs::BmStatus::at(0)); }
  std::uint32_t word(std::uint64_t address) const {
    const Bytes data = host(address, 4);
    return data[0] | data[1] << 8U | data[2] << 16U | static_cast<std::uint32_t>(data[3]) << 24U;
  }
  Status status_of(std::uint32_t index) const {
    const std::uint64_t at = kQueue + index * command::kBytes;
    return {word(at + command::kResult), word(at + command::kMoved), word(at + command::kDetail),
            word(at + command::kNumber)};
  }
};

constexpr std::uint32_t result_of(Err code, std::uint32_t index = 0) {
  return regs::field_put(command::kResultCode, static_cast<std::uint32_t>(code)) |
         regs::field_put(command::kResultIndex, index);
}

TEST_F(Queue, DoesWhatTheCommandsSayAndNotTheRegisters) {
  write(regs::CardAddr::at(0), 0x9000);
  write(regs::Length::at(0), 0x77);
  store(0, {kTable, 0x100, 4, flags_of(true, Endpoint::kMemory, 1)});
  store(1, {kTable, 0x200, 0, flags_of(false)});
  doorbell(2);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(host(kData, 4), card(0x100, 4));
  EXPECT_EQ(card(0x200, 4), card(0x100, 4));
  EXPECT_EQ(status_of(0), (Status{0, 4, 0, 1}));
  EXPECT_EQ(status_of(1), (Status{0, 4, 0, 2}));
  EXPECT_EQ(value(regs::QueueHead::at(0)), 2U);
  EXPECT_EQ(value(regs::BmCommand::at(0)), 0U);
  EXPECT_EQ(value(regs::BmPrdt::at(0)), 0U);
  EXPECT_EQ(value(regs::Residual::at(0)), 0U);
  EXPECT_EQ(value(regs::Sequence::at(0)), 0U);
  EXPECT_EQ(status(), kInterrupt);
  EXPECT_EQ(outcome_.lines, std::vector<unsigned>{1U << vectors::kCh0});
}

TEST_F(Queue, CrcStandsInTheStatus) {
  store(0, {kTable, 0, 0, flags_of(false, Endpoint::kChecksum)});
  doorbell(1);
  run();
  ASSERT_EQ(foretell(), "");
  Crc32c crc;
  crc.add(host(kData, 4));
  EXPECT_EQ(status_of(0), (Status{0, 4, crc.value(), 1}));
}

TEST_F(Queue, ACommandInErrorEndsAlone) {
  store(0, {kTable, 0, 5, flags_of(true)});
  store(1, {kTable, 0, 4, flags_of(true)});
  doorbell(2);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(status_of(0), (Status{result_of(Err::kLengthShort), 4, kTable, 1}));
  EXPECT_EQ(status_of(1), (Status{0, 4, 0, 2}));
  EXPECT_EQ(value(regs::Error::at(0)), 0U);
  EXPECT_EQ(value(regs::Breach::at(0)), 0U);
  EXPECT_EQ(status(), kInterrupt | kError);
}

TEST_F(Queue, ReservedBitsOfFlags) {
  store(0, {kTable, 0, 4, flags_of(true) | 0x80});
  doorbell(1);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(status_of(0), (Status{result_of(Err::kCommandReserved), 0, kQueue, 1}));
  EXPECT_EQ(value(regs::Residual::at(0)), 4U);
  EXPECT_EQ(breaches(), (std::vector<Breach>{{.code = Err::kCommandReserved, .error = true, .address = kQueue}}));
}

TEST_F(Queue, GoesRound) {
  for (std::uint32_t i = 0; i < 4; ++i) {
    store(i, {kTable, 0x100 * i, 0, flags_of(false)});
  }
  doorbell(4);
  run();
  doorbell(6);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(status_of(0), (Status{0, 4, 0, 5}));
  EXPECT_EQ(status_of(1), (Status{0, 4, 0, 6}));
  EXPECT_EQ(status_of(2), (Status{0, 4, 0, 3}));
}

// The loopback makes the queue stand still, so that one sees when it interrupts.
TEST_F(Queue, InterruptsOnceInSoManyCommands) {
  write(regs::QueueCoalesce::at(0), 2);
  const CommandWords takes{kTable, 0, 0, flags_of(true, Endpoint::kLoopback)};
  for (std::uint32_t i = 0; i < 4; ++i) {
    store(i, takes);
  }
  doorbell(4);
  // Channel 1 gives three of them what they wait for, one by one. It has a table and data of its own.
  scene_.regions.push_back({.address = kOther, .bytes = kPageBytes});
  scene_.tables.push_back({.address = kOther, .prds = {prd_of(kOther + 0x800, 4, prd::kEot)}});
  write(regs::BmPrdt::at(1), kOther);
  write(regs::Control::at(1), regs::field_put(regs::Control::kEndpoint, 3U));
  for (std::uint32_t i = 0; i < 3; ++i) {
    write(regs::BmCommand::at(1), kStart, 1);
    run();
    write(regs::IrqCause::kOffset, ~0U);
  }
  ASSERT_EQ(foretell(), "");
  constexpr unsigned kBoth = 1U << vectors::kCh0 | 1U << vectors::kCh1;
  EXPECT_EQ(outcome_.lines, (std::vector<unsigned>{1U << vectors::kCh1, kBoth, 1U << vectors::kCh1}));
  EXPECT_EQ(value(regs::QueueHead::at(0)), 3U);
  EXPECT_EQ(status(), kActive);
}

TEST_F(Queue, InterruptsAgainForWhatWasNotSeen) {
  write(regs::QueueCoalesce::at(0), 3);
  for (std::uint32_t i = 0; i < 3; ++i) {
    store(i, {kTable, 0, 0, flags_of(false)});
  }
  doorbell(3);
  run();
  write(regs::QueueSeen::at(0), 1);
  run();
  write(regs::QueueSeen::at(0), 3);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(outcome_.lines, (std::vector<unsigned>{1U << vectors::kCh0, 1U << vectors::kCh0, 0U}));
}

TEST_F(Queue, StopDropsTheCommands) {
  store(0, {kTable, 0x100, 0, flags_of(false)});
  doorbell(1);
  run();
  store(1, {0x1, 0, 0, 0});
  store(2, {0x1, 0, 0, 0});
  doorbell(3);
  write(regs::BmCommand::at(0), 0, 1);
  read(regs::QueueTail::at(0));
  store(1, {kTable, 0x200, 0, flags_of(false)});
  doorbell(2);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(answer(6), 1U);
  EXPECT_EQ(value(regs::QueueHead::at(0)), 2U);
  EXPECT_EQ(status_of(1), (Status{0, 4, 0, 2}));
  EXPECT_EQ(status(), kInterrupt);
}

TEST_F(Queue, ARefusedFetchHaltsItUntilAReset) {
  write(regs::QueueBase::at(0), kQueue + kPageBytes - command::kBytes);
  scene_.steps.push_back(
      {.action = Action::kStore, .offset = kQueue + kPageBytes - 32, .command = {kTable, 0, 0, flags_of(false)}});
  doorbell(2);
  run();
  doorbell(3);
  read(regs::BmStatus::at(0));
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(answer(6), kInterrupt | kError);
  EXPECT_EQ(value(regs::QueueHead::at(0)), 1U);
  EXPECT_EQ(value(regs::QueueTail::at(0)), 3U);
  EXPECT_EQ(value(regs::QueueState::at(0)), regs::QueueState::kHalted);
  EXPECT_EQ(value(regs::Error::at(0)), number_of(Err::kQueueFetch));
  EXPECT_EQ(value(regs::ErrorAddr::at(0)), kQueue + kPageBytes);
  write(regs::Control::at(0), regs::Control::kReset);
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(value(regs::QueueState::at(0)), 0U);
  EXPECT_EQ(value(regs::QueueTail::at(0)), 0U);
  EXPECT_EQ(value(regs::QueueBase::at(0)), 0U);
}

TEST_F(Queue, ARefusedStatusHaltsIt) {
  scene_.regions.back().writable = false;
  store(0, {kTable, 0, 5, flags_of(false)});
  doorbell(1);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(breaches(), (std::vector<Breach>{{.code = Err::kLengthShort, .error = true, .index = 0, .address = kTable},
                                             {.code = Err::kWritebackRefused, .error = true, .address = kQueue + 16}}));
  EXPECT_EQ(value(regs::Error::at(0)), number_of(Err::kLengthShort));  // the command's own counts
  EXPECT_EQ(value(regs::QueueHead::at(0)), 0U);
  EXPECT_EQ(value(regs::QueueState::at(0)), regs::QueueState::kHalted);
  EXPECT_EQ(status(), kInterrupt | kError);
}

TEST_F(Queue, AMisalignedBaseAsSilicon) {
  switch_to(Err::kQueueAlign, regs::Mode::kSilicon);
  write(regs::QueueBase::at(0), kQueue + 31);
  store(0, {kTable, 0, 0, flags_of(false)});
  doorbell(1);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(status_of(0), (Status{0, 4, 0, 1}));
  EXPECT_EQ(breaches(), (std::vector<Breach>{{.code = Err::kQueueAlign, .error = false, .address = kQueue + 31}}));
}

TEST_F(Queue, AnOverrunAsSiliconGoesRoundToTheTail) {
  switch_to(Err::kQueueOverrun, regs::Mode::kSilicon);
  write(regs::QueueSize::at(0), 0);
  store(0, {kTable, 0, 0, flags_of(false)});
  doorbell(3);
  run();
  ASSERT_EQ(foretell(), "");
  const Breach breach{.code = Err::kQueueOverrun, .error = false, .address = regs::QueueTail::at(0)};
  EXPECT_EQ(breaches(), (std::vector<Breach>{breach, breach}));  // two and three are too many
  EXPECT_EQ(status_of(0), (Status{0, 4, 0, 3}));
  EXPECT_EQ(value(regs::Breach::at(0)), 0U);
}

TEST_F(Queue, AWriteOfALockedRegisterEndsOneCommand) {
  switch_to(Err::kSetupActive, regs::Mode::kError);
  store(0, {kTable, 0x100, 0, flags_of(false)});
  store(1, {kTable, 0x200, 0, flags_of(false)});
  doorbell(2);
  read(regs::BmStatus::at(0));
  write(regs::QueueSize::at(0), 3);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(answer(4), kActive);
  EXPECT_EQ(status_of(0), (Status{result_of(Err::kSetupActive), 0, regs::QueueSize::at(0), 1}));
  EXPECT_EQ(status_of(1), (Status{0, 4, 0, 2}));
  EXPECT_EQ(value(regs::QueueSize::at(0)), 2U);
}

TEST_F(Queue, ARefusedFetchCountsMoreThanSuchAWrite) {
  switch_to(Err::kCardAddrActive, regs::Mode::kError);
  write(regs::QueueBase::at(0), kQueue + kPageBytes);
  doorbell(1);
  write(regs::CardAddr::at(0), 1);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(value(regs::Error::at(0)), number_of(Err::kQueueFetch));
  EXPECT_EQ(value(regs::Breach::at(0)), 0x20000U | number_of(Err::kCardAddrActive));
  EXPECT_EQ(value(regs::QueueState::at(0)), regs::QueueState::kHalted);
}

TEST_F(Queue, IsLockedWhileATransferRuns) {
  write(regs::BmPrdt::at(0), kTable);
  write(regs::BmCommand::at(0), kStart, 1);
  doorbell(1);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(value(regs::QueueTail::at(0)), 0U);  // strict: ignored
  EXPECT_EQ(breaches(),
            (std::vector<Breach>{{.code = Err::kSetupActive, .error = false, .address = regs::QueueTail::at(0)}}));
}

TEST_F(Queue, ADoorbellThatChangesNothingIsOne) {
  switch_to(Err::kSetupActive, regs::Mode::kSilicon);
  store(0, {kTable, 0x100, 0, flags_of(false)});
  write(regs::BmPrdt::at(0), kTable);
  write(regs::BmCommand::at(0), kStart, 1);
  doorbell(1);
  run();
  read(regs::QueueHead::at(0));
  doorbell(1);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(answer(6), 0U);
  EXPECT_EQ(value(regs::QueueHead::at(0)), 1U);
  EXPECT_EQ(status_of(0), (Status{0, 4, 0, 1}));
}

TEST_F(Queue, WithoutEndpointsACommandsBytesAreCardMemorys) {
  kind_.profile.endpoints = false;
  store(0, {kTable, 0x100, 0, flags_of(true, Endpoint::kPattern)});
  doorbell(1);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(host(kData, 4), card(0x100, 4));
}

TEST_F(Queue, StartAsSiliconDropsTheCommands) {
  switch_to(Err::kStartActive, regs::Mode::kSilicon);
  store(0, {kTable, 0x100, 0, flags_of(false)});
  doorbell(1);
  write(regs::BmPrdt::at(0), kTable);  // strict: ignored
  write(regs::BmCommand::at(0), kStart, 1);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(value(regs::QueueTail::at(0)), 0U);
  EXPECT_EQ(value(regs::QueueHead::at(0)), 0U);
  EXPECT_EQ(value(regs::Error::at(0)), number_of(Err::kPrdtFetch));  // at address 0
  EXPECT_EQ(status(), kInterrupt | kError);
}

TEST_F(Queue, WithoutTheExtensionTheRegistersOnlyKeepWhatIsWritten) {
  kind_.profile.queue = false;
  store(0, {kTable, 0x100, 0, flags_of(false)});
  doorbell(1);
  run();
  ASSERT_EQ(foretell(), "");
  EXPECT_EQ(value(regs::QueueTail::at(0)), 1U);
  EXPECT_EQ(value(regs::QueueHead::at(0)), 0U);
  EXPECT_EQ(status(), 0U);
  EXPECT_EQ(value(regs::Caps::kOffset) & regs::Caps::kQueue, 0U);
}

}  // namespace

}  // namespace prd32::oracle
