// SPDX-License-Identifier: Apache-2.0
// Random cases: what software does with a channel's command queue.
#include <algorithm>
#include <array>

#include "outcome.hpp"
#include "script.hpp"

namespace prd32::oracle {

using regs::Endpoint;

namespace {

constexpr unsigned kWord = 4;
constexpr unsigned kByteBits = 8;

}  // namespace

void Script::through_a_queue() {
  const unsigned n = draw_.below(limits::kChannels);
  const unsigned other = 1 - n;
  set_up_queue(n);
  const bool waits = draw_.one_in(3);  // the loopback alone makes a queue stand still in its midst
  const std::uint32_t batches = draw_.within(1, 3);
  for (std::uint32_t i = 0; i < batches; ++i) {
    put_batch(n, waits);
    if (draw_.one_in(8)) {
      stop_and_go(n);
    }
    if (draw_.one_in(5)) {
      beside_a_queue(other);
    }
    if (draw_.one_in(6)) {
      meddle_with_queue(n);
    }
    if (draw_.one_in(8)) {  // counts for a command that has not begun, where the lock is none
      write(regs::PatternSeed::at(n), kWord, draw_.word());
    }
    if (!draw_.one_in(4)) {
      run_and_look();
    }
  }
  run_and_look();
  if (waits) {
    drip(n);
  }
  if (draw_.one_in(8)) {
    meddle_with_queue(n);
    run_and_look();
  }
}

// Registers of a new queue, or the one that is there goes on where it is.
void Script::set_up_queue(unsigned n) {
  Ring& ring = rings_.at(n);
  if (ring.in_step ? !draw_.one_in(4) : draw_.one_in(8)) {
    return;
  }
  using regs::Control;
  const std::uint32_t others = draw_.one_in(4) ? draw_.word() : 0;
  write(Control::at(n), kWord, others | Control::kReset);
  ring = Ring{};
  ring.in_step = true;
  ring.log2 = draw_.pick({0U, 1U, 1U, 2U, 2U, 3U, draw_.below(16)});
  const std::uint32_t base = landscape_.queue_address(1U << ring.log2, n);
  const bool dropped = kind_.profile.modes.at(number_of(Err::kQueueAlign)) == regs::Mode::kSilicon;
  ring.base = dropped ? base & ~static_cast<std::uint32_t>(command::kBytes - 1) : base;
  const auto reserved = [&](std::uint32_t mask) { return draw_.one_in(8) ? draw_.word() & ~mask : 0; };
  std::vector<Step> writes;
  const auto add = [&](std::uint32_t offset, std::uint32_t value) {
    writes.push_back({.action = Action::kWrite, .offset = offset, .bytes = kWord, .value = value, .command = {}});
  };
  add(regs::QueueBase::at(n), base);
  add(regs::QueueSize::at(n), ring.log2 | reserved(regs::QueueSize::kLog2));
  if (draw_.one_in(2)) {
    add(regs::QueueCoalesce::at(n), draw_.within(0, 4) | reserved(regs::QueueCoalesce::kCount));
  }
  if (draw_.one_in(2)) {
    add(regs::Pattern::at(n), draw_.word());
    add(regs::PatternSeed::at(n), draw_.word());
  }
  if (draw_.one_in(4)) {  // what a command says counts, and not these
    add(regs::BmPrdt::at(n), draw_.word());
    add(regs::CardAddr::at(n), draw_.word());
    add(regs::Length::at(n), draw_.word());
    add(regs::Entries::at(n), draw_.word());
    add(regs::WritebackAddr::at(n), landscape_.block_address(n));
  }
  draw_.shuffle(writes);
  steps_.insert(steps_.end(), writes.begin(), writes.end());
}

// Commands whose doorbells ring while those before are under way, or just done.
void Script::ring_by_and_by() {
  const unsigned n = draw_.below(limits::kChannels);
  set_up_queue(n);
  if (draw_.one_in(3)) {
    beside_a_queue(1 - n);
  }
  const std::uint32_t first = rings_.at(n).tail;
  const std::uint32_t commands = std::min(draw_.within(2, 6), 1U << rings_.at(n).log2);
  for (std::uint32_t i = 0; i < commands; ++i) {
    put_command(n, false);
  }
  constexpr std::uint32_t kLongest = 12;  // 2 to this power, ns: a command takes about a microsecond
  for (std::uint32_t i = 1; i <= commands; ++i) {
    write(regs::QueueTail::at(n), kWord, first + i);
    steps_.push_back({.action = Action::kPass,
                      .offset = 0,
                      .bytes = 0,
                      .value = draw_.within(1, 1U << draw_.within(1, kLongest)),
                      .command = {}});
  }
  run_and_look();
}

// Some commands, each with its doorbell or all with one. A driver keeps to the queue's size.
void Script::put_batch(unsigned n, bool waits) {
  Ring& ring = rings_.at(n);
  const std::uint32_t size = 1U << ring.log2;
  const std::uint32_t commands = draw_.within(1, 5);
  const bool each = draw_.one_in(3);
  std::uint32_t waiting = 0;
  for (std::uint32_t i = 0; i < commands; ++i) {
    if (waiting == size && !draw_.one_in(6)) {
      doorbell(n);
      run();
      waiting = 0;
    }
    put_command(n, waits && draw_.one_in(2));
    ++waiting;
    if (each) {
      doorbell(n);
      if (draw_.one_in(3)) {
        run();
        waiting = 0;
      }
    }
  }
  if (!each) {
    doorbell(n);
  }
}

void Script::put_command(unsigned n, bool waits) {
  Ring& ring = rings_.at(n);
  const bool to_host = draw_.one_in(2);
  Job one{.channel = n,
          .to_host = to_host,
          .cyclic = false,
          .endpoint = waits ? Endpoint::kLoopback : endpoint(to_host),
          .plan = {}};
  if (ring.last.descriptors != 0 && draw_.one_in(4)) {
    one.plan = ring.last;  // the same table again
  } else {
    one.plan = landscape_.add_table(draw_.one_in(24), n);
  }
  ring.last = one.plan;
  put_command(one, draw_.one_in(3));
}

// plain: with nothing in it that may be wrong.
void Script::put_command(const Job& one, bool plain) {
  Ring& ring = rings_.at(one.channel);
  std::uint32_t flags = regs::field_put(command::kFlagsEndpoint, static_cast<std::uint32_t>(one.endpoint)) |
                        regs::field_put(command::kFlagsEntries, plain ? 0 : entries(one)) |
                        (one.to_host ? command::kFlagsToHost : 0);
  flags ^= !plain && draw_.one_in(12) ? 1U << draw_.below(16) : 0;
  CommandWords words{one.plan.table.address, card_address(one), plain ? 0 : length(one), flags};
  if (!plain && draw_.one_in(40)) {
    draw_.pick_from(words) = draw_.word();
  }
  const std::uint32_t index = ring.tail % (1U << ring.log2);
  steps_.push_back({.action = Action::kStore,
                    .offset = static_cast<std::uint32_t>(ring.base + index * command::kBytes),
                    .bytes = 0,
                    .value = 0,
                    .command = words});
  ring.tail += 1;
}

void Script::doorbell(unsigned n) {
  const std::uint32_t offset = regs::QueueTail::at(n);
  const std::uint32_t tail = rings_.at(n).tail;
  switch (draw_.below(24)) {
    case 0: {  // piece by piece, each of which counts
      const unsigned bytes = draw_.pick({1U, 2U});
      for (unsigned byte = 0; byte < kWord; byte += bytes) {
        write(offset + byte, bytes, (tail >> (byte * kByteBits)) & ((1U << (bytes * kByteBits)) - 1));
      }
      break;
    }
    case 1:
      write(offset, kWord, tail + draw_.pick({1U, ~0U, 1U << rings_.at(n).log2, draw_.word()}));
      rings_.at(n).in_step = false;
      break;
    default:
      write(offset, kWord, tail);
  }
}

// Commands behind a stop are written anew. Right where the queue was done before.
void Script::stop_and_go(unsigned n) {
  run();
  const std::uint32_t tail = rings_.at(n).tail;
  put_command(n, false);
  if (draw_.one_in(2)) {
    put_command(n, false);
  }
  doorbell(n);
  write(regs::BmCommand::at(n), 1, draw_.one_in(2) ? 0 : draw_.word() & 0xfeU);
  rings_.at(n).tail = tail;
  put_batch(n, false);
}

// What the other channel does meanwhile.
void Script::beside_a_queue(unsigned n) {
  if (draw_.one_in(2)) {
    set_up_queue(n);
    put_batch(n, false);
    return;
  }
  const Job one = job(n);
  set_up(one);
  start(one);
}

// A queue that waits for the loopback gets what it waits for bit by bit.
void Script::drip(unsigned n) {
  const std::uint32_t times = draw_.within(1, 4);
  for (std::uint32_t i = 0; i < times; ++i) {
    if (draw_.one_in(3)) {
      write(regs::QueueCoalesce::at(n), kWord, draw_.within(0, 4));
    }
    feed(1 - n);
    run_and_look();
    if (draw_.one_in(2)) {
      take_interrupt_back(n);
      run();
    }
  }
}

// In one way or the other.
void Script::take_interrupt_back(unsigned n) {
  if (draw_.one_in(2)) {
    write(regs::IrqCause::kOffset, kWord, ~0U);
  } else {
    write(regs::QueueSeen::at(n), kWord, rings_.at(n).tail - draw_.within(0, 6));
  }
}

// Commands that wait for the loopback one after the other, and whether each interrupts. Nothing else is wrong.
void Script::step_by_step() {
  const unsigned n = draw_.below(limits::kChannels);
  const unsigned other = 1 - n;
  set_up_queue(n);
  write(regs::QueueCoalesce::at(n), kWord, draw_.within(0, 4));
  const std::uint32_t granules = draw_.within(1, 4);
  Job takes{.channel = n, .to_host = true, .cyclic = false, .endpoint = Endpoint::kLoopback, .plan = {}};
  takes.plan = landscape_.add_short_table(granules, n);
  const std::uint32_t commands = std::min(draw_.within(2, 7), 1U << rings_.at(n).log2);
  for (std::uint32_t i = 0; i < commands; ++i) {
    if (draw_.one_in(5)) {
      put_command(n, false);
    } else {
      put_command(takes, true);
    }
  }
  doorbell(n);
  const Plan fed = landscape_.add_short_table(granules, other);
  rings_.at(other) = Ring{};
  write(regs::Control::at(other), kWord,
        regs::Control::kReset | regs::field_put(regs::Control::kEndpoint, static_cast<std::uint32_t>(takes.endpoint)));
  write(regs::BmPrdt::at(other), kWord, fed.table.address);
  for (std::uint32_t i = draw_.within(1, commands); i > 0; --i) {
    if (draw_.one_in(4)) {
      write(regs::QueueCoalesce::at(n), kWord, draw_.within(0, 4));
    }
    switch (draw_.below(12)) {
      case 0:
        meddle_with_queue(n);
        break;
      case 1:  // dropped in the midst, and begun anew with what may be in the queue still
        write(regs::BmCommand::at(n), 1, 0);
        rings_.at(n).tail -= draw_.below(i);
        doorbell(n);
        break;
      default:
        break;
    }
    write(regs::BmCommand::at(other), 1, regs::BmCommand::kStart);
    run();
    if (!draw_.one_in(3)) {
      take_interrupt_back(n);
    }
  }
  run_and_look();
}

// Bytes for those that wait for the loopback.
void Script::feed(unsigned n) {
  Job one{.channel = n, .to_host = false, .cyclic = false, .endpoint = Endpoint::kLoopback, .plan = {}};
  one.plan = landscape_.add_table(false, n);
  set_up(one);
  start(one);
}

void Script::meddle_with_queue(unsigned n) {
  switch (draw_.below(6)) {
    case 0:
      write(regs::QueueCoalesce::at(n), kWord, draw_.within(0, 4));
      break;
    case 1:
      write(regs::QueueTail::at(n), kWord, rings_.at(n).tail + draw_.pick({0U, 1U, ~0U, draw_.below(8)}));
      rings_.at(n).in_step = false;
      break;
    case 2: {  // a transfer of the registers between commands
      const Job one = job(n);
      set_up(one);
      start(one);
      break;
    }
    case 3: {  // a doorbell while such a transfer runs, and again when it is done
      run();
      const Job one = job(n);
      set_up(one);
      start(one);
      put_command(n, false);
      doorbell(n);
      run();
      if (draw_.one_in(2)) {
        doorbell(n);
      }
      break;
    }
    default:
      meddle(n);
  }
}

}  // namespace prd32::oracle
