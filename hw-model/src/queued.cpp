// SPDX-License-Identifier: Apache-2.0
// The steps of a queue, in the order of docs/datasheet.md, section 12. A write that fails the command which the card is
// at does not keep it from fetching that, so the steps until then wait with settle().
#include <optional>

#include "prd32/channel.hpp"

namespace prd32 {

void Channel::run_queue(Job& job) {
  enter(ChannelState::kStarting);
  bus_.clock().set_offset(parts_.timing.start);
  settle(job);
  while (settle_if_due(job) && next_command(job)) {
    enter(ChannelState::kStarting);
    bus_.clock().add(parts_.timing.start);
  }
}

/// Returns whether another one follows.
bool Channel::next_command(Job& job) {
  if (const auto fault = fetch_command(job)) {
    halt_queue(job, *fault);
    return false;
  }
  return current(job) && end_command(job, do_command(job));
}

std::optional<Fault> Channel::fetch_command(Job& job) {
  if (auto fault = queue_.locate()) {
    return fault;
  }
  enter(ChannelState::kFetching);
  pace_.fetch(bus_.clock(), queue_.address(), command::kBytes / 2);
  if (!settle_if_due(job)) {
    return std::nullopt;
  }
  return queue_.fetch(job.setup, current_);
}

std::optional<Fault> Channel::do_command(Job& job) {
  if (condemned_) {
    settle(job);  // it ends when it has been fetched, no earlier
    return std::nullopt;
  }
  take_pattern(job.setup);
  residual_ = static_cast<std::uint32_t>(job.setup.length);
  if (auto fault = queue_.examine()) {
    return fault;
  }
  return transfer(job);
}

/// Writes the status, counts the command, and turns to the next. Returns whether there is one. The engine may be ahead
/// of the simulation all the while, unless this is the end of the queue, or there will be an interrupt.
bool Channel::end_command(Job& job, std::optional<Fault> fault) {
  enter(ChannelState::kEnding);
  pace_.drain(bus_.clock());
  if (fault || condemned_ || queue_.interrupts(false)) {
    catch_up(job);
  }
  if (!current(job)) {
    return false;
  }
  fault = fault ? fault : condemned_;
  if (const auto refused = queue_.write_status(fault, current_)) {
    halt_queue(job, fault.value_or(*refused));
    return false;
  }
  if (fault || condemned_ || queue_.interrupts(false)) {
    settle(job);  // the status may have taken time
  }
  if (!current(job)) {
    return false;
  }
  fault = fault ? fault : condemned_;
  ++(fault ? parts_.statistics.errors : parts_.statistics.tables);
  const bool interrupt = queue_.advance(fault.has_value());
  const bool more = !queue_.empty();
  if (more) {
    clear_report();
    job.start = bus_.clock().now();
  } else {
    if (fault) {
      report(*fault);
    }
    running_ = false;
  }
  if (interrupt) {
    raise(regs::BmStatus::kInterrupt | (fault ? regs::BmStatus::kError : 0));
  }
  return more;
}

void Channel::halt_queue(const Job& job, const Fault& fault) {
  enter(ChannelState::kEnding);
  pace_.drain(bus_.clock());
  if (!settle(job)) {
    return;
  }
  report(fault);
  queue_.halt();
  ++parts_.statistics.errors;
  running_ = false;
  raise(regs::BmStatus::kInterrupt | regs::BmStatus::kError);
}

/// Sets bits of BM_STATUS, and ACTIVE as it is.
void Channel::raise(std::uint32_t bits) {
  RegisterFile& registers = parts_.registers;
  const std::uint32_t before = registers.get(regs::BmStatus::at(number_)) & ~regs::BmStatus::kActive;
  registers.set(regs::BmStatus::at(number_), before | bits | (running_ ? regs::BmStatus::kActive : 0));
  parts_.status_changed();
}

}  // namespace prd32
