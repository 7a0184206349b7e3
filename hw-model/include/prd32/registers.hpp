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
/// Entries after which the card gives up on a table, whatever its rules are switched to
inline constexpr std::uint64_t kPrdtLastResort = 0x10000;
/// What the loopback between the channels holds, bytes
inline constexpr std::uint64_t kLoopbackBytes = 0x20000;
/// Size and alignment of a status block in host memory, bytes
inline constexpr std::uint64_t kWritebackBytes = 0x10;
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

enum class BarKind : std::uint8_t { kMemory32, kMemory64, kIo };

/// A window onto the card's address space; of kind kMemory64, prefetchable, onto card memory.
struct Bar {
  std::string_view name;
  unsigned index;        ///< kMemory64: and the next
  BarKind kind;
  std::uint64_t size;    ///< bytes, a power of two; of the default configuration
  std::uint32_t window;  ///< offset of its first byte in the card's address space, or card memory
};

inline constexpr std::array<Bar, 3> kBars{{
    Bar{"MMIO", 0, BarKind::kMemory32, 0x1000, 0x0},
    Bar{"MEMORY", 2, BarKind::kMemory64, 0x4000000, 0x0},
    Bar{"IO", 4, BarKind::kIo, 0x10, 0x0},
}};

inline constexpr std::uint32_t kMsixBar = 0x1;
inline constexpr std::uint32_t kMsixSize = 0x1000;
inline constexpr std::uint32_t kMsixTableOffset = 0x0;
inline constexpr std::uint32_t kMsixPbaOffset = 0x800;
}  // namespace pci

namespace vectors {
/// Channel 0 finished, in success or in error, or completed a marked descriptor
inline constexpr unsigned kCh0 = 0;
/// Channel 1 finished, in success or in error, or completed a marked descriptor
inline constexpr unsigned kCh1 = 1;
/// A channel stopped in error
inline constexpr unsigned kError = 2;
inline constexpr unsigned kCount = 3;
inline constexpr std::array<std::string_view, kCount> kNames{{"CH0", "CH1", "ERROR"}};
}  // namespace vectors

/// The descriptor as one little-endian number: masks of its fields.
namespace prd {
inline constexpr std::size_t kBytes = 8;
/// Bus address of the region's first byte
inline constexpr std::uint64_t kBase = 0x00000000ffffffff;
/// Bytes in the region; 0 means 64 KiB
inline constexpr std::uint64_t kCount = 0x0000ffff00000000;
/// Must be zero
inline constexpr std::uint64_t kReserved = 0x3fff000000000000;
/// Interrupt when this descriptor is done, in a cyclic table; must be zero in any other
inline constexpr std::uint64_t kMark = 0x4000000000000000;
/// This is the table's last descriptor
inline constexpr std::uint64_t kEot = 0x8000000000000000;
}  // namespace prd

/// A command of the queue: the driver writes the first half, the card the second when the command is done. Offsets
/// of its words, bytes, and masks of their fields.
namespace command {
inline constexpr std::size_t kBytes = 32;
/// As BM_PRDT
inline constexpr std::size_t kPrdt = 0x0;
/// As the register
inline constexpr std::size_t kCardAddr = 0x4;
/// As the register
inline constexpr std::size_t kLength = 0x8;
/// How the command is done; reserved bits must be zero
inline constexpr std::size_t kFlags = 0xc;
/// As BM_COMMAND.TO_HOST
inline constexpr std::uint32_t kFlagsToHost = 0x00000001;
/// As CONTROL.ENDPOINT
inline constexpr std::uint32_t kFlagsEndpoint = 0x00000300;
/// As ENTRIES; 0: not told
inline constexpr std::uint32_t kFlagsEntries = 0xffff0000;
/// Why the command stopped
inline constexpr std::size_t kResult = 0x10;
/// As ERROR.CODE
inline constexpr std::uint32_t kResultCode = 0x000000ff;
/// As ERROR_INDEX
inline constexpr std::uint32_t kResultIndex = 0xffff0000;
/// As the register
inline constexpr std::size_t kMoved = 0x14;
/// What else there is to say
inline constexpr std::size_t kDetail = 0x18;
/// Which command this is the status of
inline constexpr std::size_t kNumber = 0x1c;
}  // namespace command

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
  /// W1c: the transfer ended, in success or in error, or a marked descriptor is done; the same bit as IRQ_CAUSE.CHn
  static constexpr std::uint32_t kInterrupt = 0x00000004;
};

/// BM_PRDT, 32 bits. Bus address of the PRDT, taken at START. All bits are kept, so that a misaligned address is
/// refused rather than rounded.
struct BmPrdt {
  static constexpr std::string_view kName = "BM_PRDT";
  static constexpr std::uint32_t kOffset = 0x04;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x08; }
  /// Rw: must be a multiple of 2 to the power of CAPS.PRDT_ALIGN_LOG2
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
  /// Ro: cyclic tables are there: CONTROL.CYCLIC and the descriptor's MARK
  static constexpr std::uint32_t kCyclic = 0x00002000;
  /// Ro: status writeback is there: CONTROL.WRITEBACK
  static constexpr std::uint32_t kWriteback = 0x00004000;
  /// Ro: other endpoints than card memory are there: CONTROL.ENDPOINT
  static constexpr std::uint32_t kEndpoints = 0x00008000;
  /// Ro: BM_PRDT must be a multiple of 2 to this power, bytes
  static constexpr std::uint32_t kPrdtAlignLog2 = 0x001f0000;
  /// Ro: count 0 breaks rule prd-count-zero, whatever it is switched to: larger regions than 65535 bytes need two
  /// descriptors
  static constexpr std::uint32_t kZeroRefused = 0x00200000;
  /// Ro: the command queue is there: QUEUE_TAIL
  static constexpr std::uint32_t kQueue = 0x00400000;
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

/// CARD_ADDR, 32 bits. Where in card memory the transfer starts. Taken at START.
struct CardAddr {
  static constexpr std::string_view kName = "CARD_ADDR";
  static constexpr std::uint32_t kOffset = 0x40;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Rw: byte offset into card memory
  static constexpr std::uint32_t kAddress = 0xffffffff;
};

/// LENGTH, 32 bits. How many bytes the driver means to move. Taken at START.
struct Length {
  static constexpr std::string_view kName = "LENGTH";
  static constexpr std::uint32_t kOffset = 0x44;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Rw: 0: as many as the table describes; else the table must describe exactly this many. In a cyclic table, in
  /// each lap
  static constexpr std::uint32_t kBytes = 0xffffffff;
};

/// RESIDUAL, 32 bits. What is left of LENGTH, in a cyclic table of this lap's. 0 when LENGTH is 0.
struct Residual {
  static constexpr std::string_view kName = "RESIDUAL";
  static constexpr std::uint32_t kOffset = 0x48;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Ro: bytes not moved
  static constexpr std::uint32_t kBytes = 0xffffffff;
};

/// MOVED, 32 bits. What was moved since START, by descriptors that are done. In a cyclic table it wraps.
struct Moved {
  static constexpr std::string_view kName = "MOVED";
  static constexpr std::uint32_t kOffset = 0x4c;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x40; }
  /// Ro: bytes moved
  static constexpr std::uint32_t kBytes = 0xffffffff;
};

/// PRDS, 32 bits. Descriptors completed since START. In a cyclic table it wraps.
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

/// ERROR_INDEX, 32 bits. Index of the PRD at fault, else 0.
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

// ---- extension: Extensions and the record of breaches, in the MMIO BAR only. Bits of CONTROL for what CAPS says
// is not there stay 0; other registers keep what is written, and nothing looks at it.

/// CONTROL, 32 bits. How the channel works. All but RESET is taken at START.
struct Control {
  static constexpr std::string_view kName = "CONTROL";
  static constexpr std::uint32_t kOffset = 0x100;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Trigger: 1 ends the channel's transfer, and gives the channel's registers in all blocks and its loopback their
  /// reset state. ACTIVE stays until what is under way on the bus has ended
  static constexpr std::uint32_t kReset = 0x00000001;
  /// Rw: after the descriptor with EOT the card goes on with the first; only a stop, a reset or an error ends it
  static constexpr std::uint32_t kCyclic = 0x00000002;
  /// Rw: write a status block to WRITEBACK_ADDR before each interrupt
  static constexpr std::uint32_t kWriteback = 0x00000004;
  /// Rw: what the bytes come from or go to, on the card
  static constexpr std::uint32_t kEndpoint = 0x00000300;
};

/// ENTRIES, 32 bits. How many descriptors the driver means the table to have. Taken at START.
struct Entries {
  static constexpr std::string_view kName = "ENTRIES";
  static constexpr std::uint32_t kOffset = 0x104;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: 0: not told, EOT says it; else EOT must be in the last of so many
  static constexpr std::uint32_t kCount = 0xffffffff;
};

/// WRITEBACK_ADDR, 32 bits. Where the status block lies. Taken at START, and only looked at with CONTROL.WRITEBACK.
struct WritebackAddr {
  static constexpr std::string_view kName = "WRITEBACK_ADDR";
  static constexpr std::uint32_t kOffset = 0x108;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: bus address, a multiple of 16
  static constexpr std::uint32_t kAddress = 0xffffffff;
};

/// SEQUENCE, 32 bits. Status blocks written since the last reset; the block holds the number that it has itself.
struct Sequence {
  static constexpr std::string_view kName = "SEQUENCE";
  static constexpr std::uint32_t kOffset = 0x10c;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Ro: status blocks; wraps
  static constexpr std::uint32_t kCount = 0xffffffff;
};

/// PERIODS, 32 bits. Marked descriptors of a cyclic table that are done since START.
struct Periods {
  static constexpr std::string_view kName = "PERIODS";
  static constexpr std::uint32_t kOffset = 0x110;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Ro: descriptors; wraps
  static constexpr std::uint32_t kCount = 0xffffffff;
};

/// BREACH, 32 bits. The first rule that was broken since START, whatever it is switched to, and how many were.
struct Breach {
  static constexpr std::string_view kName = "BREACH";
  static constexpr std::uint32_t kOffset = 0x114;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Ro: of the first; 0 when none was broken
  static constexpr std::uint32_t kCode = 0x000000ff;
  /// Ro: of all; stays at 65535
  static constexpr std::uint32_t kCount = 0xffff0000;
};

/// BREACH_INDEX, 32 bits. Index of the PRD of the first breach, else 0.
struct BreachIndex {
  static constexpr std::string_view kName = "BREACH_INDEX";
  static constexpr std::uint32_t kOffset = 0x118;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Ro: counted from 0
  static constexpr std::uint32_t kIndex = 0xffffffff;
};

/// BREACH_ADDR, 32 bits. The address of the first breach, as its code says.
struct BreachAddr {
  static constexpr std::string_view kName = "BREACH_ADDR";
  static constexpr std::uint32_t kOffset = 0x11c;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Ro: bus address, or offset
  static constexpr std::uint32_t kAddress = 0xffffffff;
};

/// PATTERN, 32 bits. What endpoint PATTERN makes. Taken at START.
struct Pattern {
  static constexpr std::string_view kName = "PATTERN";
  static constexpr std::uint32_t kOffset = 0x120;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: the stream
  static constexpr std::uint32_t kKind = 0x00000001;
};

/// PATTERN_SEED, 32 bits. Where the stream of endpoint PATTERN begins. Taken at START.
struct PatternSeed {
  static constexpr std::string_view kName = "PATTERN_SEED";
  static constexpr std::uint32_t kOffset = 0x124;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: the first word of COUNTER; the first state of PRBS31 in its low 31 bits, where 0 stands for all ones
  static constexpr std::uint32_t kValue = 0xffffffff;
};

/// PATTERN_RATE, 32 bits. How fast endpoint PATTERN makes bytes, in simulated time from START on. Taken at START.
struct PatternRate {
  static constexpr std::string_view kName = "PATTERN_RATE";
  static constexpr std::uint32_t kOffset = 0x128;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: 1000 bytes per second; 0: as fast as they are taken, so that nothing overruns
  static constexpr std::uint32_t kKbPerS = 0xffffffff;
};

/// PATTERN_FIFO, 32 bits. How many bytes of endpoint PATTERN wait for the bus at most. Taken at START; not looked
/// at when PATTERN_RATE is 0.
struct PatternFifo {
  static constexpr std::string_view kName = "PATTERN_FIFO";
  static constexpr std::uint32_t kOffset = 0x12c;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: bytes; less than 64 KiB counts as 64 KiB, which is one descriptor's
  static constexpr std::uint32_t kBytes = 0xffffffff;
};

/// PATTERN_LOST, 32 bits. Bytes of endpoint PATTERN that found the FIFO full since START.
struct PatternLost {
  static constexpr std::string_view kName = "PATTERN_LOST";
  static constexpr std::uint32_t kOffset = 0x130;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Ro: bytes; wraps
  static constexpr std::uint32_t kBytes = 0xffffffff;
};

/// CRC, 32 bits. CRC-32C of what endpoint CHECKSUM took since START.
struct Crc {
  static constexpr std::string_view kName = "CRC";
  static constexpr std::uint32_t kOffset = 0x134;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Ro: as iSCSI and SSE 4.2 have it; 0 of no bytes
  static constexpr std::uint32_t kValue = 0xffffffff;
};

/// QUEUE_BASE, 32 bits. Where the command queue lies. Looked at for each command.
struct QueueBase {
  static constexpr std::string_view kName = "QUEUE_BASE";
  static constexpr std::uint32_t kOffset = 0x140;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: bus address of the first command, a multiple of 32
  static constexpr std::uint32_t kAddress = 0xffffffff;
};

/// QUEUE_SIZE, 32 bits. How many commands the queue has room for. Looked at for each command.
struct QueueSize {
  static constexpr std::string_view kName = "QUEUE_SIZE";
  static constexpr std::uint32_t kOffset = 0x144;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: 2 to this power: 1 to 32768 commands
  static constexpr std::uint32_t kLog2 = 0x0000000f;
};

/// QUEUE_TAIL, 32 bits. The doorbell: how many commands the driver has put in the queue since the channel's last
/// reset. Each write counts, so write all of it in one access.
struct QueueTail {
  static constexpr std::string_view kName = "QUEUE_TAIL";
  static constexpr std::uint32_t kOffset = 0x148;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: commands; wraps
  static constexpr std::uint32_t kCount = 0xffffffff;
};

/// QUEUE_HEAD, 32 bits. How many commands are done since the channel's last reset. While the queue runs, the
/// channel's report is that of the next one.
struct QueueHead {
  static constexpr std::string_view kName = "QUEUE_HEAD";
  static constexpr std::uint32_t kOffset = 0x14c;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Ro: commands; wraps
  static constexpr std::uint32_t kCount = 0xffffffff;
};

/// QUEUE_COALESCE, 32 bits. How often a running queue interrupts. Looked at whenever a command is done.
struct QueueCoalesce {
  static constexpr std::string_view kName = "QUEUE_COALESCE";
  static constexpr std::uint32_t kOffset = 0x150;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: after so many commands, after one in error, and when none is left; 0 counts as 1
  static constexpr std::uint32_t kCount = 0x0000ffff;
};

/// QUEUE_STATE, 32 bits. Whether the queue works.
struct QueueState {
  static constexpr std::string_view kName = "QUEUE_STATE";
  static constexpr std::uint32_t kOffset = 0x154;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Ro: the queue itself failed, as ERROR says: a doorbell does nothing until the channel is reset
  static constexpr std::uint32_t kHalted = 0x00000001;
};

/// QUEUE_SEEN, 32 bits. How many commands the driver has found done. Writing it takes the queue's interrupt back,
/// unless there is more to see. Each write counts, so write all of it in one access.
struct QueueSeen {
  static constexpr std::string_view kName = "QUEUE_SEEN";
  static constexpr std::uint32_t kOffset = 0x158;
  /// Byte offset of the register of instance n in the card's address space.
  static constexpr std::uint32_t at(unsigned n) { return kOffset + n * 0x100; }
  /// Rw: commands, as NUMBER of the last one says; wraps
  static constexpr std::uint32_t kCount = 0xffffffff;
};

/// What a channel's bytes come from or go to.
enum class Endpoint : std::uint8_t {
  /// Card memory, from CARD_ADDR on, in both directions
  kMemory = 0,
  /// A pattern generator: to the host only
  kPattern = 1,
  /// A sink that adds up CRC: from the host only
  kChecksum = 2,
  /// The loopback: what a channel takes from the host, one that moves to the host gets
  kLoopback = 3,
};

/// Streams of endpoint PATTERN.
enum class PatternKind : std::uint8_t {
  /// The pseudo-random bits of x^31 + x^28 + 1, each byte's most significant bit first
  kPrbs31 = 0,
  /// 32-bit words, little endian, each one more than the last
  kCounter = 1,
};

/// Why a channel stopped, and which rule was broken.
enum class Err : std::uint8_t {
  /// No error
  kNone = 0,
  /// The PRDT is not aligned to 2 to the power of CAPS.PRDT_ALIGN_LOG2, 64 KiB unless configured
  kPrdtAlign = 1,
  /// The bus refused the fetch of a descriptor
  kPrdtFetch = 2,
  /// The last descriptor that ENTRIES, or CAPS.ENTRIES_LOG2, allows was executed and has no EOT
  kPrdtNoEot = 3,
  /// A reserved bit of the descriptor is set; MARK is one unless the table is cyclic
  kPrdReserved = 4,
  /// The base is not a multiple of 2 to the power of CAPS.GRANULE_LOG2
  kPrdBaseAlign = 5,
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
  /// A descriptor lies behind the 64 KiB that the PRDT begins in
  kPrdtCross = 13,
  /// ENTRIES says more than CAPS.ENTRIES_LOG2 allows, or the table goes on behind so many
  kPrdtEntries = 14,
  /// The count is not a multiple of 2 to the power of CAPS.GRANULE_LOG2
  kPrdCountAlign = 15,
  /// The count is 0, which does not mean 64 KiB to this card
  kPrdZero = 16,
  /// A descriptor was changed between its fetch and its turn; not looked for in a cyclic table
  kPrdtEdited = 17,
  /// START was written as 1 while the channel was active
  kStartActive = 18,
  /// BM_PRDT was written while the channel was active
  kPrdtActive = 19,
  /// CARD_ADDR was written while the channel was active
  kCardAddrActive = 20,
  /// LENGTH was written while the channel was active
  kLengthActive = 21,
  /// Another register that START takes was written while the channel was active
  kSetupActive = 22,
  /// CONTROL.ENDPOINT does not go in the direction that TO_HOST says
  kEndpointDirection = 23,
  /// The pattern generator's FIFO ran over before this descriptor's turn
  kPatternOverrun = 24,
  /// WRITEBACK_ADDR is not a multiple of 16
  kWritebackAlign = 25,
  /// The bus refused the write of the status block
  kWritebackRefused = 26,
  /// EOT comes before the last of ENTRIES descriptors
  kPrdtEarlyEot = 27,
  /// QUEUE_BASE is not a multiple of 32
  kQueueAlign = 28,
  /// QUEUE_TAIL is further from QUEUE_HEAD than the queue has room
  kQueueOverrun = 29,
  /// The bus refused the fetch of a command
  kQueueFetch = 30,
  /// A reserved bit of a command's FLAGS is set
  kCommandReserved = 31,
};

/// What a rule can be switched to; docs/registers.md says what the card then does.
enum class Mode : std::uint8_t { kError, kSilicon, kIgnore, kOff };

struct Rule {
  std::string_view name;  ///< in the violation log; "" where the code is no rule's
  bool silicon;           ///< can be switched to Mode::kSilicon
  bool ignore;            ///< can be switched to Mode::kIgnore and Mode::kOff
};

/// Every rule, by the number of its code.
inline constexpr std::array<Rule, 32> kRules{{
    Rule{"", false, false},
    Rule{"prdt-align-64k", true, true},
    Rule{"prdt-fetch", true, false},
    Rule{"prdt-no-eot", true, true},
    Rule{"prd-reserved-zero", true, true},
    Rule{"prd-base-align", true, true},
    Rule{"prd-wrap-4g", true, true},
    Rule{"prd-cross-64k", true, true},
    Rule{"card-range", true, true},
    Rule{"data-read", true, false},
    Rule{"data-write", true, false},
    Rule{"length-short", true, true},
    Rule{"length-long", true, true},
    Rule{"prdt-cross-64k", true, true},
    Rule{"prdt-entries", true, true},
    Rule{"prd-count-align", true, true},
    Rule{"prd-count-zero", true, true},
    Rule{"prdt-edited-while-active", true, true},
    Rule{"start-while-active", true, true},
    Rule{"prdt-while-active", true, true},
    Rule{"card-addr-while-active", true, true},
    Rule{"length-while-active", true, true},
    Rule{"setup-while-active", true, true},
    Rule{"endpoint-direction", true, false},
    Rule{"pattern-overrun", true, true},
    Rule{"writeback-align", true, true},
    Rule{"writeback-refused", true, false},
    Rule{"prdt-early-eot", true, true},
    Rule{"queue-align", true, true},
    Rule{"queue-overrun", true, false},
    Rule{"queue-fetch", true, false},
    Rule{"command-reserved-zero", true, true},
}};

/// The rule that a code says is broken, as the violation log names it; "" when none.
constexpr std::string_view rule_of(Err code) {
  const auto number = static_cast<std::size_t>(code);
  return number < kRules.size() ? kRules[number].name : std::string_view();
}

/// What a card is switched to as a whole.
struct Profile {
  std::string_view name;
  unsigned granule_log2;     ///< PRD bases and counts are multiples of 2 to this power, bytes
  unsigned prdt_align_log2;  ///< a PRDT's address is a multiple of 2 to this power, bytes
  unsigned entries_log2;     ///< a PRDT has at most 2 to this power entries
  bool cyclic;
  bool writeback;
  bool endpoints;
  bool queue;
  std::array<Mode, kRules.size()> modes;  ///< by the number of the code
};

/// The profiles that the card knows by name; the first is the default.
inline constexpr std::array<Profile, 3> kProfiles{{
    Profile{"strict", 0, 16, 12, true, true, true, true,
            {{Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError,
              Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError,
              Mode::kError, Mode::kError, Mode::kOff, Mode::kError, Mode::kIgnore, Mode::kIgnore, Mode::kIgnore,
              Mode::kIgnore, Mode::kIgnore, Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError,
              Mode::kError, Mode::kError, Mode::kError, Mode::kError}}},
    Profile{"sff8038i", 1, 2, 13, false, false, false, false,
            {{Mode::kError, Mode::kSilicon, Mode::kError, Mode::kSilicon, Mode::kIgnore, Mode::kSilicon,
              Mode::kSilicon, Mode::kSilicon, Mode::kError, Mode::kError, Mode::kError, Mode::kIgnore,
              Mode::kIgnore, Mode::kSilicon, Mode::kError, Mode::kSilicon, Mode::kOff, Mode::kSilicon,
              Mode::kIgnore, Mode::kSilicon, Mode::kSilicon, Mode::kSilicon, Mode::kSilicon, Mode::kError,
              Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError,
              Mode::kError}}},
    Profile{"seed", 0, 16, 12, false, false, false, false,
            {{Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kIgnore, Mode::kError, Mode::kError,
              Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError,
              Mode::kError, Mode::kError, Mode::kOff, Mode::kError, Mode::kIgnore, Mode::kSilicon, Mode::kSilicon,
              Mode::kSilicon, Mode::kSilicon, Mode::kError, Mode::kError, Mode::kError, Mode::kError, Mode::kError,
              Mode::kError, Mode::kError, Mode::kError, Mode::kError}}},
}};

/// A register of one instance: which of its bits are read-write, read-only, write-1-to-clear and triggers (the
/// others are reserved), and its value after reset.
struct Register {
  std::string_view name;
  int instance;          ///< -1: there is only one
  std::uint32_t offset;  ///< in the card's address space, bytes
  unsigned bytes;        ///< 1, 2 or 4
  std::uint32_t rw;
  std::uint32_t ro;
  std::uint32_t w1c;
  std::uint32_t trigger;
  std::uint32_t reset;
};

/// Every register, in the order of offsets.
inline constexpr std::array<Register, 75> kTable{{
    Register{"BM_COMMAND", 0, 0x00, 1, 0x00000009, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_RESERVED1", 0, 0x01, 1, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_STATUS", 0, 0x02, 1, 0x00000000, 0x00000001, 0x00000006, 0x00000000, 0x00000000},
    Register{"BM_RESERVED3", 0, 0x03, 1, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_PRDT", 0, 0x04, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_COMMAND", 1, 0x08, 1, 0x00000009, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_RESERVED1", 1, 0x09, 1, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_STATUS", 1, 0x0a, 1, 0x00000000, 0x00000001, 0x00000006, 0x00000000, 0x00000000},
    Register{"BM_RESERVED3", 1, 0x0b, 1, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"BM_PRDT", 1, 0x0c, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"ID", -1, 0x10, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x32445250},
    Register{"VERSION", -1, 0x14, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00010002},
    Register{"CAPS", -1, 0x18, 4, 0x00000000, 0x007fffff, 0x00000000, 0x00000000, 0x0050ec02},
    Register{"MEM_SIZE", -1, 0x1c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x04000000},
    Register{"IRQ_CAUSE", -1, 0x20, 4, 0x00000000, 0x00000000, 0x00000303, 0x00000000, 0x00000000},
    Register{"IRQ_ENABLE", -1, 0x24, 4, 0x00000303, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"SCRATCH", -1, 0x28, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"CARD_ADDR", 0, 0x40, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"LENGTH", 0, 0x44, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"RESIDUAL", 0, 0x48, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"MOVED", 0, 0x4c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"PRDS", 0, 0x50, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"ERROR", 0, 0x54, 4, 0x00000000, 0x000000ff, 0x00000000, 0x00000000, 0x00000000},
    Register{"ERROR_INDEX", 0, 0x58, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"ERROR_ADDR", 0, 0x5c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"CARD_ADDR", 1, 0x80, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"LENGTH", 1, 0x84, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"RESIDUAL", 1, 0x88, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"MOVED", 1, 0x8c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"PRDS", 1, 0x90, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"ERROR", 1, 0x94, 4, 0x00000000, 0x000000ff, 0x00000000, 0x00000000, 0x00000000},
    Register{"ERROR_INDEX", 1, 0x98, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"ERROR_ADDR", 1, 0x9c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"CONTROL", 0, 0x100, 4, 0x00000306, 0x00000000, 0x00000000, 0x00000001, 0x00000000},
    Register{"ENTRIES", 0, 0x104, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"WRITEBACK_ADDR", 0, 0x108, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"SEQUENCE", 0, 0x10c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"PERIODS", 0, 0x110, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"BREACH", 0, 0x114, 4, 0x00000000, 0xffff00ff, 0x00000000, 0x00000000, 0x00000000},
    Register{"BREACH_INDEX", 0, 0x118, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"BREACH_ADDR", 0, 0x11c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"PATTERN", 0, 0x120, 4, 0x00000001, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"PATTERN_SEED", 0, 0x124, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"PATTERN_RATE", 0, 0x128, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"PATTERN_FIFO", 0, 0x12c, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00020000},
    Register{"PATTERN_LOST", 0, 0x130, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"CRC", 0, 0x134, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_BASE", 0, 0x140, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_SIZE", 0, 0x144, 4, 0x0000000f, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_TAIL", 0, 0x148, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_HEAD", 0, 0x14c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_COALESCE", 0, 0x150, 4, 0x0000ffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_STATE", 0, 0x154, 4, 0x00000000, 0x00000001, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_SEEN", 0, 0x158, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"CONTROL", 1, 0x200, 4, 0x00000306, 0x00000000, 0x00000000, 0x00000001, 0x00000000},
    Register{"ENTRIES", 1, 0x204, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"WRITEBACK_ADDR", 1, 0x208, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"SEQUENCE", 1, 0x20c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"PERIODS", 1, 0x210, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"BREACH", 1, 0x214, 4, 0x00000000, 0xffff00ff, 0x00000000, 0x00000000, 0x00000000},
    Register{"BREACH_INDEX", 1, 0x218, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"BREACH_ADDR", 1, 0x21c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"PATTERN", 1, 0x220, 4, 0x00000001, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"PATTERN_SEED", 1, 0x224, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"PATTERN_RATE", 1, 0x228, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"PATTERN_FIFO", 1, 0x22c, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00020000},
    Register{"PATTERN_LOST", 1, 0x230, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"CRC", 1, 0x234, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_BASE", 1, 0x240, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_SIZE", 1, 0x244, 4, 0x0000000f, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_TAIL", 1, 0x248, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_HEAD", 1, 0x24c, 4, 0x00000000, 0xffffffff, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_COALESCE", 1, 0x250, 4, 0x0000ffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_STATE", 1, 0x254, 4, 0x00000000, 0x00000001, 0x00000000, 0x00000000, 0x00000000},
    Register{"QUEUE_SEEN", 1, 0x258, 4, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000000},
}};

/// A field of a register, in every instance of it.
struct Field {
  std::string_view reg;
  std::string_view name;
  std::uint32_t mask;      ///< its bits in the register's value
  std::string_view codes;  ///< which codes it holds; "" when it holds a number
};

/// Every field that has a name, lowest bits first.
inline constexpr std::array<Field, 61> kFields{{
    Field{"BM_COMMAND", "START", 0x00000001, ""},
    Field{"BM_COMMAND", "TO_HOST", 0x00000008, ""},
    Field{"BM_STATUS", "ACTIVE", 0x00000001, ""},
    Field{"BM_STATUS", "ERROR", 0x00000002, ""},
    Field{"BM_STATUS", "INTERRUPT", 0x00000004, ""},
    Field{"BM_PRDT", "ADDRESS", 0xffffffff, ""},
    Field{"ID", "MAGIC", 0xffffffff, ""},
    Field{"VERSION", "MINOR", 0x0000ffff, ""},
    Field{"VERSION", "MAJOR", 0xffff0000, ""},
    Field{"CAPS", "CHANNELS", 0x0000000f, ""},
    Field{"CAPS", "GRANULE_LOG2", 0x000000f0, ""},
    Field{"CAPS", "ENTRIES_LOG2", 0x00001f00, ""},
    Field{"CAPS", "CYCLIC", 0x00002000, ""},
    Field{"CAPS", "WRITEBACK", 0x00004000, ""},
    Field{"CAPS", "ENDPOINTS", 0x00008000, ""},
    Field{"CAPS", "PRDT_ALIGN_LOG2", 0x001f0000, ""},
    Field{"CAPS", "ZERO_REFUSED", 0x00200000, ""},
    Field{"CAPS", "QUEUE", 0x00400000, ""},
    Field{"MEM_SIZE", "BYTES", 0xffffffff, ""},
    Field{"IRQ_CAUSE", "CH0", 0x00000001, ""},
    Field{"IRQ_CAUSE", "CH1", 0x00000002, ""},
    Field{"IRQ_CAUSE", "ERR0", 0x00000100, ""},
    Field{"IRQ_CAUSE", "ERR1", 0x00000200, ""},
    Field{"IRQ_ENABLE", "CH0", 0x00000001, ""},
    Field{"IRQ_ENABLE", "CH1", 0x00000002, ""},
    Field{"IRQ_ENABLE", "ERR0", 0x00000100, ""},
    Field{"IRQ_ENABLE", "ERR1", 0x00000200, ""},
    Field{"SCRATCH", "VALUE", 0xffffffff, ""},
    Field{"CARD_ADDR", "ADDRESS", 0xffffffff, ""},
    Field{"LENGTH", "BYTES", 0xffffffff, ""},
    Field{"RESIDUAL", "BYTES", 0xffffffff, ""},
    Field{"MOVED", "BYTES", 0xffffffff, ""},
    Field{"PRDS", "COUNT", 0xffffffff, ""},
    Field{"ERROR", "CODE", 0x000000ff, "ERR"},
    Field{"ERROR_INDEX", "INDEX", 0xffffffff, ""},
    Field{"ERROR_ADDR", "ADDRESS", 0xffffffff, ""},
    Field{"CONTROL", "RESET", 0x00000001, ""},
    Field{"CONTROL", "CYCLIC", 0x00000002, ""},
    Field{"CONTROL", "WRITEBACK", 0x00000004, ""},
    Field{"CONTROL", "ENDPOINT", 0x00000300, "ENDPOINT"},
    Field{"ENTRIES", "COUNT", 0xffffffff, ""},
    Field{"WRITEBACK_ADDR", "ADDRESS", 0xffffffff, ""},
    Field{"SEQUENCE", "COUNT", 0xffffffff, ""},
    Field{"PERIODS", "COUNT", 0xffffffff, ""},
    Field{"BREACH", "CODE", 0x000000ff, "ERR"},
    Field{"BREACH", "COUNT", 0xffff0000, ""},
    Field{"BREACH_INDEX", "INDEX", 0xffffffff, ""},
    Field{"BREACH_ADDR", "ADDRESS", 0xffffffff, ""},
    Field{"PATTERN", "KIND", 0x00000001, "PATTERN_KIND"},
    Field{"PATTERN_SEED", "VALUE", 0xffffffff, ""},
    Field{"PATTERN_RATE", "KB_PER_S", 0xffffffff, ""},
    Field{"PATTERN_FIFO", "BYTES", 0xffffffff, ""},
    Field{"PATTERN_LOST", "BYTES", 0xffffffff, ""},
    Field{"CRC", "VALUE", 0xffffffff, ""},
    Field{"QUEUE_BASE", "ADDRESS", 0xffffffff, ""},
    Field{"QUEUE_SIZE", "LOG2", 0x0000000f, ""},
    Field{"QUEUE_TAIL", "COUNT", 0xffffffff, ""},
    Field{"QUEUE_HEAD", "COUNT", 0xffffffff, ""},
    Field{"QUEUE_COALESCE", "COUNT", 0x0000ffff, ""},
    Field{"QUEUE_STATE", "HALTED", 0x00000001, ""},
    Field{"QUEUE_SEEN", "COUNT", 0xffffffff, ""},
}};

/// A code by its name.
struct Code {
  std::string_view codes;
  std::string_view name;
  std::uint32_t value;
};

inline constexpr std::array<Code, 38> kCodes{{
    Code{"ENDPOINT", "MEMORY", 0},
    Code{"ENDPOINT", "PATTERN", 1},
    Code{"ENDPOINT", "CHECKSUM", 2},
    Code{"ENDPOINT", "LOOPBACK", 3},
    Code{"PATTERN_KIND", "PRBS31", 0},
    Code{"PATTERN_KIND", "COUNTER", 1},
    Code{"ERR", "NONE", 0},
    Code{"ERR", "PRDT_ALIGN", 1},
    Code{"ERR", "PRDT_FETCH", 2},
    Code{"ERR", "PRDT_NO_EOT", 3},
    Code{"ERR", "PRD_RESERVED", 4},
    Code{"ERR", "PRD_BASE_ALIGN", 5},
    Code{"ERR", "PRD_WRAP", 6},
    Code{"ERR", "PRD_CROSS", 7},
    Code{"ERR", "CARD_RANGE", 8},
    Code{"ERR", "DATA_READ", 9},
    Code{"ERR", "DATA_WRITE", 10},
    Code{"ERR", "LENGTH_SHORT", 11},
    Code{"ERR", "LENGTH_LONG", 12},
    Code{"ERR", "PRDT_CROSS", 13},
    Code{"ERR", "PRDT_ENTRIES", 14},
    Code{"ERR", "PRD_COUNT_ALIGN", 15},
    Code{"ERR", "PRD_ZERO", 16},
    Code{"ERR", "PRDT_EDITED", 17},
    Code{"ERR", "START_ACTIVE", 18},
    Code{"ERR", "PRDT_ACTIVE", 19},
    Code{"ERR", "CARD_ADDR_ACTIVE", 20},
    Code{"ERR", "LENGTH_ACTIVE", 21},
    Code{"ERR", "SETUP_ACTIVE", 22},
    Code{"ERR", "ENDPOINT_DIRECTION", 23},
    Code{"ERR", "PATTERN_OVERRUN", 24},
    Code{"ERR", "WRITEBACK_ALIGN", 25},
    Code{"ERR", "WRITEBACK_REFUSED", 26},
    Code{"ERR", "PRDT_EARLY_EOT", 27},
    Code{"ERR", "QUEUE_ALIGN", 28},
    Code{"ERR", "QUEUE_OVERRUN", 29},
    Code{"ERR", "QUEUE_FETCH", 30},
    Code{"ERR", "COMMAND_RESERVED", 31},
}};

}  // namespace regs
}  // namespace prd32
