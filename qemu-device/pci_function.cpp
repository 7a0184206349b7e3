// SPDX-License-Identifier: Apache-2.0
#include "pci_function.hpp"

#include <fmt/format.h>
#include <linux/vfio.h>

#include <algorithm>
#include <cerrno>

namespace prd32 {
namespace {

const FunctionDescription& validated(const FunctionDescription& description) {
  validate(description);
  return description;
}

bool is_bar(std::uint32_t region) {
  return region <= VFIO_PCI_BAR5_REGION_INDEX;
}

/// How many of the next `left` bytes the card gets in one access: registers take 4 at most, and no access of card
/// memory reaches from what is there to what is not.
std::size_t part_size(const BarDescription& bar, std::uint64_t offset, std::size_t left) {
  if (bar.space == CardSpace::kMmio) {
    return std::min<std::size_t>(4, left);
  }
  const std::uint64_t filled = bar.filled_size();
  return offset < filled ? static_cast<std::size_t>(std::min<std::uint64_t>(left, filled - offset)) : left;
}

}  // namespace

PciFunction::PciFunction(const FunctionDescription& description, CardPort& card, ViolationLog& violations)
    : description_(validated(description)),
      card_(card),
      violations_(violations),
      config_(description_),
      interrupts_(description_.vectors, config_.msi_vectors()) {
  if (description_.msix) {
    msix_.emplace(*description_.msix, description_.vectors);
  }
  update_interrupts();
}

const BarDescription* PciFunction::bar(std::uint32_t region) const {
  const auto found = std::ranges::find(description_.bars, region, &BarDescription::index);
  return found == description_.bars.end() ? nullptr : &*found;
}

std::uint64_t PciFunction::region_size(std::uint32_t region) const {
  if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
    return kConfigSpaceSize;
  }
  if (is_msix(region)) {
    return description_.msix->size;
  }
  const BarDescription* found = is_bar(region) ? bar(region) : nullptr;
  return found == nullptr ? 0 : found->size;
}

bool PciFunction::answers(std::uint32_t region) const {
  return presence_ == Presence::kPresent || (presence_ == Presence::kAllOnes && region == VFIO_PCI_CONFIG_REGION_INDEX);
}

int PciFunction::check(std::uint32_t region, std::uint64_t offset, std::size_t size) const {
  const std::uint64_t available = region_size(region);
  if (size == 0 || offset >= available || size > available - offset) {
    return EINVAL;
  }
  const BarDescription* found = is_bar(region) ? bar(region) : nullptr;
  const bool any_size = !is_bar(region) || (found != nullptr && found->space == CardSpace::kMemory);
  const bool natural = size == 1 || size == 2 || size == 4 || size == 8;
  return any_size || natural ? 0 : EINVAL;
}

std::optional<PciFunction::Mapping> PciFunction::mapping(std::uint32_t region) const {
  const BarDescription* found = is_bar(region) ? bar(region) : nullptr;
  if (found == nullptr || !found->file) {
    return std::nullopt;
  }
  return Mapping{.fd = found->file->fd, .offset = found->file->offset, .size = found->filled_size()};
}

int PciFunction::region_read(std::uint32_t region, std::uint64_t offset, std::span<std::byte> data) {
  if (const int error = check(region, offset, data.size()); error != 0) {
    return error;
  }
  if (!answers(region)) {
    std::ranges::fill(data, std::byte{0xff});
    return 0;
  }
  if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
    config_.show_intx(interrupts_.intx_asserted());
    config_.show_msi_pending(interrupts_.msi_pending());
    config_.read(static_cast<std::uint32_t>(offset), data);
    return 0;
  }
  if (config_.in_d3()) {
    std::ranges::fill(data, std::byte{0xff});
    bad_access("mmio-in-d3", region, offset, data.size(), false);
    return 0;
  }
  if (is_msix(region)) {
    msix_->read(offset, data, interrupts_.msix_pending());
    return 0;
  }
  bar_read(*bar(region), offset, data);
  return 0;
}

void PciFunction::bar_read(const BarDescription& bar, std::uint64_t offset, std::span<std::byte> data) {
  while (!data.empty()) {
    const auto part = data.first(part_size(bar, offset, data.size()));
    if (!card_.read(bar.space, bar.window + offset, part)) {
      std::ranges::fill(part, std::byte{0xff});
      bad_access("mmio-bad-access", bar.index, bar.window + offset, part.size(), false);
    }
    offset += part.size();
    data = data.subspan(part.size());
  }
}

int PciFunction::region_write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> data) {
  if (const int error = check(region, offset, data.size()); error != 0) {
    return error;
  }
  if (!answers(region)) {
    return 0;
  }
  if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
    config_write(static_cast<std::uint32_t>(offset), data);
    return 0;
  }
  if (config_.in_d3()) {
    bad_access("mmio-in-d3", region, offset, data.size(), true);
    return 0;
  }
  if (is_msix(region)) {
    msix_->write(offset, data);
    interrupts_.set_table_mask(msix_->masked());
    return 0;
  }
  bar_write(*bar(region), offset, data);
  return 0;
}

void PciFunction::bar_write(const BarDescription& bar, std::uint64_t offset, std::span<const std::byte> data) {
  while (!data.empty()) {
    const auto part = data.first(part_size(bar, offset, data.size()));
    if (!card_.write(bar.space, bar.window + offset, part)) {
      bad_access("mmio-bad-access", bar.index, bar.window + offset, part.size(), true);
    }
    offset += part.size();
    data = data.subspan(part.size());
  }
}

void PciFunction::config_write(std::uint32_t offset, std::span<const std::byte> data) {
  const ConfigSpace::Effect effect = config_.write(offset, data);
  if (effect.function_reset || effect.woke_up) {
    reset();
    return;
  }
  if (effect.interrupts || effect.dma) {
    update_interrupts();
  }
  if (effect.dma && dma_refusal() != nullptr && dma_blocked_) {
    dma_blocked_();
  }
}

void PciFunction::reset() {
  interrupts_.lower_lines();  // first: the masks go, and what was pending behind them must not come out
  config_.reset();
  if (msix_) {
    msix_->reset();
  }
  card_.reset();
  update_interrupts();
  if (dma_blocked_) {
    dma_blocked_();
  }
}

void PciFunction::disconnect() {
  interrupts_.disconnect();
  reset();
}

const char* PciFunction::dma_refusal() const {
  if (config_.in_d3()) {
    return "dma-in-d3";
  }
  return config_.bus_master() ? nullptr : "dma-bus-master-off";
}

void PciFunction::update_interrupts() {
  const bool messages = config_.msi_enabled() || config_.msix_enabled();
  interrupts_.set_table_mask(msix_ ? msix_->masked() : 0);
  interrupts_.set_enables({.intx = config_.intx_enabled(),
                           .msi = config_.msi_enabled(),
                           .msi_granted = config_.msi_granted(),
                           .msi_masked = config_.msi_masked(),
                           .msix = config_.msix_enabled(),
                           .msix_function_masked = config_.msix_function_masked(),
                           .silent = config_.in_d3() || (messages && !config_.bus_master())});
}

void PciFunction::bad_access(const char* rule, std::uint32_t bar, std::uint64_t address, std::size_t size, bool write) {
  violations_.record(
      {.rule = rule,
       .severity = severity::kError,
       .channel = -1,
       .prd_index = -1,
       .address = address,
       .detail = fmt::format("{} of {} bytes at {:#x}, through BAR {}", write ? "write" : "read", size, address, bar)});
}

}  // namespace prd32
