// SPDX-License-Identifier: Apache-2.0
#include "config_space.hpp"

#include <linux/pci_regs.h>

#include <algorithm>
#include <bit>

namespace prd32 {
namespace {

// Where the capabilities are; the list visits them in this order.
constexpr std::uint32_t kPm = 0x40;
constexpr std::uint32_t kMsi = 0x50;
constexpr std::uint32_t kMsix = 0x70;
constexpr std::uint32_t kExpress = 0x80;

constexpr std::uint32_t kCommandWritable = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
                                           PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE;
constexpr std::uint32_t kStatusErrors = PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT |
                                        PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR |
                                        PCI_STATUS_DETECTED_PARITY;
constexpr std::uint32_t kPmVersion = 3;
constexpr std::uint32_t kExpressVersion = 2;
constexpr std::uint32_t kD0 = 0;
constexpr std::uint32_t kD3Hot = 3;

}  // namespace

ConfigSpace::ConfigSpace(const FunctionDescription& function) {
  add_header(function);
  add_power_management();
  msi_vectors_ = std::bit_ceil(function.vectors);
  has_msix_ = function.msix.has_value();
  add_msi();
  if (function.msix) {
    add_msix(*function.msix, function.vectors);
  }
  add_express();
  reset();
}

void ConfigSpace::define(std::uint32_t offset, unsigned size, std::uint32_t value, std::uint32_t writable,
                         std::uint32_t write_one_clears) {
  for (unsigned i = 0; i < size; ++i) {
    initial_[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
    writable_[offset + i] = static_cast<std::uint8_t>(writable >> (8 * i));
    clears_[offset + i] = static_cast<std::uint8_t>(write_one_clears >> (8 * i));
  }
}

void ConfigSpace::add_header(const FunctionDescription& function) {
  define(PCI_VENDOR_ID, 2, function.vendor_id);
  define(PCI_DEVICE_ID, 2, function.device_id);
  define(PCI_COMMAND, 2, 0, kCommandWritable);
  define(PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0, kStatusErrors);
  define(PCI_REVISION_ID, 1, function.revision_id);
  define(PCI_CLASS_PROG, 3, function.class_code);
  define(PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
  define(PCI_SUBSYSTEM_VENDOR_ID, 2, function.subsystem_vendor_id);
  define(PCI_SUBSYSTEM_ID, 2, function.subsystem_id);
  define(PCI_CAPABILITY_LIST, 1, kPm);
  define(PCI_INTERRUPT_LINE, 1, 0, 0xff);
  define(PCI_INTERRUPT_PIN, 1, 1);  // INTA#, the only pin of a single-function device
  for (const BarDescription& bar : function.bars) {
    add_bar(bar);
  }
  if (function.msix) {
    add_bar({.index = function.msix->bar, .size = function.msix->size});
  }
}

void ConfigSpace::add_bar(const BarDescription& bar) {
  const std::uint32_t at = PCI_BASE_ADDRESS_0 + 4 * bar.index;
  // Address bits below the size stay 0: that is how software finds the size.
  const std::uint64_t address = ~(bar.size - 1);
  const auto low = static_cast<std::uint32_t>(address);
  switch (bar.kind) {
    case BarKind::kIo:
      define(at, 4, PCI_BASE_ADDRESS_SPACE_IO, low);
      break;
    case BarKind::kMemory32:
      define(at, 4, PCI_BASE_ADDRESS_MEM_TYPE_32, low);
      break;
    case BarKind::kMemory64:
      define(at, 4, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH, low);
      define(at + 4, 4, 0, static_cast<std::uint32_t>(address >> 32));
      break;
  }
}

void ConfigSpace::add_power_management() {
  define(kPm + PCI_CAP_LIST_ID, 1, PCI_CAP_ID_PM);
  define(kPm + PCI_CAP_LIST_NEXT, 1, kMsi);
  define(kPm + PCI_PM_PMC, 2, kPmVersion);
  define(kPm + PCI_PM_CTRL, 2, kD0, PCI_PM_CTRL_STATE_MASK);
}

void ConfigSpace::add_msi() {
  const auto capable = static_cast<std::uint32_t>(std::countr_zero(msi_vectors_)) << 1;
  define(kMsi + PCI_CAP_LIST_ID, 1, PCI_CAP_ID_MSI);
  define(kMsi + PCI_CAP_LIST_NEXT, 1, has_msix_ ? kMsix : kExpress);
  define(kMsi + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | capable,
         PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
  define(kMsi + PCI_MSI_ADDRESS_LO, 4, 0, ~std::uint32_t{3});
  define(kMsi + PCI_MSI_ADDRESS_HI, 4, 0, ~std::uint32_t{0});
  define(kMsi + PCI_MSI_DATA_64, 2, 0, 0xffff);
  define(kMsi + PCI_MSI_MASK_64, 4, 0, static_cast<std::uint32_t>((std::uint64_t{1} << msi_vectors_) - 1));
}

void ConfigSpace::add_msix(const MsixDescription& msix, unsigned vectors) {
  define(kMsix + PCI_CAP_LIST_ID, 1, PCI_CAP_ID_MSIX);
  define(kMsix + PCI_CAP_LIST_NEXT, 1, kExpress);
  define(kMsix + PCI_MSIX_FLAGS, 2, vectors - 1, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
  define(kMsix + PCI_MSIX_TABLE, 4, msix.table_offset | msix.bar);
  define(kMsix + PCI_MSIX_PBA, 4, msix.pba_offset | msix.bar);
}

void ConfigSpace::add_express() {
  define(kExpress + PCI_CAP_LIST_ID, 1, PCI_CAP_ID_EXP);
  define(kExpress + PCI_EXP_FLAGS, 2, kExpressVersion | (PCI_EXP_TYPE_ENDPOINT << 4));
  define(kExpress + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR);
  constexpr std::uint32_t kControl = PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B;
  constexpr std::uint32_t kControlWritable = PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
                                             PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD |
                                             PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ;
  define(kExpress + PCI_EXP_DEVCTL, 2, kControl, kControlWritable);
  define(kExpress + PCI_EXP_DEVSTA, 2, 0, 0,
         PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD);
  constexpr std::uint32_t kOneLane = 1U << 4;
  define(kExpress + PCI_EXP_LNKCAP, 4, PCI_EXP_LNKCAP_SLS_2_5GB | kOneLane);
  define(kExpress + PCI_EXP_LNKCTL, 2, 0, PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC);
  define(kExpress + PCI_EXP_LNKSTA, 2, PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1);
}

void ConfigSpace::reset() {
  value_ = initial_;
}

void ConfigSpace::read(std::uint32_t offset, std::span<std::byte> data) const {
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<std::byte>(value_[offset + i]);
  }
}

ConfigSpace::Effect ConfigSpace::write(std::uint32_t offset, std::span<const std::byte> data) {
  const bool had_intx = intx_enabled();
  const unsigned had_msi = msi_enabled() ? msi_granted() : 0;
  const bool had_msix = msix_enabled();
  const bool had_function_mask = msix_function_masked();
  const std::uint32_t had_msi_mask = msi_masked();
  const bool had_bus_master = bus_master();
  const bool was_in_d3 = in_d3();
  Effect effect;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto at = offset + static_cast<std::uint32_t>(i);
    effect.function_reset = write_byte(at, static_cast<std::uint8_t>(data[i])) || effect.function_reset;
  }
  effect.woke_up = was_in_d3 && !in_d3();
  effect.dma = had_bus_master != bus_master() || was_in_d3 != in_d3();
  effect.interrupts = had_intx != intx_enabled() || had_msi != (msi_enabled() ? msi_granted() : 0) ||
                      had_msix != msix_enabled() || had_function_mask != msix_function_masked() ||
                      had_msi_mask != msi_masked();
  return effect;
}

/// Returns whether the byte asked for a function-level reset.
bool ConfigSpace::write_byte(std::uint32_t offset, std::uint8_t value) {
  std::uint8_t mask = writable_[offset];
  if (offset == kPm + PCI_PM_CTRL) {
    const std::uint32_t state = value & PCI_PM_CTRL_STATE_MASK;
    if (state != kD0 && state != kD3Hot) {
      mask &= static_cast<std::uint8_t>(~PCI_PM_CTRL_STATE_MASK);  // a state that the function does not have is ignored
    }
  }
  const auto kept = static_cast<std::uint8_t>(value_[offset] & ~mask & ~(clears_[offset] & value));
  value_[offset] = static_cast<std::uint8_t>(kept | (value & mask));
  constexpr std::uint8_t kResetInHighByte = PCI_EXP_DEVCTL_BCR_FLR >> 8;
  return offset == kExpress + PCI_EXP_DEVCTL + 1 && (value & kResetInHighByte) != 0;
}

std::uint32_t ConfigSpace::get(std::uint32_t offset, unsigned size) const {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < size; ++i) {
    value |= std::uint32_t{value_[offset + i]} << (8 * i);
  }
  return value;
}

void ConfigSpace::set(std::uint32_t offset, unsigned size, std::uint32_t value) {
  for (unsigned i = 0; i < size; ++i) {
    value_[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

bool ConfigSpace::bus_master() const {
  return (get(PCI_COMMAND, 2) & PCI_COMMAND_MASTER) != 0;
}

bool ConfigSpace::in_d3() const {
  return (get(kPm + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK) == kD3Hot;
}

bool ConfigSpace::intx_enabled() const {
  return (get(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) == 0 && !msi_enabled() && !msix_enabled();
}

bool ConfigSpace::msi_enabled() const {
  return (get(kMsi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE) != 0;
}

bool ConfigSpace::msix_enabled() const {
  return has_msix_ && (get(kMsix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_ENABLE) != 0;
}

bool ConfigSpace::msix_function_masked() const {
  return has_msix_ && (get(kMsix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_MASKALL) != 0;
}

unsigned ConfigSpace::msi_granted() const {
  const unsigned granted = 1U << ((get(kMsi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QSIZE) >> 4);
  return std::min(granted, msi_vectors_);
}

std::uint32_t ConfigSpace::msi_masked() const {
  return get(kMsi + PCI_MSI_MASK_64, 4);
}

void ConfigSpace::show_intx(bool asserted) {
  const std::uint32_t status = get(PCI_STATUS, 2) & ~std::uint32_t{PCI_STATUS_INTERRUPT};
  set(PCI_STATUS, 2, status | (asserted ? PCI_STATUS_INTERRUPT : 0));
}

void ConfigSpace::show_msi_pending(std::uint32_t pending) {
  set(kMsi + PCI_MSI_PENDING_64, 4, pending);
}

}  // namespace prd32
