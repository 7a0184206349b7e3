// SPDX-License-Identifier: Apache-2.0
#include "mutate.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "prd32/registers.hpp"

namespace prd32::fuzz {

namespace {

constexpr unsigned kByteBits = 8;
constexpr unsigned kWordBits = 32;

std::uint32_t below(Random& random, std::size_t bound) {
  return static_cast<std::uint32_t>(random() % bound);
}

/// A number as counts, lengths, offsets and durations go.
std::uint32_t draw_word(Random& random) {
  constexpr std::array<std::uint32_t, 16> kUsual{
      0, 1, 4, 8, 16, 64, 0x1000, 0x8000, 0xfff8, 0xffff, 0x10000, 0x40000, 0x80000, 0x400000, 0xffff0000, ~0U};
  switch (below(random, 4)) {
    case 0:
      return static_cast<std::uint32_t>(random() << 1U ^ random() << (kWordBits / 2));
    case 1:
      return 1U << below(random, kWordBits);
    case 2:
      return below(random, 0x200) | below(random, 0x200) << (kWordBits / 2);
    default:
      return kUsual.at(below(random, kUsual.size())) + below(random, 3) - 1;
  }
}

Record draw_record(Random& random) {
  const auto byte = [&] { return static_cast<std::uint8_t>(below(random, 1U << kByteBits)); };
  return {.action = static_cast<std::uint8_t>(below(random, static_cast<std::size_t>(Action::kCount))),
          .a = byte(),
          .b = byte(),
          .c = byte(),
          .x = draw_word(random),
          .y = draw_word(random)};
}

/// A little more or less than that, or just that.
std::uint32_t about(std::uint32_t number, Random& random) {
  return number + below(random, 3) - 1;
}

/// Descriptors whose regions end at, or cross, a boundary of 64 KiB, or lie anywhere. Their place is the data.
Record draw_table(std::uint32_t& bytes, Random& random) {
  constexpr std::uint32_t kRoom = 0x40;  // from the fifth place to the boundary behind it
  constexpr unsigned kBeforeBoundary = 4;
  constexpr unsigned kData = 3;
  Record table = draw_record(random);
  table.action = static_cast<std::uint8_t>(Action::kDescribe);
  table.a |= 1U;  // it has an EOT
  table.c = 0;    // and begins with descriptor 0
  std::uint32_t offset = below(random, kRoom);
  bytes = 1 + below(random, 2 * kRoom);
  unsigned place = kData;
  if (below(random, 2) != 0) {
    place = kBeforeBoundary;
    bytes = about(kRoom - offset, random);
  }
  table.a = static_cast<std::uint8_t>(below(random, 2) != 0 ? 1U : table.a);
  table.b = static_cast<std::uint8_t>(place << (kByteBits / 2));
  table.x = offset | bytes << (kWordBits / 2);
  table.y = below(random, 2 * kRoom);
  return table;
}

/// A table, a START, and time for it: what seldom comes about by single steps.
std::vector<Record> draw_transfer(Random& random) {
  std::uint32_t bytes = 0;
  const Record table = draw_table(bytes, random);
  const unsigned count = (table.a >> 3U) + 1U;
  Record start = draw_record(random);
  start.action = static_cast<std::uint8_t>(Action::kStart);
  start.a &= 0x03U;  // the table is in the first place for tables
  if (below(random, 2) != 0) {
    start.b = 0;  // a plain transfer, which ends where card memory ends
    start.c = static_cast<std::uint8_t>(below(random, 2) != 0 ? about(count, random) : 0);
    start.x = below(random, 2) != 0 ? about(count * bytes, random) : 0;
    start.y = static_cast<std::uint32_t>(limits::kMemoryMin) - about(count * bytes, random);
  }
  Record run = draw_record(random);
  run.action = static_cast<std::uint8_t>(Action::kRun);
  const Record interrupts{.action = static_cast<std::uint8_t>(Action::kAccess),
                          .a = 1,
                          .b = sizeof(std::uint32_t),
                          .c = 0,
                          .x = regs::IrqEnable::kOffset,
                          .y = ~0U};
  Record stop = draw_record(random);
  stop.action = static_cast<std::uint8_t>(Action::kStop);
  stop.a = start.a;
  switch (below(random, 3)) {
    case 0:
      return {interrupts, table, start, run};
    case 1:
      return {table, start, run, stop, run};
    default:
      return {table, start, run};
  }
}

void change_field(Record& record, Random& random) {
  const auto bit = below(random, kWordBits);
  switch (below(random, 8)) {
    case 0:
      record.action = draw_record(random).action;
      break;
    case 1:
      record.a = static_cast<std::uint8_t>(record.a ^ 1U << bit % kByteBits);
      break;
    case 2:
      record.b = static_cast<std::uint8_t>(record.b ^ 1U << bit % kByteBits);
      break;
    case 3:
      record.c = static_cast<std::uint8_t>(record.c + below(random, 5) - 2);
      break;
    case 4:
      record.x = draw_word(random);
      break;
    case 5:
      record.y = draw_word(random);
      break;
    case 6:
      record.x ^= 1U << bit;
      break;
    default:
      record.y ^= 1U << bit;
  }
}

void change_header(Header& header, Random& random) {
  switch (below(random, 3)) {
    case 0:
      header.card = static_cast<std::uint8_t>(random());
      break;
    case 1:
      header.bus = static_cast<std::uint8_t>(header.bus ^ 1U << below(random, kByteBits));
      break;
    default:
      header.delay = static_cast<std::uint16_t>(draw_word(random));
  }
}

void mutate_once(Script& script, Random& random) {
  std::vector<Record>& records = script.records;
  const auto place = [&] { return std::next(records.begin(), below(random, records.size() + 1)); };
  switch (records.empty() ? 0 : below(random, 12)) {
    case 0: {
      const std::vector<Record> transfer = draw_transfer(random);
      records.insert(place(), transfer.begin(), transfer.end());
      break;
    }
    case 1:
    case 2:
      records.insert(place(), draw_record(random));
      break;
    case 3: {
      const Record copy = records[below(random, records.size())];
      records.insert(place(), copy);
      break;
    }
    case 4:
      records.erase(std::next(records.begin(), below(random, records.size())));
      break;
    case 5:
      std::swap(records[below(random, records.size())], records[below(random, records.size())]);
      break;
    case 6:
      change_header(script.header, random);
      break;
    default:
      change_field(records[below(random, records.size())], random);
  }
  records.resize(std::min(records.size(), kMaxRecords));
}

}  // namespace

void mutate(Script& script, Random& random) {
  do {
    mutate_once(script, random);
  } while (below(random, 2) != 0);
}

Script cross(const Script& one, const Script& other, Random& random) {
  Script child = one;
  child.records.resize(below(random, one.records.size() + 1));
  const auto from = std::next(other.records.begin(), below(random, other.records.size() + 1));
  child.records.insert(child.records.end(), from, other.records.end());
  child.records.resize(std::min(child.records.size(), kMaxRecords));
  return child;
}

}  // namespace prd32::fuzz
