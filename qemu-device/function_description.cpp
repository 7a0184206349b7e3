// SPDX-License-Identifier: Apache-2.0
#include "function_description.hpp"

#include <fmt/format.h>
#include <linux/pci_regs.h>

#include <bit>
#include <set>
#include <stdexcept>

namespace prd32 {
namespace {

void require(bool condition, const char* text) {
  if (!condition) {
    throw std::invalid_argument(fmt::format("PCI function description: {}", text));
  }
}

void validate_bar(const BarDescription& bar) {
  const bool io = bar.kind == BarKind::kIo;
  const std::uint64_t largest = bar.kind == BarKind::kMemory64 ? std::uint64_t{1} << 63 : std::uint64_t{1} << 31;
  require(std::has_single_bit(bar.size) && bar.size >= (io ? 4 : 16) && bar.size <= (io ? 256 : largest),
          "a BAR's size is a power of two, 16 or more (I/O: 4 to 256), and 2 GiB at most unless it has 64 bits");
  require(bar.filled <= bar.size, "a BAR is not filled beyond its size");
  if (bar.file) {
    require(bar.space == CardSpace::kMemory && !io, "only a BAR of card memory can be mapped");
    require(bar.file->fd >= 0 && bar.file->offset % kBarPageSize == 0 && bar.filled_size() % kBarPageSize == 0,
            "what can be mapped of a BAR is a file, in whole pages");
  }
}

void validate_msix(const MsixDescription& msix, unsigned vectors) {
  const std::uint64_t table_end = std::uint64_t{msix.table_offset} + std::uint64_t{vectors} * PCI_MSIX_ENTRY_SIZE;
  const std::uint64_t pba_end = std::uint64_t{msix.pba_offset} + 8;
  require(msix.table_offset % 8 == 0 && msix.pba_offset % 8 == 0,
          "MSI-X table and pending bits start at multiples of 8");
  require(table_end <= msix.size && pba_end <= msix.size, "MSI-X table and pending bits end inside their BAR");
  require(table_end <= msix.pba_offset || pba_end <= msix.table_offset, "MSI-X table and pending bits do not overlap");
}

}  // namespace

void validate(const FunctionDescription& function) {
  std::set<unsigned> used;
  const auto take = [&used](unsigned index) {
    require(index < PCI_STD_NUM_BARS, "a BAR's index is 0 to 5");
    require(used.insert(index).second, "each BAR is described once");
  };
  for (const BarDescription& bar : function.bars) {
    take(bar.index);
    if (bar.kind == BarKind::kMemory64) {
      take(bar.index + 1);
    }
    validate_bar(bar);
  }
  require(function.vectors >= 1 && function.vectors <= 32, "a function has 1 to 32 interrupt vectors");
  require(function.class_code <= 0xffffff, "a class code has 24 bits");
  if (function.msix) {
    take(function.msix->bar);
    validate_bar({.index = function.msix->bar, .size = function.msix->size});
    validate_msix(*function.msix, function.vectors);
  }
}

}  // namespace prd32
