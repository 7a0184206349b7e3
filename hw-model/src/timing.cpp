// SPDX-License-Identifier: Apache-2.0
#include "prd32/timing.hpp"

#include <algorithm>

namespace prd32 {

Pace::Pace(const Timing& timing, Link* link)
    : timing_(timing),
      link_(link),
      ticks_per_byte_(1.0 / timing.bytes_per_ns * static_cast<double>(sc_core::sc_time(1, sc_core::SC_NS).value())) {}

void Pace::fetch(LocalClock& clock, std::uint64_t address, std::uint64_t bytes) {
  if (link_ != nullptr) {
    clock.advance_to(link_->read(clock.now(), address, bytes).arrived);
  }
}

void Pace::move(LocalClock& clock, bool to_host, std::uint64_t address, std::uint64_t bytes) {
  if (link_ == nullptr) {
    // Made from ticks, because making a time from a double costs more than a small descriptor's copy.
    const auto ticks = static_cast<std::uint64_t>(static_cast<double>(bytes) * ticks_per_byte_);
    clock.add(timing_.per_prd + sc_core::sc_time::from_value(ticks));
    return;
  }
  if (to_host) {
    clock.advance_to(link_->write(clock.now(), address, bytes));
    return;
  }
  const Link::Read read = link_->read(clock.now(), address, bytes);
  arrived_ = std::max(arrived_, read.arrived);
  clock.advance_to(read.issued);
}

}  // namespace prd32
