// SPDX-License-Identifier: Apache-2.0
// The second step of a transfer: fetching the descriptors.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "prd32/host_bus.hpp"
#include "prd32/prd.hpp"

namespace prd32 {

/// Reads one table, a page at a time: what lies in the next page may belong to nobody, and an IOMMU would refuse it, so
/// nothing is fetched there before a descriptor of it is needed.
class TableReader {
 public:
  /// table is aligned to limits::kPrdtAlign. bus must outlive the reader.
  TableReader(HostBus& bus, std::uint64_t table) : bus_(bus), table_(table) {}

  /// The descriptor's bus address.
  std::uint64_t address(std::uint32_t index) const { return table_ + std::uint64_t{index} * prd::kBytes; }

  /// Descriptors are asked for in turn, from 0, below limits::kPrdtMaxEntries. Nothing when the bus refused the fetch.
  /// May suspend the calling SC_THREAD.
  std::optional<Prd> read(std::uint32_t index);

 private:
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::uint32_t kPerPage = kPageBytes / prd::kBytes;
  static_assert(kPageBytes % prd::kBytes == 0 && limits::kPrdtMaxEntries % kPerPage == 0,
                "a page holds whole descriptors, and a full table whole pages");

  HostBus& bus_;
  std::uint64_t table_;
  std::array<std::uint8_t, kPageBytes> page_{};
};

}  // namespace prd32
