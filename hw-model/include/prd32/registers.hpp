// SPDX-License-Identifier: Apache-2.0
// Written by hw-model/generate.py from hw-model/registers.toml: edit that file, not this one.
// clang-format off
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace prd32 {

namespace limits {
/// DMA channels
inline constexpr std::uint64_t kChannels = 0x2;
/// Alignment of a PRDT's bus address, bytes
inline constexpr std::uint64_t kPrdtAlign = 0x10000;
/// Entries that a PRDT may have; the last one carries EOT
inline constexpr std::uint64_t kPrdtMaxEntries = 0x1000;
/// A PRD's region must not cross a multiple of this, bytes
inline constexpr std::uint64_t kPrdBoundary = 0x10000;
/// The largest region of one PRD, bytes; encoded as count 0
inline constexpr std::uint64_t kPrdMaxBytes = 0x10000;
/// Width of the addresses that the card can put on the bus
inline constexpr std::uint64_t kAddressBits = 0x20;
/// Card memory unless configured otherwise, bytes
inline constexpr std::uint64_t kMemoryDefault = 0x4000000;
/// The smallest card memory, bytes
inline constexpr std::uint64_t kMemoryMin = 0x100000;
/// The largest card memory, bytes
inline constexpr std::uint64_t kMemoryMax = 0x40000000;
}  // namespace limits

namespace pci {
inline constexpr std::uint32_t kVendorId = 0x1234;
inline constexpr std::uint32_t kDeviceId = 0x3270;
inline constexpr std::uint32_t kSubsystemVendorId = 0x1234;
inline constexpr std::uint32_t kSubsystemId = 0x1;
inline constexpr std::uint32_t kRevisionId = 0x1;
inline constexpr std::uint32_t kClassCode = 0x88000;

enum class BarKind : std::uint8_t { kMemory32, kIo };

/// A window onto the card's address space.
struct Bar {
  std::string_view name;
  unsigned index;
  BarKind kind;
  std::uint32_t size;    ///< bytes, a power of two
  std::uint32_t window;  ///< offset of its first byte in the card's address space
};

inline constexpr std::array<Bar, 2> kBars{{
    Bar{"MMIO", 0, BarKind::kMemory32, 0x1000, 0x0},
    Bar{"IO", 4, BarKind::kIo, 0x10, 0x0},
}};

inline constexpr std::uint32_t kMsixBar = 0x1;
inline constexpr std::uint32_t kMsixSize = 0x1000;
inline constexpr std::uint32_t kMsixTableOffset = 0x0;
inline constexpr std::uint32_t kMsixPbaOffset = 0x800;
}  // namespace pci

namespace vectors {
/// Channel 0 finished, in success or in error
inline constexpr unsigned kCh0 = 0;
/// Channel 1 finished, in success or in error
inline constexpr unsigned kCh1 = 1;
/// A channel stopped in error
inline constexpr unsigned kError = 2;
inline constexpr unsigned kCount = 3;
}  // namespace vectors

/// The descriptor as one little-endian number: masks of its fields.
namespace prd {
inline constexpr std::size_t kBytes = 8;
/// Bus address of the region's first byte
inline constexpr std::uint64_t kBase = 0x00000000ffffffff;
/// Bytes in the region; 0 means 64 KiB
inline constexpr std::uint64_t kCount = 0x0000ffff00000000;
/// Must be zero
inline constexpr std::uint64_t kReserved = 0x7fff000000000000;
/// This is the table's last descriptor
inline constexpr std::uint64_t kEot = 0x8000000000000000;
}  // namespace prd

namespace regs {

/// The value of a field in a register's value; mask is one of the field masks below.
template <typename T>
constexpr T field_get(T mask, T value) { return (value & mask) >> std::countr_zero(mask); }

/// A field's value moved to the field's place; mask is one of the field masks below.
template <typename T>
constexpr T field_put(T mask, T value) { return (value << std::countr_zero(mask)) & mask; }

/// Registers and windows of the BARs lie below this offset, bytes.
inline constexpr std::uint32_t kAddressSpace = 0x1000;

// ---- bus_master: The SFF-8038i bus-master block, 8 bytes a channel. Reachable through the I/O BAR and the MMIO
// BAR in accesses of 1, 2 and 4 bytes.

/// BM_COMMAND, 8 bits. Starts and stops the channel.
struct BmCommand {
  static constexpr std::string_view kName = "BM_COMMAND";
  static constexpr std::uint32_t kOffset = 0x00;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x08; }
  /// Rw: 1 starts the channel at the PRDT, 0 stops it. What was moved before a stop stays counted. The card clears
  /// it when the transfer ends.
  static constexpr std::uint32_t kStart = 0x00000001;
  /// Rw: 1: the card writes host memory (a driver's read), 0: the card reads host memory. Ignored while the channel
  /// is active.
  static constexpr std::uint32_t kToHost = 0x00000008;
};

/// BM_STATUS, 8 bits. What the channel does and how its last transfer ended.
struct BmStatus {
  static constexpr std::string_view kName = "BM_STATUS";
  static constexpr std::uint32_t kOffset = 0x02;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x08; }
  /// Ro: the channel is moving data; after a stop, until what is under way on the bus has ended
  static constexpr std::uint32_t kActive = 0x00000001;
  /// W1c: the transfer stopped in error; the same bit as IRQ_CAUSE.ERRn
  static constexpr std::uint32_t kError = 0x00000002;
  /// W1c: the transfer ended, in success or in error; the same bit as IRQ_CAUSE.CHn
  static constexpr std::uint32_t kInterrupt = 0x00000004;
};

/// BM_PRDT, 32 bits. Bus address of the PRDT, taken at START. All bits are kept, so that a misaligned address is
/// refused rather than rounded. Ignored while the channel is active.
struct BmPrdt {
  static constexpr std::string_view kName = "BM_PRDT";
  static constexpr std::uint32_t kOffset = 0x04;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x08; }
  /// Rw: must be a multiple of 64 KiB
  static constexpr std::uint32_t kAddress = 0xffffffff;
};

// ---- global: Identification, capabilities and interrupts, in the MMIO BAR only.

/// ID, 32 bits. Identification.
struct Id {
  static constexpr std::string_view kName = "ID";
  static constexpr std::uint32_t kOffset = 0x10;
  /// Ro: the bytes 'PRD2' in memory order
  static constexpr std::uint32_t kMagic = 0xffffffff;
};

/// VERSION, 32 bits. Version of the register interface. A driver refuses a major version that it does not know.
struct Version {
  static constexpr std::string_view kName = "VERSION";
  static constexpr std::uint32_t kOffset = 0x14;
  /// Ro: compatible additions
  static constexpr std::uint32_t kMinor = 0x0000ffff;
  /// Ro: incompatible changes
  static constexpr std::uint32_t kMajor = 0xffff0000;
};

/// CAPS, 32 bits. What this card can do. Fixed when the card is built; the reset values are those of the default
/// configuration.
struct Caps {
  static constexpr std::string_view kName = "CAPS";
  static constexpr std::uint32_t kOffset = 0x18;
  /// Ro: number of DMA channels
  static constexpr std::uint32_t kChannels = 0x0000000f;
  /// Ro: PRD base and count must be multiples of 2 to this power, bytes
  static constexpr std::uint32_t kGranuleLog2 = 0x000000f0;
  /// Ro: a PRDT has at most 2 to this power entries
  static constexpr std::uint32_t kEntriesLog2 = 0x00001f00;
};

/// MEM_SIZE, 32 bits. Size of the card memory. The reset value is that of the default configuration.
struct MemSize {
  static constexpr std::string_view kName = "MEM_SIZE";
  static constexpr std::uint32_t kOffset = 0x1c;
  /// Ro: bytes
  static constexpr std::uint32_t kBytes = 0xffffffff;
};

/// IRQ_CAUSE, 32 bits. Pending interrupt causes. Each is the same bit as the one in BM_STATUS that its text names:
/// cleared in one place, it is clear in both.
struct IrqCause {
  static constexpr std::string_view kName = "IRQ_CAUSE";
  static constexpr std::uint32_t kOffset = 0x20;
  /// W1c: BM_STATUS.INTERRUPT of channel 0
  static constexpr std::uint32_t kCh0 = 0x00000001;
  /// W1c: BM_STATUS.INTERRUPT of channel 1
  static constexpr std::uint32_t kCh1 = 0x00000002;
  /// W1c: BM_STATUS.ERROR of channel 0
  static constexpr std::uint32_t kErr0 = 0x00000100;
  /// W1c: BM_STATUS.ERROR of channel 1
  static constexpr std::uint32_t kErr1 = 0x00000200;
};

/// IRQ_ENABLE, 32 bits. A vector's line is high while any cause of that vector is pending here and in IRQ_CAUSE.
/// CHn drives vector CHn, every ERRn drives vector ERROR.
struct IrqEnable {
  static constexpr std::string_view kName = "IRQ_ENABLE";
  static constexpr std::uint32_t kOffset = 0x24;
  /// Rw: enable IRQ_CAUSE.CH0
  static constexpr std::uint32_t kCh0 = 0x00000001;
  /// Rw: enable IRQ_CAUSE.CH1
  static constexpr std::uint32_t kCh1 = 0x00000002;
  /// Rw: enable IRQ_CAUSE.ERR0
  static constexpr std::uint32_t kErr0 = 0x00000100;
  /// Rw: enable IRQ_CAUSE.ERR1
  static constexpr std::uint32_t kErr1 = 0x00000200;
};

/// SCRATCH, 32 bits. Keeps what is written; for a driver's self-test of the access path.
struct Scratch {
  static constexpr std::string_view kName = "SCRATCH";
  static constexpr std::uint32_t kOffset = 0x28;
  /// Rw: any value
  static constexpr std::uint32_t kValue = 0xffffffff;
};

// ---- channel: The channel's card side and its report, in the MMIO BAR only. The report is cleared at START and
// stays until the next START or a reset.

/// CARD_ADDR, 32 bits. Where in card memory the transfer starts. Taken at START; ignored while the channel is
/// active.
struct CardAddr {
  static constexpr std::string_view kName = "CARD_ADDR";
  static constexpr std::uint32_t kOffset = 0x40;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Rw: byte offset into card memory
  static constexpr std::uint32_t kAddress = 0xffffffff;
};

/// LENGTH, 32 bits. How many bytes the driver means to move. Taken at START; ignored while the channel is active.
struct Length {
  static constexpr std::string_view kName = "LENGTH";
  static constexpr std::uint32_t kOffset = 0x44;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Rw: 0: as many as the table describes; else the table must describe exactly this many
  static constexpr std::uint32_t kBytes = 0xffffffff;
};

/// RESIDUAL, 32 bits. What is left of LENGTH. 0 when LENGTH is 0.
struct Residual {
  static constexpr std::string_view kName = "RESIDUAL";
  static constexpr std::uint32_t kOffset = 0x48;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Ro: bytes not moved
  static constexpr std::uint32_t kBytes = 0xffffffff;
};

/// MOVED, 32 bits. What was moved since START.
struct Moved {
  static constexpr std::string_view kName = "MOVED";
  static constexpr std::uint32_t kOffset = 0x4c;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Ro: bytes moved
  static constexpr std::uint32_t kBytes = 0xffffffff;
};

/// PRDS, 32 bits. Descriptors completed since START.
struct Prds {
  static constexpr std::string_view kName = "PRDS";
  static constexpr std::uint32_t kOffset = 0x50;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Ro: descriptors
  static constexpr std::uint32_t kCount = 0xffffffff;
};

/// ERROR, 32 bits. Why the transfer stopped.
struct Error {
  static constexpr std::string_view kName = "ERROR";
  static constexpr std::uint32_t kOffset = 0x54;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Ro: 0 when it did not stop in error
  static constexpr std::uint32_t kCode = 0x000000ff;
};

/// ERROR_INDEX, 32 bits. Index of the PRD at fault, when one is.
struct ErrorIndex {
  static constexpr std::string_view kName = "ERROR_INDEX";
  static constexpr std::uint32_t kOffset = 0x58;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Ro: counted from 0
  static constexpr std::uint32_t kIndex = 0xffffffff;
};

/// ERROR_ADDR, 32 bits. The address at fault: the PRDT's, the descriptor's, or the data's, as the code says.
struct ErrorAddr {
  static constexpr std::string_view kName = "ERROR_ADDR";
  static constexpr std::uint32_t kOffset = 0x5c;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Ro: bus address, or offset into card memory
  static constexpr std::uint32_t kAddress = 0xffffffff;
};

/// Why a channel stopped.
enum class Err : std::uint8_t {
  /// No error
  kNone = 0,
  /// The PRDT is not 64 KiB aligned
  kPrdtAlign = 1,
  /// The bus refused the fetch of a descriptor
  kPrdtFetch = 2,
  /// 4096 descriptors and none carries EOT
  kPrdtNoEot = 3,
  /// A reserved bit of the descriptor is set
  kPrdReserved = 4,
  /// Base or count is not a multiple of the granule
  kPrdAlign = 5,
  /// The region runs past 4 GiB
  kPrdWrap = 6,
  /// The region crosses a 64 KiB boundary
  kPrdCross = 7,
  /// The transfer runs past the card memory
  kCardRange = 8,
  /// The bus refused a read of data
  kDataRead = 9,
  /// The bus refused a write of data
  kDataWrite = 10,
  /// The table ends before LENGTH bytes
  kLengthShort = 11,
  /// The table describes more than LENGTH bytes
  kLengthLong = 12,
};

/// The rule that a code says is broken, as the violation log names it; "" when none.
constexpr std::string_view rule_of(Err code) {
  switch (code) {
    case Err::kNone:
      return "";
    case Err::kPrdtAlign:
      return "prdt-align-64k";
    case Err::kPrdtFetch:
      return "prdt-fetch";
    case Err::kPrdtNoEot:
      return "prdt-no-eot";
    case Err::kPrdReserved:
      return "prd-reserved-zero";
    case Err::kPrdAlign:
      return "prd-granule";
    case Err::kPrdWrap:
      return "prd-wrap-4g";
    case Err::kPrdCross:
      return "prd-cross-64k";
    case Err::kCardRange:
      return "card-range";
    case Err::kDataRead:
      return "data-read";
    case Err::kDataWrite:
      return "data-write";
    case Err::kLengthShort:
      return "length-short";
    case Err::kLengthLong:
      return "length-long";
  }
  return "";
}

/// Breaches that stop nothing: the rules' names in the violation log.
namespace warnings {
/// START was written as 1 while the channel was active
inline constexpr std::string_view kStartActive = "start-while-active";
/// BM_PRDT was written while the channel was active
inline constexpr std::string_view kPrdtActive = "prdt-while-active";
/// CARD_ADDR was written while the channel was active
inline constexpr std::string_view kCardAddrActive = "card-addr-while-active";
/// LENGTH was written while the channel was active
inline constexpr std::string_view kLengthActive = "length-while-active";
}  // namespace warnings

/// A register of one instance: which of its bits are read-write, read-only and write-1-to-clear (the others are
/// reserved), and its value after reset.
struct Register {
  std::string_view name;
  int instance;          ///< -1: there is only one
  std::uint32_t offset;  ///< in the card's address space, bytes
  unsigned bytes;        ///< 1, 2 or 4
  std::uint32_t rw;
  std::uint32_t ro;
  std::uint32_t w1c;
  std::uint32_t reset;
};

/// Every register, in the order of offsets.
inline constexpr std::array<Register, 33> kTable{{
    Register{"BM_COMMAND", 0, 0x00, 1, 0x00000009, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_RESERVED1", 0, 0x01, 1, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_STATUS", 0, 0x02, 1, 0x00000000, 0x00000001, 0x00000006, 0x00000000},
    Register{"BM_RESERVED3", 0, 0x03, 1, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_PRDT", 0, 0x04, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_COMMAND", 1, 0x08, 1, 0x00000009, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_RESERVED1", 1, 0x09, 1, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_STATUS", 1, 0x0a, 1, 0x00000000, 0x00000001, 0x00000006, 0x00000000},
    Register{"BM_RESERVED3", 1, 0x0b, 1, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_PRDT", 1, 0x0c, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"ID", -1, 0x10, 4, 0x00000000, 0xffffffff, 0x00000000, 0x32445250},
    Register{"VERSION", -1, 0x14, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00010000},
    Register{"CAPS", -1, 0x18, 4, 0x00000000, 0x00001fff, 0x00000000, 0x00000c02},
    Register{"MEM_SIZE", -1, 0x1c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x04000000},
    Register{"IRQ_CAUSE", -1, 0x20, 4, 0x00000000, 0x00000000, 0x00000303, 0x00000000},
    Register{"IRQ_ENABLE", -1, 0x24, 4, 0x00000303, 0x00000000, 0x00000000, 0x00000000},
    Register{"SCRATCH", -1, 0x28, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"CARD_ADDR", 0, 0x40, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"LENGTH", 0, 0x44, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"RESIDUAL", 0, 0x48, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000},
    Register{"MOVED", 0, 0x4c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000},
    Register{"PRDS", 0, 0x50, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000},
    Register{"ERROR", 0, 0x54, 4, 0x00000000, 0x000000ff, 0x00000000, 0x00000000},
    Register{"ERROR_INDEX", 0, 0x58, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000},
    Register{"ERROR_ADDR", 0, 0x5c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000},
    Register{"CARD_ADDR", 1, 0x80, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"LENGTH", 1, 0x84, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"RESIDUAL", 1, 0x88, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000},
    Register{"MOVED", 1, 0x8c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000},
    Register{"PRDS", 1, 0x90, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000},
    Register{"ERROR", 1, 0x94, 4, 0x00000000, 0x000000ff, 0x00000000, 0x00000000},
    Register{"ERROR_INDEX", 1, 0x98, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000},
    Register{"ERROR_ADDR", 1, 0x9c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000},
}};

}  // namespace regs
}  // namespace prd32
