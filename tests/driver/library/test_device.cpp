// SPDX-License-Identifier: Apache-2.0
// Opening a card, asking it, moving bytes while the caller waits.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <prd32/prd32.hpp>

#include "fake_driver.hpp"

namespace prd32::test {
namespace {

class DeviceTest : public testing::Test {
 protected:
  Device open(OpenMode mode = OpenMode::kReadWrite) { return Device::open(FakeDriver::kPath, mode, driver).value(); }
  FakeDriver driver;
};

TEST_F(DeviceTest, SaysWhatItCouldNotOpen) {
  const auto device = Device::open("/dev/none", OpenMode::kReadWrite, driver);
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().code, ENOENT);
  EXPECT_EQ(device.error().text(), "cannot open /dev/none: No such file or directory");
}

TEST_F(DeviceTest, ClosesWhatIsNoCard) {
  driver.refuse[PRD32_IOC_QUERY] = ENOTTY;
  EXPECT_EQ(Device::open(FakeDriver::kPath, OpenMode::kRead, driver).error().code, ENOTTY);
  EXPECT_FALSE(driver.opened);
}

TEST_F(DeviceTest, RefusesAnOlderDriver) {
  driver.uapi_version = PRD32_UAPI_VERSION - 1;
  EXPECT_EQ(Device::open(FakeDriver::kPath, OpenMode::kRead, driver).error().code, EPROTO);
}

TEST_F(DeviceTest, OpensForWhatItIsFor) {
  open(OpenMode::kRead);
  EXPECT_EQ(driver.open_flags, O_RDONLY);
  open(OpenMode::kWrite);
  EXPECT_EQ(driver.open_flags, O_WRONLY);
  open();
  EXPECT_EQ(driver.open_flags, O_RDWR);
}

TEST_F(DeviceTest, KnowsTheCard) {
  const Info info = open().info();
  EXPECT_EQ(info.card, 5U);
  EXPECT_EQ(info.memory_size, driver.card.size());
  EXPECT_EQ(info.granule, 4U);
  EXPECT_TRUE(info.cyclic);
  EXPECT_FALSE(info.writeback);
  EXPECT_TRUE(info.endpoints);
}

TEST_F(DeviceTest, AsksForAChannelsStatistics) {
  const Device device = open();
  EXPECT_EQ(device.statistics(1).value().requests, 11U);
  EXPECT_EQ(device.statistics(1).value().function_resets, 3U);
  EXPECT_EQ(device.statistics(2).error().code, EINVAL);
}

TEST_F(DeviceTest, Resets) {
  const Device device = open();
  EXPECT_TRUE(device.reset());
  EXPECT_EQ(driver.resets, 1U);
  driver.refuse[PRD32_IOC_RESET] = EPERM;
  EXPECT_EQ(device.reset().error().code, EPERM);
}

TEST_F(DeviceTest, ValueThrowsTheError) {
  const auto device = Device::open("/dev/none", OpenMode::kRead, driver);
  try {
    static_cast<void>(device.value());
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOENT);
  }
}

TEST_F(DeviceTest, ReadsAndWritesInAsManyPartsAsTheDriverWants) {
  const Device device = open();
  driver.most_at_once = 3;
  driver.interruptions = {EINTR};
  std::array<std::byte, 10> data{};
  data.fill(std::byte{0x5a});
  EXPECT_EQ(device.write(100, data).value(), data.size());
  EXPECT_EQ(driver.card[99], std::byte{0});
  EXPECT_EQ(driver.card[109], std::byte{0x5a});
  EXPECT_EQ(driver.card[110], std::byte{0});
  std::array<std::byte, 10> back{};
  driver.interruptions = {EINTR};
  EXPECT_EQ(device.read(100, back).value(), back.size());
  EXPECT_EQ(back, data);
}

TEST_F(DeviceTest, StopsAtTheEndOfTheCard) {
  const Device device = open();
  std::array<std::byte, 10> data{};
  EXPECT_EQ(device.read(driver.card.size() - 4, data).value(), 4U);
  EXPECT_EQ(device.read(driver.card.size(), data).value(), 0U);
  EXPECT_EQ(device.write(driver.card.size() - 4, data).value(), 4U);
  EXPECT_EQ(device.write(driver.card.size(), data).error().code, ENOSPC);
}

TEST_F(DeviceTest, ErrorsOfReadsAreTold) {
  const Device device = open();
  std::array<std::byte, 10> data{};
  driver.interruptions = {EIO};
  EXPECT_EQ(device.read(0, data).error().code, EIO);
  EXPECT_TRUE(device.read(0, data));
}

TEST_F(DeviceTest, RunsATransfer) {
  const Device device = open();
  std::array<std::byte, 8> data{};
  data.fill(std::byte{7});
  const auto outcome = device.run(Transfer::to_card(16, data)).value();
  EXPECT_EQ(outcome.moved, data.size());
  EXPECT_EQ(outcome.error, 0);
  EXPECT_EQ(outcome.crc, 0x1234U);
  EXPECT_EQ(driver.card[23], std::byte{7});
  EXPECT_EQ(driver.last_submit.flags, unsigned{PRD32_SUBMIT_WAIT});
}

TEST_F(DeviceTest, DescribesTransfersAsTheDriverWantsThem) {
  const Device device = open();
  std::array<std::byte, 8> data{};
  const Pattern pattern{.control = 1, .seed = 2, .rate = 3, .fifo = 4};
  EXPECT_TRUE(device.run(Transfer::generate(pattern, data), {.nowait = true}));
  EXPECT_EQ(driver.last_submit.flags, unsigned{PRD32_SUBMIT_WAIT | PRD32_SUBMIT_NOWAIT});
  EXPECT_EQ(driver.last_submit.endpoint, unsigned{PRD32_EP_PATTERN});
  EXPECT_EQ(driver.last_submit.direction, unsigned{PRD32_TO_HOST});
  EXPECT_EQ(driver.last_submit.pattern_fifo, 4U);
  EXPECT_TRUE(device.run(Transfer::checksum(data)));
  EXPECT_EQ(driver.last_submit.endpoint, unsigned{PRD32_EP_CHECKSUM});
  EXPECT_EQ(driver.last_submit.direction, unsigned{PRD32_FROM_HOST});
  EXPECT_EQ(driver.last_submit.pattern, 0U);
  EXPECT_TRUE(device.run(Transfer::from_loopback(data)));
  EXPECT_EQ(driver.last_submit.endpoint, unsigned{PRD32_EP_LOOPBACK});
  const DmaBuf shared = DmaBuf::adopt(dup(0), 4096);
  EXPECT_TRUE(device.run(Transfer::to_card(0, shared.slice(8, 16))));
  EXPECT_EQ(driver.last_submit.memory, unsigned{PRD32_MEMORY_DMABUF});
  EXPECT_EQ(driver.last_submit.fd, shared.descriptor());
  EXPECT_EQ(driver.last_submit.address, 8U);
  EXPECT_EQ(driver.last_submit.length, 16U);
}

TEST_F(DeviceTest, SaysWhyATransferWasNotAccepted) {
  const auto outcome = open().run(Transfer::to_card(0, std::span<const std::byte>()));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, EINVAL);
  EXPECT_EQ(outcome.error().what, "/dev/fake: the transfer was not accepted");
}

}  // namespace
}  // namespace prd32::test
