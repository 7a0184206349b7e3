// SPDX-License-Identifier: Apache-2.0
#include "prd32/register_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace prd32 {

namespace {

constexpr std::size_t kNone = regs::kTable.size();
constexpr unsigned kByteBits = 8;

/// For each byte of the address space, the table's row that it belongs to, or kNone.
constexpr auto kRowOfByte = [] {
  std::array<std::uint16_t, regs::kAddressSpace> rows{};
  rows.fill(kNone);
  for (std::size_t row = 0; row < regs::kTable.size(); ++row) {
    for (unsigned byte = 0; byte < regs::kTable[row].bytes; ++byte) {
      rows[regs::kTable[row].offset + byte] = static_cast<std::uint16_t>(row);
    }
  }
  return rows;
}();

std::size_t row_at(std::uint32_t offset) {
  const std::size_t row = offset < regs::kAddressSpace ? kRowOfByte[offset] : kNone;
  if (row == kNone || regs::kTable[row].offset != offset) {
    throw std::invalid_argument(fmt::format("no register starts at {:#x}", offset));
  }
  return row;
}

unsigned instance_of(const regs::Register& reg) {
  return reg.instance < 0 ? 0 : static_cast<unsigned>(reg.instance);
}

}  // namespace

RegisterFile::RegisterFile() {
  for (std::size_t row = 0; row < entries_.size(); ++row) {
    entries_[row].value = entries_[row].reset = regs::kTable[row].reset;
  }
}

RegisterFile::Result RegisterFile::check(std::uint64_t offset, std::size_t bytes) {
  if ((bytes != 1 && bytes != 2 && bytes != 4) || offset % bytes != 0) {
    return Result::kMalformed;
  }
  return offset < regs::kAddressSpace ? Result::kOk : Result::kOutside;  // aligned, so its end is inside as well
}

std::uint32_t RegisterFile::value(std::size_t index) const {
  const Entry& entry = entries_[index];
  return entry.on_read ? entry.on_read(instance_of(regs::kTable[index])) : entry.value;
}

RegisterFile::Result RegisterFile::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (const Result result = check(offset, out.size()); result != Result::kOk) {
    return result;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t row = kRowOfByte[offset + i];
    const auto shift = row == kNone ? 0 : kByteBits * (offset + i - regs::kTable[row].offset);
    out[i] = row == kNone ? std::uint8_t{0} : static_cast<std::uint8_t>(value(row) >> shift);
  }
  return Result::kOk;
}

RegisterFile::Result RegisterFile::write(std::uint64_t offset, std::span<const std::uint8_t> in) {
  if (const Result result = check(offset, in.size()); result != Result::kOk) {
    return result;
  }
  for (std::size_t i = 0; i < in.size();) {
    const std::size_t row = kRowOfByte[offset + i];
    std::uint32_t written = 0;
    std::uint32_t lanes = 0;
    for (; i < in.size() && kRowOfByte[offset + i] == row; ++i) {
      if (row != kNone) {
        const auto shift = kByteBits * (offset + i - regs::kTable[row].offset);
        written |= std::uint32_t{in[i]} << shift;
        lanes |= std::uint32_t{0xff} << shift;
      }
    }
    if (row != kNone) {
      write_register(row, written, lanes);
    }
  }
  return Result::kOk;
}

void RegisterFile::write_register(std::size_t index, std::uint32_t written, std::uint32_t lanes) {
  const regs::Register& reg = regs::kTable[index];
  Entry& entry = entries_[index];
  const std::uint32_t before = value(index);
  const std::uint32_t stored = reg.rw & lanes;
  const std::uint32_t after = ((before & ~stored) | (written & stored)) & ~(written & reg.w1c);
  entry.value =
      entry.on_write
          ? entry.on_write({.instance = instance_of(reg), .before = before, .after = after, .written = written})
          : after;
}

std::uint32_t RegisterFile::get(std::uint32_t offset) const {
  return value(row_at(offset));
}

void RegisterFile::set(std::uint32_t offset, std::uint32_t value) {
  entries_[row_at(offset)].value = value;
}

std::uint32_t& RegisterFile::storage(std::uint32_t offset) {
  return entries_[row_at(offset)].value;
}

void RegisterFile::set_reset(std::uint32_t offset, std::uint32_t value) {
  Entry& entry = entries_[row_at(offset)];
  entry.value = entry.reset = value;
}

namespace {

/// Applies action to every row of that name.
template <typename Action>
void for_each_named(std::string_view name, Action action) {
  bool found = false;
  for (std::size_t row = 0; row < regs::kTable.size(); ++row) {
    if (regs::kTable[row].name == name) {
      action(row);
      found = true;
    }
  }
  if (!found) {
    throw std::invalid_argument(fmt::format("the register map has no register {}", name));
  }
}

}  // namespace

void RegisterFile::on_write(std::string_view name, WriteHook hook) {
  for_each_named(name, [&](std::size_t row) { entries_[row].on_write = hook; });
}

void RegisterFile::on_read(std::string_view name, ReadHook hook) {
  for_each_named(name, [&](std::size_t row) { entries_[row].on_read = hook; });
}

void RegisterFile::reset() {
  for (Entry& entry : entries_) {
    entry.value = entry.reset;
  }
}

void RegisterFile::reset_instance(unsigned instance) {
  for (std::size_t row = 0; row < entries_.size(); ++row) {
    if (regs::kTable[row].instance == static_cast<int>(instance)) {
      entries_[row].value = entries_[row].reset;
    }
  }
}

void RegisterFile::trace(sc_core::sc_trace_file* file, const std::string& owner) const {
  for (std::size_t row = 0; row < entries_.size(); ++row) {
    const regs::Register& reg = regs::kTable[row];
    const bool lives_here = !entries_[row].on_read && (reg.rw | reg.ro | reg.w1c) != 0;
    if (lives_here) {
      const std::string suffix = reg.instance < 0 ? "" : fmt::format("_{}", reg.instance);
      sc_core::sc_trace(file, entries_[row].value, fmt::format("{}.{}{}", owner, reg.name, suffix),
                        static_cast<int>(kByteBits * reg.bytes));
    }
  }
}

}  // namespace prd32
