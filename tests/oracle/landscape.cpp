// SPDX-License-Identifier: Apache-2.0
#include "landscape.hpp"

#include <algorithm>

namespace prd32::oracle {

namespace {

constexpr std::uint64_t kBlock = limits::kPrdBoundary;

// Data, tables and status blocks have ranges of their own, so that most cases do not write over their tables.
constexpr std::uint64_t kData = 0x20000000;
constexpr std::uint64_t kTables = 0x40000000;
constexpr std::uint64_t kTableStride = 0x100000;
constexpr std::uint64_t kBlocks = 0x60000000;
constexpr std::uint64_t kQueues = 0x70000000;

std::uint64_t raw_prd(std::uint64_t base, std::uint64_t count, bool eot) {
  return regs::field_put(prd::kBase, base) | regs::field_put(prd::kCount, count) | (eot ? prd::kEot : 0);
}

}  // namespace

Landscape::Landscape(Draw& draw, const regs::Profile& profile, bool patient)
    : draw_(draw),
      profile_(profile),
      patient_(patient),
      granule_(1U << profile.granule_log2),
      allowed_(1U << profile.entries_log2) {
  const std::uint32_t grounds = draw_.within(1, 3);
  for (std::uint32_t i = 0; i < grounds; ++i) {
    add_ground();
  }
}

void Landscape::map(std::uint64_t address, std::uint64_t bytes, bool writable) {
  for (std::uint64_t page = address / kPageBytes; page <= (address + bytes - 1) / kPageBytes; ++page) {
    pages_.emplace_back(page, writable);
  }
}

// One page in a dozen is a hole, one in a dozen is read-only.
void Landscape::map_mostly(std::uint64_t address, std::uint64_t bytes) {
  for (std::uint64_t page = address / kPageBytes; page <= (address + bytes - 1) / kPageBytes; ++page) {
    constexpr std::uint32_t kDozen = 12;
    const std::uint32_t fate = draw_.below(kDozen);
    if (fate != 0) {
      map(page * kPageBytes, 1, fate != 1);
    }
  }
}

void Landscape::add_ground() {
  const std::uint64_t margin = std::max(granule_ * 2, std::uint64_t{256});
  switch (draw_.below(10)) {
    case 0:
    case 1:
    case 2: {  // pages, and nothing behind
      const std::uint64_t block = kData + draw_.below(8) * kBlock;
      const std::uint64_t first = block + draw_.below(12) * kPageBytes;
      const std::uint64_t bytes = std::max(kPageBytes, 2 * granule_);
      map_mostly(first, bytes);
      grounds_.push_back({first, first + bytes, first + bytes});
      return;
    }
    case 3:
    case 4:
    case 5:
    case 6: {  // around a boundary of 64 KiB
      const std::uint64_t boundary = kData + kTableStride + 2 * kBlock * (1 + draw_.below(4));
      map_mostly(boundary - margin, 2 * margin);
      if (draw_.one_in(2)) {
        map_mostly(boundary - kBlock, margin);  // where prd-cross-64k goes on as silicon
      }
      grounds_.push_back({boundary - margin, boundary + margin, boundary});
      return;
    }
    case 7:
    case 8: {  // the end of 32 bits
      map_mostly(kFourGiB - margin, margin);
      for (const std::uint64_t behind : {std::uint64_t{0}, kFourGiB, kFourGiB - kBlock}) {
        if (draw_.one_in(2)) {
          map_mostly(behind, margin);
        }
      }
      grounds_.push_back({kFourGiB - margin, kFourGiB, kFourGiB});
      return;
    }
    default: {  // 64 KiB, as a count of 0 has it; seldom, because bytes cost time
      constexpr std::uint32_t kSeldom = 4;
      const std::uint64_t first = kData + 3 * kTableStride + 2 * kBlock * draw_.below(2);
      if (!draw_.one_in(kSeldom)) {
        map(first, kPageBytes, true);
        grounds_.push_back({first, first + kPageBytes, first + kPageBytes});
        return;
      }
      map(first, kBlock, !draw_.one_in(8));
      grounds_.push_back({first, first + kBlock, first + kBlock});
      return;
    }
  }
}

std::uint32_t Landscape::block_address(unsigned side) {
  const std::uint32_t place = draw_.below(10);
  if (place == 0) {
    return draw_.word() & ~0xfU;
  }
  map(kBlocks, 1, !draw_.one_in(8));
  auto address = static_cast<std::uint32_t>(kBlocks) + 16 * (2 * draw_.below(8) + side);
  address += place == 1 ? draw_.within(1, 15) : 0;
  address += place == 2 ? 0xff0 : 0;  // the page's last
  return address;
}

std::uint32_t Landscape::queue_address(std::uint32_t commands, unsigned side) {
  constexpr std::uint32_t kLookedAt = 16;  // commands; no case has more in a row
  const std::uint64_t bytes = std::min(commands, kLookedAt) * command::kBytes;
  std::uint64_t address = kQueues + side * kTableStride + 2 * kPageBytes * draw_.below(4);
  switch (draw_.below(12)) {
    case 0:
    case 1:
      address +=
          kPageBytes - draw_.below(bytes / command::kBytes + 1) * command::kBytes;  // over a page's end, or to it
      break;
    case 2:
      address = kFourGiB - draw_.within(1, 3) * command::kBytes;
      map_mostly(0, bytes);
      break;
    case 3:
      address = draw_.one_in(4) ? draw_.word() : address;
      break;
    default:
      address += draw_.below(64) * command::kBytes;
  }
  if (draw_.one_in(10)) {
    address += draw_.pick({1U, 4U, 8U, 16U, 24U, draw_.within(1, 31)});
  }
  map_mostly(address, bytes);
  return static_cast<std::uint32_t>(address);
}

std::uint64_t Landscape::byte_count() {
  if (patient_) {
    return granule_;
  }
  const std::uint64_t few = std::max<std::uint64_t>(1, 64 / granule_);
  switch (draw_.below(16)) {
    case 0:
      return granule_;
    case 1:
      return granule_ * (1 + draw_.below(few * 8));
    default:
      return granule_ * (1 + draw_.below(few));
  }
}

std::uint64_t Landscape::prd(std::uint64_t bytes, unsigned side) {
  const auto grounds = static_cast<std::uint32_t>(grounds_.size());
  const Ground& ground = grounds_[grounds == 1 ? 0 : draw_.below((grounds + 1 - side) / 2) * 2 + side];
  const auto size = ground.end - ground.first;
  std::uint64_t base = 0;
  switch (draw_.below(12)) {
    case 0:
    case 1:
      base = ground.edge - bytes;  // ends at the edge
      break;
    case 2:
      base = ground.edge;
      break;
    case 3:
      base = ground.edge - granule_ * draw_.below(bytes / granule_);  // crosses it, or begins there
      break;
    default:
      base = ground.first + draw_.below(size) / granule_ * granule_;
      if (base < ground.edge && base + bytes > ground.edge) {
        base = ground.first;
      }
  }
  if (size == kBlock && draw_.one_in(3)) {
    return raw_prd(ground.first, 0, false);
  }
  return raw_prd(base % kFourGiB, bytes % limits::kPrdMaxBytes, false);
}

std::uint64_t Landscape::with_fault(std::uint64_t prd) {
  const std::uint64_t base = regs::field_get(prd::kBase, prd);
  const std::uint64_t others = prd & ~prd::kBase;
  switch (draw_.below(12)) {
    case 0:
    case 1:
      return raw_prd(base + draw_.pick({std::uint64_t{1}, std::uint64_t{2}, ~std::uint64_t{0}}),
                     regs::field_get(prd::kCount, prd), false);
    case 2:
    case 3:
      return prd ^ regs::field_put(prd::kCount, std::uint64_t{1} << draw_.below(3));
    case 4:
      return raw_prd(base, 0, false);
    case 5:
    case 6:
      return prd | regs::field_put(prd::kReserved, std::uint64_t{1} << draw_.below(14));
    case 7:
      return prd | prd::kMark;
    case 8:
      return others | regs::field_put(prd::kBase, std::uint64_t{draw_.word()});
    case 9:
      return raw_prd(base, regs::field_get(prd::kCount, prd), true);
    case 10: {
      const std::uint64_t elsewhere = base - draw_.below(2 * kBlock);
      return raw_prd(elsewhere, draw_.word() & 0xffffU, false);
    }
    default:
      return draw_.pick({std::uint64_t{0}, ~std::uint64_t{0}, draw_.bits()});
  }
}

std::uint32_t Landscape::descriptor_count() {
  constexpr std::uint32_t kShort = 64;
  if (patient_) {
    constexpr std::uint32_t kFillsBlock = kBlock / prd::kBytes;
    return std::min(kFillsBlock + 1, draw_.pick({allowed_, allowed_ + 1, kFillsBlock, draw_.within(505, 520)}));
  }
  switch (draw_.below(8)) {
    case 0:
    case 1:
      if (allowed_ <= kShort) {
        return std::max(3U, allowed_ + draw_.within(0, 4)) - 2;
      }
      return draw_.one_in(40) ? draw_.within(505, 520) : 1;  // around a page of descriptors
    default:
      return draw_.within(1, 6);
  }
}

std::uint32_t Landscape::table_address(std::uint32_t descriptors) {
  const std::uint64_t align = std::uint64_t{1} << profile_.prdt_align_log2;
  const std::uint64_t bytes = descriptors * prd::kBytes;
  std::uint64_t address = kTables + tables_.size() * kTableStride;
  if (draw_.one_in(24)) {
    address = draw_.one_in(2) ? kFourGiB - kBlock : 0;
  }
  switch (draw_.below(6)) {
    case 0:
      address += kPageBytes - draw_.below(bytes + 8) % kPageBytes;  // straddles a page, or ends with it
      break;
    case 1:
    case 2:
      address += kBlock - draw_.below(bytes + 16) % kBlock;  // the same with 64 KiB
      break;
    case 3:
      address += draw_.below(kPageBytes);
      break;
    default:
      break;
  }
  address = address / align * align;
  if (draw_.one_in(16)) {
    address += std::uint64_t{1} << draw_.below(std::min(profile_.prdt_align_log2 + 1, 20U));
  }
  return static_cast<std::uint32_t>(address);
}

Plan Landscape::add_table(bool cyclic, unsigned side) {
  Plan plan;
  plan.descriptors = descriptor_count();
  plan.table.address = table_address(plan.descriptors);
  const bool faults = !patient_ && draw_.one_in(2);
  for (std::uint32_t i = 0; i < plan.descriptors; ++i) {
    const std::uint64_t bytes = byte_count();
    std::uint64_t raw = prd(bytes, side);
    plan.bytes += regs::field_get(prd::kCount, raw) == 0 ? limits::kPrdMaxBytes : bytes;
    if (faults && draw_.one_in(std::max(3U, plan.descriptors))) {
      raw = with_fault(raw);
    }
    raw |= cyclic && draw_.one_in(3) ? prd::kMark : 0;
    plan.table.prds.push_back(raw);
  }
  plan.table.prds.back() |= draw_.one_in(patient_ ? 2 : 8) ? 0 : prd::kEot;
  // What a card that runs past the table finds there: mostly an end.
  const std::uint32_t behind = patient_ ? 0 : draw_.below(4);
  for (std::uint32_t i = 0; i < behind; ++i) {
    plan.table.prds.push_back(prd(granule_, side) | (i + 1 == behind ? prd::kEot : 0));
  }
  const auto map_table = [&](std::uint32_t address) { patient_ ? map(address, 1, false) : map_mostly(address, 1); };
  const std::uint64_t last = plan.table.prds.size() * prd::kBytes - 1;
  for (std::uint64_t at = 0; at <= last; at += kPageBytes) {
    map_table(static_cast<std::uint32_t>(plan.table.address + at));
  }
  map_table(static_cast<std::uint32_t>(plan.table.address + last));
  if (draw_.one_in(4)) {
    map(plan.table.address / kBlock * kBlock, 1, true);  // where prdt-cross-64k goes on as silicon
  }
  tables_.push_back(plan.table);
  return plan;
}

Plan Landscape::add_short_table(std::uint32_t granules, unsigned side) {
  Plan plan;
  plan.descriptors = 1;
  plan.bytes = granules * granule_;
  plan.table = {.address = table_address(1), .prds = {prd(plan.bytes, side) | prd::kEot}};
  map(plan.table.address, prd::kBytes, true);
  tables_.push_back(plan.table);
  return plan;
}

std::vector<Region> Landscape::regions() const {
  std::vector<std::pair<std::uint64_t, bool>> pages = pages_;
  std::ranges::stable_sort(pages, {}, &std::pair<std::uint64_t, bool>::first);
  std::vector<Region> regions;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const auto& [page, writable] = pages[i];
    if (i > 0 && pages[i - 1].first == page) {
      continue;
    }
    const std::uint64_t address = page * kPageBytes;
    if (regions.empty() || regions.back().writable != writable ||
        regions.back().address + regions.back().bytes != address) {
      regions.push_back({.address = address, .bytes = 0, .writable = writable});
    }
    regions.back().bytes += kPageBytes;
  }
  return regions;
}

}  // namespace prd32::oracle
