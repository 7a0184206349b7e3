// SPDX-License-Identifier: Apache-2.0
#include "pci_card.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <prd32/registers.hpp>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "context.hpp"

namespace prd32::ctl {
namespace {

constexpr const char* kDevices = "/sys/bus/pci/devices";

const pci::Bar& bar(pci::BarKind kind) {
  for (const pci::Bar& candidate : pci::kBars) {
    if (candidate.kind == kind) {
      return candidate;
    }
  }
  throw std::logic_error("the register map has no such BAR");
}

std::uint32_t hex_file(const std::string& path) {
  return static_cast<std::uint32_t>(std::stoul(read_text(path), nullptr, 16));
}

/// `bytes`, which the BAR behind the file must have. Where the kernel gave it no addresses, it has none.
std::size_t within(const File& file, std::size_t bytes) {
  struct stat status{};
  if (fstat(file.get(), &status) != 0) {
    fail("cannot look at " + file.name());
  }
  if (bytes > static_cast<std::uint64_t>(status.st_size)) {
    throw std::invalid_argument(text(file.name(), " has ", status.st_size, " bytes, ", bytes, " are needed"));
  }
  return bytes;
}

}  // namespace

std::vector<PciCard> PciCard::all() {
  std::vector<PciCard> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(kDevices, none)) {
    const std::string folder = entry.path().string();
    if (hex_file(folder + "/vendor") == pci::kVendorId && hex_file(folder + "/device") == pci::kDeviceId) {
      found.push_back(PciCard(entry.path().filename().string()));
    }
  }
  return found;
}

std::string PciCard::id() {
  return fmt::format("{:04x}:{:04x}", pci::kVendorId, pci::kDeviceId);
}

PciCard PciCard::find(const std::string& wanted) {
  std::vector<PciCard> found = all();
  if (!wanted.empty()) {
    std::erase_if(found, [&](const PciCard& card) { return card.address() != wanted; });
  }
  if (found.empty()) {
    throw Failure(kNoCard, fmt::format("no PCI function {} in {}{}; lspci -d {} lists those that there are", id(),
                                       kDevices, wanted.empty() ? "" : " with the address " + wanted, id()));
  }
  if (found.size() > 1) {
    throw Failure(kNoCard, fmt::format("{} PCI functions {} in {}, one is needed; --pci ADDRESS chooses", found.size(),
                                       id(), kDevices));
  }
  return found.front();
}

std::string PciCard::path(const std::string& name) const {
  return text(kDevices, "/", address_, "/", name);
}

std::optional<std::string> PciCard::driver() const {
  std::error_code none;
  const auto target = std::filesystem::read_symlink(path("driver"), none);
  if (none) {
    return std::nullopt;
  }
  return target.filename().string();
}

std::uint16_t PciCard::io_base() const {
  // One line a BAR: first address, last address, flags.
  std::istringstream lines(read_text(path("resource")));
  std::string line;
  for (unsigned i = 0; i <= bar(pci::BarKind::kIo).index; ++i) {
    std::getline(lines, line);
  }
  const unsigned long first = std::stoul(line, nullptr, 16);
  if (first == 0 || first > UINT16_MAX) {
    throw std::runtime_error(text("the card at ", address_, " was given no I/O ports; does its bridge reserve any?"));
  }
  return static_cast<std::uint16_t>(first);
}

WithoutDriver::WithoutDriver(const PciCard& card) : card_(card), driver_(card.driver()) {
  if (driver_) {
    write_text(card_.path("driver/unbind"), card_.address());
  }
  write_text(card_.path("enable"), "1");
}

void WithoutDriver::restore() {
  restored_ = true;
  write_text(card_.path("enable"), "0");
  if (driver_) {
    write_text(text("/sys/bus/pci/drivers/", *driver_, "/bind"), card_.address());
  }
}

WithoutDriver::~WithoutDriver() {
  if (restored_) {
    return;
  }
  try {
    restore();
  } catch (const std::exception& error) {
    std::cerr << "prd32ctl: the driver is not bound again: " << error.what() << "\n";
  }
}

BusMasterPorts::BusMasterPorts(const PciCard& card)
    : file_(card.path(text("resource", bar(pci::BarKind::kIo).index)), O_RDWR) {
  static_cast<void>(card.io_base());  // throws when the file leads to no ports
}

std::uint8_t BusMasterPorts::read(std::uint32_t offset) const {
  std::uint8_t value = 0;
  if (pread(file_.get(), &value, sizeof value, static_cast<off_t>(offset)) != sizeof value) {
    fail("cannot read an I/O port through " + file_.name());
  }
  return value;
}

void BusMasterPorts::write(std::uint32_t offset, std::uint8_t value) const {
  if (pwrite(file_.get(), &value, sizeof value, static_cast<off_t>(offset)) != sizeof value) {
    fail("cannot write an I/O port through " + file_.name());
  }
}

MappedRegisters::MappedRegisters(const PciCard& card)
    : file_(card.path(text("resource", bar(pci::BarKind::kMemory32).index)), O_RDONLY | O_SYNC),
      mapping_(bar(pci::BarKind::kMemory32).size, PROT_READ, MAP_SHARED, file_.get(), file_.name()) {}

std::uint32_t MappedRegisters::read(std::uint32_t offset) const {
  return *reinterpret_cast<const volatile std::uint32_t*>(mapping_.data() + offset);
}

MappedMemory::MappedMemory(const PciCard& card, std::size_t bytes, bool combining)
    : file_(card.path(text("resource", bar(pci::BarKind::kMemory64).index, combining ? "_wc" : "")), O_RDWR),
      mapping_(within(file_, bytes), PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), file_.name()) {}

}  // namespace prd32::ctl
