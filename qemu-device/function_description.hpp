// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace prd32 {

enum class BarKind {
  kMemory32,
  kMemory64,  ///< prefetchable; takes the next index, too
  kIo,
};

/// The address spaces of a card, one for each of its ports.
enum class CardSpace {
  kMmio,    ///< registers: accesses of 1, 2 or 4 bytes
  kMemory,  ///< card memory: accesses of any size, anywhere
};

/// A file that a client may map instead of sending messages: what the BAR shows lies there, from `offset` on.
struct BarFile {
  int fd = -1;               ///< stays open as long as the function lives
  std::uint64_t offset = 0;  ///< a multiple of kBarPageSize
};

/// The unit in which a BAR is mapped, bytes.
inline constexpr std::uint64_t kBarPageSize = 4096;

/// A BAR is a window into one of the card's address spaces.
struct BarDescription {
  unsigned index = 0;  ///< 0 to 5; kMemory64: 0 to 4
  BarKind kind = BarKind::kMemory32;
  std::uint64_t size = 0;  ///< bytes, a power of two; 16 (memory) or 4 (I/O) to 2 GiB, kMemory64: any
  CardSpace space = CardSpace::kMmio;
  std::uint64_t window = 0;  ///< where in that space the BAR's first byte is
  std::uint64_t filled = 0;  ///< so many bytes, from the first on, are the card's, the rest it refuses; 0: all are
  std::optional<BarFile> file = std::nullopt;  ///< kMemory only; `filled` is a multiple of kBarPageSize then

  [[nodiscard]] std::uint64_t filled_size() const { return filled != 0 ? filled : size; }
};

/// Where the bridge keeps the MSI-X table and its pending bits: a memory BAR of its own, which the card does not see.
struct MsixDescription {
  unsigned bar = 0;
  std::uint32_t size = 0;          ///< of the BAR, bytes, a power of two
  std::uint32_t table_offset = 0;  ///< a multiple of 8
  std::uint32_t pba_offset = 0;    ///< a multiple of 8
};

/// All that the bridge knows of a card: how it looks on the PCI bus.
struct FunctionDescription {
  std::uint16_t vendor_id = 0;
  std::uint16_t device_id = 0;
  std::uint16_t subsystem_vendor_id = 0;
  std::uint16_t subsystem_id = 0;
  std::uint8_t revision_id = 0;
  std::uint32_t class_code = 0;  ///< 24 bits
  std::vector<BarDescription> bars;
  unsigned vectors = 0;  ///< interrupt lines of the card, 1 to 32
  std::optional<MsixDescription> msix;
};

/// Throws std::invalid_argument naming what is wrong: a BAR twice or of a bad size, a table outside its BAR, and so on.
void validate(const FunctionDescription& function);

}  // namespace prd32
