// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace prd32 {

enum class BarKind { kMemory32, kIo };

/// A BAR is a window into the card's own address space.
struct BarDescription {
  unsigned index = 0;  ///< 0 to 5
  BarKind kind = BarKind::kMemory32;
  std::uint32_t size = 0;    ///< bytes, a power of two; at least 16 (memory) or 4 (I/O)
  std::uint64_t window = 0;  ///< where in the card's address space the BAR's first byte is
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
