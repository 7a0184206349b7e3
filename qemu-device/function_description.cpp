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
  const auto bar = [&used](unsigned index, std::uint32_t size, std::uint32_t smallest) {
    require(index < PCI_STD_NUM_BARS, "a BAR's index is 0 to 5");
    require(used.insert(index).second, "each BAR is described once");
    require(std::has_single_bit(size) && size >= smallest,
            "a BAR's size is a power of two, 16 or more (I/O: 4 or more)");
  };
  for (const BarDescription& each : function.bars) {
    bar(each.index, each.size, each.kind == BarKind::kIo ? 4 : 16);
  }
  require(function.vectors >= 1 && function.vectors <= 32, "a function has 1 to 32 interrupt vectors");
  require(function.class_code <= 0xffffff, "a class code has 24 bits");
  if (function.msix) {
    bar(function.msix->bar, function.msix->size, 16);
    validate_msix(*function.msix, function.vectors);
  }
}

}  // namespace prd32
