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
  return {.vendor_id = 0x1af4,
          .device_id = 0x1100,
          .subsystem_vendor_id = 1,
          .subsystem_id = 2,
          .revision_id = 3,
          .class_code = 0x020000,
          .bars = {{.index = 2, .kind = BarKind::kMemory32, .size = 0x100, .window = 0x40},
                   {.index = 3, .kind = BarKind::kIo, .size = 4, .window = 0}},
          .vectors = 5,
          .msix = MsixDescription{.bar = 5, .size = 0x100, .table_offset = 0x10, .pba_offset = 0x80}};
}

class RecordedViolations final : public ViolationLog {
 public:
  void record(const Violation& violation) override { rules.emplace_back(violation.rule); }
  std::vector<std::string> rules;
};

/// Memory for registers; refuses what lies at or beyond `end`.
class FakeCard final : public CardPort {
 public:
  bool read(std::uint64_t address, std::span<std::byte> data) override {
    for (std::size_t i = 0; i < data.size(); ++i) {
      data[i] = bytes[address + i];
    }
    accesses.push_back({address, data.size()});
    return address + data.size() <= end;
  }
  bool write(std::uint64_t address, std::span<const std::byte> data) override {
    for (std::size_t i = 0; i < data.size(); ++i) {
      bytes[address + i] = data[i];
    }
    accesses.push_back({address, data.size()});
    return address + data.size() <= end;
  }
  void reset() override { ++resets; }

  std::map<std::uint64_t, std::byte> bytes;
  std::vector<std::pair<std::uint64_t, std::size_t>> accesses;
  std::uint64_t end = 0x80;
  int resets = 0;
};

}  // namespace prd32::test
