// SPDX-License-Identifier: Apache-2.0
// Section 3 of the data sheet, steps 2 to 5: a descriptor is found, fetched and examined.
#include <algorithm>

#include "paper_card.hpp"

namespace prd32::oracle {

namespace {

constexpr std::uint32_t kBlock = limits::kPrdBoundary;  // 64 KiB

}  // namespace

// Step 2.
bool PaperCard::fetch(unsigned n, Descriptor& prd) {
  Channel& channel = channels_.at(n);
  const std::uint32_t prdt = channel.setup.prdt;
  const auto lies_at = [&](std::uint64_t index) { return static_cast<std::uint32_t>(prdt + index * prd::kBytes); };
  prd.index = channel.index;
  prd.address = lies_at(prd.index);

  const regs::Mode entries = mode(Err::kPrdtEntries);
  const bool each_time = entries == regs::Mode::kError || entries == regs::Mode::kSilicon;
  if (prd.index != 0 && prd.index % allowed_ == 0 && (each_time || !channel.entries_examined)) {
    channel.entries_examined = true;
    if (judge(n, {.code = Err::kPrdtEntries, .index = prd.index, .address = prd.address}) == regs::Mode::kError) {
      return false;
    }
  }
  if (entries == regs::Mode::kSilicon) {
    prd.address = lies_at(prd.index % allowed_);
  }
  if (prd.address / kBlock != prdt / kBlock) {
    const regs::Mode cross = judge(n, {.code = Err::kPrdtCross, .index = prd.index, .address = prd.address});
    if (cross == regs::Mode::kError) {
      return false;
    }
    if (cross == regs::Mode::kSilicon) {
      prd.address = prdt / kBlock * kBlock + prd.address % kBlock;
    }
  }
  return read_prd(n, prd);
}

// Step 3.
bool PaperCard::read_prd(unsigned n, Descriptor& prd) {
  std::array<std::uint8_t, prd::kBytes> data{};
  if (wrote(n, prd.address, data.size())) {
    give_up("the card wrote over its own table, which it may have read already");
  }
  touch(n, {.space = Space::kHost, .first = prd.address, .end = prd.address + data.size(), .writing = false});
  note_pages(tables_.at(n), prd.address, data.size());
  const bool there = host_.read(prd.address, data);
  if (!there) {
    if (judge(n, {.code = Err::kPrdtFetch, .index = prd.index, .address = prd.address}) == regs::Mode::kError) {
      return false;
    }
    data.fill(0xff);
  }
  prd.raw = 0;
  for (std::size_t i = data.size(); i-- > 0;) {
    prd.raw = prd.raw << 8U | data.at(i);
  }
  return true;
}

// Step 5.
bool PaperCard::examine(unsigned n, Descriptor& prd) {
  const std::uint64_t reserved = prd::kReserved | (channels_.at(n).setup.cyclic ? 0 : prd::kMark);
  if ((prd.raw & reserved) != 0 &&
      judge(n, {.code = Err::kPrdReserved, .index = prd.index, .address = prd.address}) == regs::Mode::kError) {
    return false;
  }
  return examine_base_and_count(n, prd) && examine_place(n, prd) && examine_length(n, prd);
}

bool PaperCard::examine_base_and_count(unsigned n, Descriptor& prd) {
  prd.base = static_cast<std::uint32_t>(regs::field_get(prd::kBase, prd.raw));
  auto count = static_cast<std::uint32_t>(regs::field_get(prd::kCount, prd.raw));
  const std::uint32_t low = (1U << profile_.granule_log2) - 1;
  const auto broken = [&](Err code) { return judge(n, {.code = code, .index = prd.index, .address = prd.base}); };
  if ((prd.base & low) != 0) {
    const regs::Mode align = broken(Err::kPrdBaseAlign);
    if (align == regs::Mode::kError) {
      return false;
    }
    prd.base &= align == regs::Mode::kSilicon ? ~low : ~0U;
  }
  if ((count & low) != 0) {
    const regs::Mode align = broken(Err::kPrdCountAlign);
    if (align == regs::Mode::kError) {
      return false;
    }
    count &= align == regs::Mode::kSilicon ? ~low : ~0U;
  }
  prd.bytes = count;
  if (count == 0) {
    const regs::Mode zero = broken(Err::kPrdZero);
    if (zero == regs::Mode::kError) {
      return false;
    }
    prd.bytes = zero == regs::Mode::kSilicon ? 0 : limits::kPrdMaxBytes;
  }
  prd.parts = {Part{.address = prd.base, .bytes = prd.bytes}, Part{}};
  return true;
}

// Where the region lies. It crosses one boundary at most, and 4 GiB is a multiple of 64 KiB: a region that runs past
// it breaks both rules, and what the later one does counts.
bool PaperCard::examine_place(unsigned n, Descriptor& prd) {
  const std::uint64_t before = kBlock - prd.base % kBlock;
  if (prd.bytes <= before) {
    return true;
  }
  const auto fits = static_cast<std::uint32_t>(before);
  const auto goes_on_at = [&](std::uint64_t address) {
    prd.parts = {Part{.address = prd.base, .bytes = fits}, Part{.address = address, .bytes = prd.bytes - fits}};
  };
  const auto broken = [&](Err code) { return judge(n, {.code = code, .index = prd.index, .address = prd.base}); };
  if (prd.base + before == kFourGiB) {
    const regs::Mode wrap = broken(Err::kPrdWrap);
    if (wrap == regs::Mode::kError) {
      return false;
    }
    if (wrap == regs::Mode::kSilicon) {
      goes_on_at(0);
    }
  }
  const regs::Mode cross = broken(Err::kPrdCross);
  if (cross == regs::Mode::kSilicon) {
    goes_on_at(prd.base - prd.base % kBlock);
  }
  return cross != regs::Mode::kError;
}

bool PaperCard::examine_length(unsigned n, Descriptor& prd) {
  const Channel& channel = channels_.at(n);
  const std::uint64_t length = channel.setup.length;
  if (length != 0 && prd.bytes != 0 && channel.lap_bytes + prd.bytes > length) {
    switch (judge(n, {.code = Err::kLengthLong, .index = prd.index, .address = prd.address})) {
      case regs::Mode::kError:
        return false;
      case regs::Mode::kSilicon:
        break;
      case regs::Mode::kIgnore:
      case regs::Mode::kOff:
        prd.bytes = static_cast<std::uint32_t>(length - channel.lap_bytes);
        prd.parts[0].bytes = std::min(prd.parts[0].bytes, prd.bytes);
        prd.parts[1].bytes = prd.bytes - prd.parts[0].bytes;
        prd.last = true;
    }
  }
  const std::uint64_t offset = channel.setup.card_addr + channel.lap_bytes;
  const bool in_memory = channel.setup.endpoint == Endpoint::kMemory;
  return !in_memory || prd.bytes == 0 || offset + prd.bytes <= memory_.size() ||
         judge(n, {.code = Err::kCardRange, .index = prd.index, .address = offset}) != regs::Mode::kError;
}

}  // namespace prd32::oracle
