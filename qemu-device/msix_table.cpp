// SPDX-License-Identifier: Apache-2.0
#include "msix_table.hpp"

namespace prd32 {

void MsixTable::reset() {
  table_.fill(0);
  for (unsigned vector = 0; vector < vectors_; ++vector) {
    table_[vector * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
  }
  control_written_ = 0;
}

void MsixTable::read(std::uint64_t offset, std::span<std::byte> data, std::uint32_t pending) const {
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::uint64_t at = offset + i;
    std::uint8_t value = 0;
    if (at >= place_.table_offset && at - place_.table_offset < std::uint64_t{vectors_} * PCI_MSIX_ENTRY_SIZE) {
      value = table_[at - place_.table_offset];
    } else if (at >= place_.pba_offset && at - place_.pba_offset < sizeof(pending)) {
      value = static_cast<std::uint8_t>(pending >> (8 * (at - place_.pba_offset)));
    }
    data[i] = static_cast<std::byte>(value);
  }
}

void MsixTable::write(std::uint64_t offset, std::span<const std::byte> data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::uint64_t at = offset + i;
    if (at < place_.table_offset || at - place_.table_offset >= std::uint64_t{vectors_} * PCI_MSIX_ENTRY_SIZE) {
      continue;
    }
    const std::uint64_t index = at - place_.table_offset;
    const std::uint64_t in_entry = index % PCI_MSIX_ENTRY_SIZE;
    if (in_entry < PCI_MSIX_ENTRY_VECTOR_CTRL) {
      table_[index] = static_cast<std::uint8_t>(data[i]);
    } else if (in_entry == PCI_MSIX_ENTRY_VECTOR_CTRL) {
      table_[index] = static_cast<std::uint8_t>(data[i]) & PCI_MSIX_ENTRY_CTRL_MASKBIT;
      control_written_ |= std::uint32_t{1} << (index / PCI_MSIX_ENTRY_SIZE);
    }
  }
}

std::uint32_t MsixTable::masked() const {
  std::uint32_t masked = 0;
  for (unsigned vector = 0; vector < vectors_; ++vector) {
    const std::uint8_t control = table_[vector * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL];
    masked |= static_cast<std::uint32_t>(control & PCI_MSIX_ENTRY_CTRL_MASKBIT) << vector;
  }
  return masked & control_written_;
}

}  // namespace prd32
