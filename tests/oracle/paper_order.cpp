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
    for (std::uint64_t page = touch.first / kPageBytes; page <= (touch.end - 1) / kPageBytes; ++page) {
      if (std::ranges::find(written_.at(n), page) == written_.at(n).end()) {
        written_.at(n).push_back(page);
      }
    }
  }
}

// Whether the channel's transfer wrote to a page of these bytes, which it may have read ahead before.
bool PaperCard::wrote(unsigned n, std::uint64_t address, std::uint64_t bytes) const {
  return std::ranges::any_of(written_.at(n), [&](std::uint64_t page) {
    return page >= address / kPageBytes && page <= (address + bytes - 1) / kPageBytes;
  });
}

// A channel that waits since an earlier run keeps what was touched meanwhile.
void PaperCard::begin_looking_for_races() {
  if (std::ranges::none_of(channels_, [](const Channel& channel) { return channel.active && channel.examined; })) {
    std::ranges::for_each(touches_, &std::vector<Touch>::clear);
  }
  const auto on_loopback = [&](const Channel& channel) {
    return channel.active && channel.setup.endpoint == Endpoint::kLoopback;
  };
  const auto& [first, second] = channels_;
  if (on_loopback(first) && on_loopback(second) && first.setup.to_host == second.setup.to_host) {
    give_up("two channels are on the same side of the loopback");
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
        give_up("two channels touch the same bytes");
        return;
      }
    }
  }
}

}  // namespace prd32::oracle
