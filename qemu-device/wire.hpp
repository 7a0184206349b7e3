// SPDX-License-Identifier: Apache-2.0
// The messages of the vfio-user protocol 0.0, as QEMU's docs/interop/vfio-user.rst lays them out. Everything is in host
// byte order. Region and interrupt descriptions are those of <linux/vfio.h>.
#pragma once

#include <linux/vfio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace prd32::wire {

inline constexpr std::uint16_t kMajor = 0;
inline constexpr std::uint16_t kMinor = 0;

enum class Command : std::uint16_t {
  kVersion = 1,
  kDmaMap = 2,
  kDmaUnmap = 3,
  kDeviceGetInfo = 4,
  kDeviceGetRegionInfo = 5,
  kDeviceGetRegionIoFds = 6,
  kDeviceGetIrqInfo = 7,
  kDeviceSetIrqs = 8,
  kRegionRead = 9,
  kRegionWrite = 10,
  kDmaRead = 11,
  kDmaWrite = 12,
  kDeviceReset = 13,
  kDirtyPages = 14,
  kRegionWriteMulti = 15,
  kDeviceFeature = 16,
  kMigDataRead = 17,
  kMigDataWrite = 18,
};
inline constexpr std::size_t kCommands = 19;  ///< one past the highest command number

inline constexpr std::uint32_t kFlagTypeMask = 0xf;
inline constexpr std::uint32_t kTypeCommand = 0x0;
inline constexpr std::uint32_t kTypeReply = 0x1;
inline constexpr std::uint32_t kFlagNoReply = 0x10;
inline constexpr std::uint32_t kFlagError = 0x20;

struct Header {
  std::uint16_t id;
  std::uint16_t command;
  std::uint32_t size;  ///< of the whole message, this header included
  std::uint32_t flags;
  std::uint32_t error;  ///< an errno, in a reply that has kFlagError
};
static_assert(sizeof(Header) == 16);

struct Version {
  std::uint16_t major;
  std::uint16_t minor;
};
static_assert(sizeof(Version) == 4);

struct DmaMap {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint64_t offset;
  std::uint64_t address;
  std::uint64_t size;
};
static_assert(sizeof(DmaMap) == 32);

struct DmaUnmap {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint64_t address;
  std::uint64_t size;
};
static_assert(sizeof(DmaUnmap) == 24);

/// Not the kernel's vfio_device_info, which has grown since.
struct DeviceInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t num_regions;
  std::uint32_t num_irqs;
};
static_assert(sizeof(DeviceInfo) == 16);

using RegionInfo = vfio_region_info;
static_assert(sizeof(RegionInfo) == 32);

/// VFIO_REGION_INFO_CAP_SPARSE_MMAP with one area, which the kernel's structures leave to an array at their end.
struct SparseMmap {
  std::uint16_t id;
  std::uint16_t version;
  std::uint32_t next;
  std::uint32_t nr_areas;
  std::uint32_t reserved;
  std::uint64_t offset;
  std::uint64_t size;
};
static_assert(sizeof(SparseMmap) == 32);

/// Not the kernel's vfio_irq_info only because later headers may grow that one too.
struct IrqInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t index;
  std::uint32_t count;
};
static_assert(sizeof(IrqInfo) == 16);

/// The fixed part of vfio_irq_set; the booleans of VFIO_IRQ_SET_DATA_BOOL follow it.
struct IrqSet {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t index;
  std::uint32_t start;
  std::uint32_t count;
};
static_assert(sizeof(IrqSet) == 20);

/// Heads REGION_READ, REGION_WRITE and their replies; the data follows it.
struct RegionAccess {
  std::uint64_t offset;
  std::uint32_t region;
  std::uint32_t count;
};
static_assert(sizeof(RegionAccess) == 16);

/// One element of REGION_WRITE_MULTI, which starts with a 64-bit number of them.
struct RegionWriteOne {
  std::uint64_t offset;
  std::uint32_t region;
  std::uint32_t count;  ///< at most 8
  std::array<std::byte, 8> data;
};
static_assert(sizeof(RegionWriteOne) == 24);

/// Heads DMA_READ, DMA_WRITE and their replies.
struct DmaAccess {
  std::uint64_t address;
  std::uint64_t count;
};
static_assert(sizeof(DmaAccess) == 16);

/// Takes a structure from the front of a payload, which a peer may have sent too short and at any alignment.
template <typename T>
[[nodiscard]] std::optional<T> take(std::span<const std::byte> payload) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (payload.size() < sizeof(T)) {
    return std::nullopt;
  }
  T value;
  std::memcpy(&value, payload.data(), sizeof(T));
  return value;
}

template <typename T>
[[nodiscard]] std::span<const std::byte> bytes_of(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

/// The command's name for logs and statistics; "unknown" for numbers that the protocol does not have.
[[nodiscard]] const char* command_name(std::uint16_t command);

}  // namespace prd32::wire
