// SPDX-License-Identifier: Apache-2.0
// How a transfer begins, waits, takes turns, and is ended from outside; its steps are in transfer.cpp, a queue's
// in queued.cpp.
#include "prd32/channel.hpp"

#include <utility>

namespace prd32 {

Channel::Channel(const sc_core::sc_module_name& name, unsigned number, const ChannelParts& parts)
    : sc_module(name),
      number_(number),
      parts_(parts),
      bus_(parts.bus, number),
      breaches_(number, parts.profile, parts.registers, parts.log),
      rules_(number, parts.profile, parts.memory.bytes().size(), breaches_),
      reader_(bus_, breaches_),
      mover_(bus_, breaches_),
      pace_(parts.timing, parts.link),
      queue_(number, parts.profile.endpoints, parts.registers, bus_, breaches_),
      moved_(parts.registers.storage(regs::Moved::at(number))),
      prds_(parts.registers.storage(regs::Prds::at(number))),
      residual_(parts.registers.storage(regs::Residual::at(number))),
      wake_("wake") {
  parts_.arbiter.attach(number, wake_);
  sc_core::sc_spawn([this] { run(); }, "run");
}

void Channel::start(bool to_host) {
  const RegisterFile& registers = parts_.registers;
  const auto value = [&](auto reg) { return registers.get(decltype(reg)::at(number_)); };
  const std::uint32_t control = value(regs::Control{});
  Setup setup{.table = value(regs::BmPrdt{}),
              .card_offset = value(regs::CardAddr{}),
              .length = value(regs::Length{}),
              .entries = value(regs::Entries{}),
              .writeback = value(regs::WritebackAddr{}),
              .endpoint = static_cast<regs::Endpoint>(regs::field_get(regs::Control::kEndpoint, control)),
              .to_host = to_host,
              .cyclic = (control & regs::Control::kCyclic) != 0,
              .write_back = (control & regs::Control::kWriteback) != 0};
  take_pattern(setup);
  begin(setup, false);
}

void Channel::ring() {
  queue_.begin();
  begin({}, true);
}

void Channel::begin(const Setup& setup, bool queued) {
  RegisterFile& registers = parts_.registers;
  pending_ = Job{.generation = ++generation_, .start = sc_core::sc_time_stamp(), .setup = setup};
  running_ = true;
  queued_ = queued;
  draining_ = false;
  clear_report();
  residual_ = static_cast<std::uint32_t>(setup.length);
  const std::uint32_t status = registers.get(regs::BmStatus::at(number_));
  registers.set(regs::BmStatus::at(number_), status | regs::BmStatus::kActive);
  wake_.notify(sc_core::SC_ZERO_TIME);
}

/// What the registers of endpoint PATTERN say.
void Channel::take_pattern(Setup& setup) const {
  const auto value = [&](auto reg) { return parts_.registers.get(decltype(reg)::at(number_)); };
  setup.pattern = static_cast<regs::PatternKind>(regs::field_get(regs::Pattern::kKind, value(regs::Pattern{})));
  setup.pattern_seed = value(regs::PatternSeed{});
  setup.pattern_rate = value(regs::PatternRate{});
  setup.pattern_fifo = value(regs::PatternFifo{});
}

/// As at the beginning of a transfer that nobody has failed yet.
void Channel::clear_report() {
  condemned_.reset();
  for (const std::uint32_t offset :
       {regs::Residual::at(number_), regs::Moved::at(number_), regs::Prds::at(number_), regs::Error::at(number_),
        regs::ErrorIndex::at(number_), regs::ErrorAddr::at(number_), regs::Breach::at(number_),
        regs::BreachIndex::at(number_), regs::BreachAddr::at(number_), regs::Periods::at(number_),
        regs::PatternLost::at(number_), regs::Crc::at(number_)}) {
    parts_.registers.set(offset, 0);
  }
}

void Channel::stop() {
  if (!running_) {
    return;
  }
  drop();
  draining_ = bus_.busy();
  if (!draining_) {
    become_idle();
  }
}

void Channel::drop() {
  if (queue_runs()) {
    queue_.drop();
  }
  reset();
}

void Channel::reset() {
  parts_.statistics.stops += running_ ? 1 : 0;
  running_ = false;
  draining_ = false;
  pending_.reset();
  wake_.notify(sc_core::SC_ZERO_TIME);
}

void Channel::fail(const Fault& fault) {
  if (running_ && !condemned_) {
    condemned_ = fault;
    wake_.notify(sc_core::SC_ZERO_TIME);
  }
}

void Channel::become_idle() {
  const std::uint32_t status = parts_.registers.get(regs::BmStatus::at(number_));
  parts_.registers.set(regs::BmStatus::at(number_), status & ~regs::BmStatus::kActive);
}

void Channel::run() {
  for (;;) {
    enter(ChannelState::kIdle);
    if (std::exchange(draining_, false)) {
      become_idle();
    }
    while (!pending_) {
      sc_core::wait(wake_);
    }
    Job job = *std::exchange(pending_, std::nullopt);
    going_ = [this, &job] { return going(job); };
    current_ = [this, &job] { return current(job); };
    if (queued_) {
      run_queue(job);
    } else {
      run_transfer(job);
    }
    endpoint_.reset();
  }
}

void Channel::run_transfer(Job& job) {
  // Even a transfer that is refused at once takes time: a line that a driver lowers just before START must be seen
  // low before it rises again.
  enter(ChannelState::kStarting);
  bus_.clock().set_offset(parts_.timing.start);
  std::optional<Fault> fault;
  if (catch_up(job)) {
    fault = transfer(job);
  }
  if (current(job)) {
    finish(job, fault);
  }
}

void Channel::take_turn(const Job& job) {
  if (parts_.arbiter.request(number_)) {
    return;
  }
  enter(ChannelState::kQueued);
  while (going(job) && !parts_.arbiter.holds(number_)) {
    sc_core::wait(wake_);
  }
}

void Channel::end_turn(const Job& job) {
  if (parts_.arbiter.contended()) {
    catch_up(job);  // the next one's turn begins when this one's has ended, in simulated time too
  }
  parts_.arbiter.release(number_);
}

/// Lets the simulation reach the channel's own time, unless the condition fails meanwhile. Returns the condition.
template <typename Condition>
bool Channel::catch_up_while(Condition condition) {
  const sc_core::sc_time end = bus_.clock().now();
  bus_.clock().set_offset(sc_core::SC_ZERO_TIME);
  while (condition() && sc_core::sc_time_stamp() < end) {
    sc_core::wait(end - sc_core::sc_time_stamp(), wake_);
  }
  return condition();
}

/// Unless the transfer is ended meanwhile. Returns going().
bool Channel::catch_up(const Job& job) {
  return catch_up_while([this, &job] { return going(job); });
}

/// As catch_up(), but a transfer that somebody failed goes on. Returns current().
bool Channel::settle(const Job& job) {
  return catch_up_while([this, &job] { return current(job); });
}

}  // namespace prd32
