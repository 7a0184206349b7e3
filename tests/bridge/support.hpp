// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "function_description.hpp"
#include "pci_function.hpp"
#include "prd32/violation.hpp"
#include "unique_fd.hpp"

namespace prd32::test {

inline UniqueFd memory_file(std::uint64_t size) {
  UniqueFd fd(::memfd_create("bridge-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  return ::ftruncate(fd.get(), static_cast<off_t>(size)) == 0 ? std::move(fd) : UniqueFd();
}

inline UniqueFd event() {
  return UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/// A second descriptor of the same eventfd, as a peer's would be.
inline UniqueFd duplicate(const UniqueFd& fd) {
  return UniqueFd(::dup(fd.get()));
}

/// How often the eventfd was signalled since the last look.
inline std::uint64_t taken(const UniqueFd& fd) {
  std::uint64_t count = 0;
  return ::read(fd.get(), &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/// A function that has nothing in common with prd32.
inline FunctionDescription other_function() {
  return {
      .vendor_id = 0x1af4,
      .device_id = 0x1100,
      .subsystem_vendor_id = 1,
      .subsystem_id = 2,
      .revision_id = 3,
      .class_code = 0x020000,
      .bars = {{.index = 2, .kind = BarKind::kMemory32, .size = 0x100, .window = 0x40},
               {.index = 3, .kind = BarKind::kIo, .size = 4, .window = 0},
               {.index = 0, .kind = BarKind::kMemory64, .size = 0x4000, .space = CardSpace::kMemory, .filled = 0x3000}},
      .vectors = 5,
      .msix = MsixDescription{.bar = 5, .size = 0x100, .table_offset = 0x10, .pba_offset = 0x80}};
}

class RecordedViolations final : public ViolationLog {
 public:
  void record(const Violation& violation) override { rules.emplace_back(violation.rule); }
  std::vector<std::string> rules;
};

/// Memory for both spaces; refuses what lies at or beyond the end of each.
class FakeCard final : public CardPort {
 public:
  struct Space {
    std::uint64_t end = 0;
    std::map<std::uint64_t, std::byte> bytes = {};
    std::vector<std::pair<std::uint64_t, std::size_t>> accesses = {};
  };

  bool read(CardSpace space, std::uint64_t address, std::span<std::byte> data) override {
    Space& found = of(space);
    for (std::size_t i = 0; i < data.size(); ++i) {
      data[i] = found.bytes[address + i];
    }
    found.accesses.emplace_back(address, data.size());
    return address + data.size() <= found.end;
  }
  bool write(CardSpace space, std::uint64_t address, std::span<const std::byte> data) override {
    Space& found = of(space);
    for (std::size_t i = 0; i < data.size(); ++i) {
      found.bytes[address + i] = data[i];
    }
    found.accesses.emplace_back(address, data.size());
    return address + data.size() <= found.end;
  }
  void reset() override { ++resets; }

  Space mmio{.end = 0x80};
  Space memory{.end = 0x3000};
  int resets = 0;

 private:
  Space& of(CardSpace space) { return space == CardSpace::kMmio ? mmio : memory; }
};

}  // namespace prd32::test
