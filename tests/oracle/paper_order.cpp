// SPDX-License-Identifier: Apache-2.0
// What the data sheet leaves open: the order of two channels that share memory or the loopback, and how far a channel
// has read ahead when its table changes.
#include <algorithm>

#include "paper_card.hpp"

namespace prd32::oracle {

// Neighbours become one, so that a large table costs little.
void PaperCard::touch(unsigned n, const Touch& touch) {
  if (touch.first == touch.end) {
    return;
  }
  std::vector<Touch>& list = touches_.at(n);
  if (!list.empty() && list.back().space == touch.space && list.back().writing == touch.writing &&
      list.back().end == touch.first) {
    list.back().end = touch.end;
  } else {
    list.push_back(touch);
  }
  if (touch.writing && touch.space == Space::kHost) {
    note_pages(written_.at(n), touch.first, touch.end - touch.first);
  }
}

void PaperCard::note_pages(std::vector<std::uint64_t>& pages, std::uint64_t address, std::uint64_t bytes) {
  for (std::uint64_t page = address / kPageBytes; page <= (address + bytes - 1) / kPageBytes; ++page) {
    if (std::ranges::find(pages, page) == pages.end()) {
      pages.push_back(page);
    }
  }
}

bool PaperCard::on_pages(const std::vector<std::uint64_t>& pages, std::uint64_t address, std::uint64_t bytes) {
  return std::ranges::any_of(pages, [&](std::uint64_t page) {
    return page >= address / kPageBytes && page <= (address + bytes - 1) / kPageBytes;
  });
}

// Whether the channel's transfer wrote to a page of these bytes, which it may have read ahead before.
bool PaperCard::wrote(unsigned n, std::uint64_t address, std::uint64_t bytes) const {
  return on_pages(written_.at(n), address, bytes);
}

// What a command's fetch finds is what is there then, but a table may have been read ahead.
void PaperCard::store(const Step& step) {
  look_for_haste(false);
  for (unsigned n = 0; n < limits::kChannels; ++n) {
    if (channels_.at(n).active && on_pages(tables_.at(n), step.offset, command::kBytes / 2)) {
      give_up("software writes over a table that the card may have read already");
    }
  }
  host_.store(step.offset, step.command);
}

void PaperCard::look_for_haste(bool harmless) {
  if (under_way_ && !harmless) {
    give_up("what software does while the card works depends on time");
  }
}

// Commands that are put behind others, which may be done or not, are done in any case.
bool PaperCard::harmless_doorbell(std::uint32_t offset, std::uint64_t tail) const {
  for (unsigned n = 0; n < limits::kChannels; ++n) {
    if (offset == regs::QueueTail::at(n) && (!channels_.at(n).active || channels_.at(n).queued)) {
      const std::uint32_t head = reg(regs::QueueHead::at(n));
      const std::uint32_t room = 1U << regs::field_get(regs::QueueSize::kLog2, reg(regs::QueueSize::at(n)));
      const std::uint32_t waiting = static_cast<std::uint32_t>(tail) - head;
      return waiting <= room && waiting >= reg(regs::QueueTail::at(n)) - head;
    }
  }
  return false;
}

// A channel that waits since an earlier run keeps what was touched meanwhile.
void PaperCard::begin_looking_for_races() {
  if (std::ranges::none_of(channels_, [](const Channel& channel) { return channel.active && channel.examined; })) {
    std::ranges::for_each(touches_, &std::vector<Touch>::clear);
  }
}

void PaperCard::look_for_races() {
  const auto& [first, second] = touches_;
  constexpr std::size_t kTooMuch = 1'000'000;
  if (first.size() * second.size() > kTooMuch) {
    give_up("it takes long to look for races");
    return;
  }
  for (const Touch& one : first) {
    for (const Touch& other : second) {
      if (one.space == other.space && (one.writing || other.writing) && one.first < other.end &&
          other.first < one.end) {
        give_up(one.space == Space::kLoopback ? "two channels are on the same side of the loopback"
                                              : "two channels touch the same bytes");
        return;
      }
    }
  }
}

}  // namespace prd32::oracle
