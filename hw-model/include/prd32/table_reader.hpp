// SPDX-License-Identifier: Apache-2.0
// The second step of a transfer: fetching the descriptors.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "prd32/breaches.hpp"
#include "prd32/host_bus.hpp"
#include "prd32/prd.hpp"
#include "prd32/rules.hpp"

namespace prd32 {

/// Reads a table ahead, up to the end of a 4 KiB page: what lies in the next page may belong to nobody, and an IOMMU
/// would refuse it, so nothing is fetched there before a descriptor of it is needed.
class TableReader {
 public:
  /// Both must outlive the reader.
  TableReader(BusPort& bus, Breaches& breaches) : bus_(bus), breaches_(breaches) {}

  /// Whether the next read() of the descriptor there needs the bus, and how many bytes of it.
  std::uint64_t bytes_to_fetch(std::uint64_t descriptor) const;
  /// The descriptor at at.descriptor. A fault when the bus refuses it. May suspend the calling SC_THREAD; when going()
  /// is false after that, the transfer was ended meanwhile, and there is no fault.
  std::optional<Fault> read(const Position& at, Prd& prd, const std::function<bool()>& going);
  /// What was read ahead no longer counts.
  void forget() { next_ = kNowhere; }

  /// Compares what read() brought with what is there now, where the bus lets the card look; see
  /// prdt-edited-while-active.
  std::optional<Fault> examine_edit(const Position& at, Prd& prd);

 private:
  static constexpr std::size_t kPageBytes = 4096;

  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

  bool read_ahead(std::uint64_t descriptor) const { return descriptor == next_ && descriptor - start_ < valid_; }

  BusPort& bus_;
  Breaches& breaches_;
  std::uint64_t start_ = 0;        // bus address of what was read ahead
  std::uint64_t valid_ = 0;        // and how many bytes of it there are
  std::uint64_t next_ = kNowhere;  // the descriptor behind the last one; only that one is taken from there
  std::array<std::uint8_t, kPageBytes> page_{};
};

}  // namespace prd32
