// SPDX-License-Identifier: Apache-2.0
// What is given back at the end of its life: areas, buffers, the processor's turn, dma-bufs, the device itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <prd32/prd32.hpp>

#include "fake_driver.hpp"

namespace prd32::test {
namespace {

class MemoryTest : public testing::Test {
 protected:
  FakeDriver driver;
  std::optional<Device> device = Device::open(FakeDriver::kPath, OpenMode::kReadWrite, driver).value();
};

TEST_F(MemoryTest, AreasAreGivenBack) {
  {
    Area first = device->reserve(100).value();
    Area second = device->reserve(200).value();
    EXPECT_EQ(driver.areas.size(), 2U);
    EXPECT_EQ(second.address(), 4096U);
    EXPECT_EQ(second.size(), 200U);
    first = std::move(second);
    EXPECT_EQ(driver.areas.size(), 1U);
    EXPECT_TRUE(driver.areas.contains(4096));
  }
  EXPECT_TRUE(driver.areas.empty());
  EXPECT_EQ(device->reserve(0).error().code, EINVAL);
}

TEST_F(MemoryTest, BuffersAreMappedAndGivenBack) {
  {
    Buffer buffer = device->allocate(5000, BufferKind::kCoherent).value();
    EXPECT_EQ(buffer.size(), 5000U);
    EXPECT_EQ(buffer.bytes()[4999], std::byte{0});
    EXPECT_EQ(driver.mappings, 1U);
    const Buffer moved = std::move(buffer);
    EXPECT_EQ(driver.mappings, 1U);
    EXPECT_EQ(moved.slice(8, 16).offset, 8U);
  }
  EXPECT_EQ(driver.mappings, 0U);
  EXPECT_TRUE(driver.buffers.empty());
}

TEST_F(MemoryTest, ABufferThatCannotBeMappedIsGivenBack) {
  driver.refuse_map = true;
  EXPECT_EQ(device->allocate(5000, BufferKind::kCached).error().code, EAGAIN);
  EXPECT_TRUE(driver.buffers.empty());
}

TEST_F(MemoryTest, HandlesKeepTheDeviceOpen) {
  std::optional<Buffer> buffer = device->allocate(4096, BufferKind::kCached).value();
  std::optional<Area> area = device->reserve(4096).value();
  device.reset();
  EXPECT_TRUE(driver.opened);
  buffer.reset();
  EXPECT_TRUE(driver.opened);
  area.reset();
  EXPECT_FALSE(driver.opened);
}

TEST_F(MemoryTest, TheProcessorsTurnBeginsAndEnds) {
  const Buffer buffer = device->allocate(4096, BufferKind::kCached).value();
  using Syncs = std::vector<FakeDriver::Sync>;
  {
    BufferAccess access = buffer.access(64, 128).value();
    EXPECT_EQ(access.bytes().size(), 128U);
    EXPECT_EQ(access.bytes().data(), buffer.bytes().data() + 64);
    const BufferAccess moved = std::move(access);
    EXPECT_EQ(driver.syncs, (Syncs{{PRD32_SYNC_FOR_CPU, 64, 128}}));
  }
  EXPECT_EQ(driver.syncs, (Syncs{{PRD32_SYNC_FOR_CPU, 64, 128}, {PRD32_SYNC_FOR_DEVICE, 64, 128}}));
}

TEST_F(MemoryTest, TheProcessorsTurnEndsOnce) {
  const Buffer buffer = device->allocate(4096, BufferKind::kCached).value();
  {
    BufferAccess access = buffer.access().value();
    driver.refuse[PRD32_IOC_BUFFER_SYNC] = ENODEV;
    EXPECT_EQ(access.end().error().code, ENODEV);
    driver.refuse.clear();
    EXPECT_TRUE(access.end());
  }
  EXPECT_EQ(driver.syncs.size(), 1U);
}

TEST_F(MemoryTest, NoTurnBeyondTheEnd) {
  const Buffer buffer = device->allocate(4096, BufferKind::kCached).value();
  EXPECT_EQ(buffer.access(4000, 97).error().code, EINVAL);
  EXPECT_EQ(buffer.access(5000, 0).error().code, EINVAL);
  EXPECT_EQ(buffer.access(1, SIZE_MAX).error().code, EINVAL);
  EXPECT_TRUE(driver.syncs.empty());
}

TEST_F(MemoryTest, DmaBufsCloseTheirDescriptor) {
  int descriptor = -1;
  {
    DmaBuf first = DmaBuf::adopt(dup(0), 4096);
    descriptor = first.descriptor();
    const DmaBuf second = std::move(first);
    EXPECT_EQ(second.size(), 4096U);
    EXPECT_GE(fcntl(descriptor, F_GETFD), 0);
  }
  EXPECT_LT(fcntl(descriptor, F_GETFD), 0);
  DmaBuf kept = DmaBuf::adopt(dup(0), 4096);
  descriptor = kept.release();
  kept = DmaBuf::adopt(-1, 0);
  EXPECT_EQ(close(descriptor), 0);
}

TEST_F(MemoryTest, SharingMayBeRefused) {
  driver.refuse[PRD32_IOC_EXPORT] = EOPNOTSUPP;
  EXPECT_EQ(device->allocate(4096, BufferKind::kCoherent).value().share().error().code, EOPNOTSUPP);
}

}  // namespace
}  // namespace prd32::test
