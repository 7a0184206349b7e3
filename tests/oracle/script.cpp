// SPDX-License-Identifier: Apache-2.0
#include "script.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace prd32::oracle {

using regs::Endpoint;

namespace {

constexpr unsigned kWord = 4;
constexpr unsigned kByteBits = 8;

}  // namespace

Script::Script(Draw& draw, const CardKind& kind, bool patient)
    : draw_(draw), kind_(kind), patient_(patient), landscape_(draw, kind.profile, patient) {}

void Script::read(std::uint32_t offset, unsigned bytes) {
  steps_.push_back({.action = Action::kRead, .offset = offset, .bytes = bytes, .value = 0});
}

void Script::write(std::uint32_t offset, unsigned bytes, std::uint64_t value) {
  steps_.push_back({.action = Action::kWrite, .offset = offset, .bytes = bytes, .value = value});
}

void Script::take(Case& scene) {
  scene.regions = landscape_.regions();
  scene.tables = landscape_.tables();
  scene.steps = std::move(steps_);
}

void Script::write() {
  if (!draw_.one_in(3)) {
    write(regs::IrqEnable::kOffset, kWord, draw_.one_in(2) ? ~0U : draw_.word());
  }
  if (patient_) {
    one_channel();
    return;
  }
  const std::uint32_t episodes = draw_.within(1, 3);
  for (std::uint32_t i = 0; i < episodes; ++i) {
    episode();
  }
  if (draw_.one_in(3)) {
    poke_around();
  }
}

void Script::episode() {
  if (draw_.one_in(kind_.profile.queue ? 3 : 12)) {
    switch (draw_.below(5)) {
      case 0:
        step_by_step();
        break;
      case 1:
        ring_by_and_by();
        break;
      default:
        through_a_queue();
    }
    return;
  }
  switch (draw_.below(10)) {
    case 0:
      poke_around();
      break;
    case 1:
    case 2:
      both_channels();
      break;
    case 3:
    case 4:
      through_the_loopback();
      break;
    default:
      one_channel();
  }
}

// ---- transfers

Endpoint Script::endpoint(bool to_host) {
  if (draw_.one_in(16)) {
    return static_cast<Endpoint>(draw_.below(4));  // the wrong way, perhaps
  }
  if (draw_.one_in(2)) {
    return Endpoint::kMemory;
  }
  return draw_.one_in(3) ? Endpoint::kLoopback : to_host ? Endpoint::kPattern : Endpoint::kChecksum;
}

Script::Job Script::job(unsigned channel) {
  Job job;
  job.channel = channel;
  job.to_host = draw_.one_in(2);
  job.endpoint = endpoint(job.to_host);
  // Most cyclic tables turn for ever, but the loopback runs empty.
  job.cyclic = draw_.one_in(job.endpoint == Endpoint::kLoopback && job.to_host ? 3 : 24);
  job.plan = landscape_.add_table(job.cyclic, channel);
  return job;
}

void Script::one_channel() {
  const Job first = job(draw_.below(limits::kChannels));
  set_up(first);
  start(first);
  if (draw_.one_in(4)) {
    meddle(first.channel);
  }
  run_and_look();
}

void Script::both_channels() {
  std::array<unsigned, limits::kChannels> order{0, 1};
  draw_.shuffle(order);
  for (const unsigned channel : order) {
    const Job one = job(channel);
    set_up(one);
    start(one);
  }
  if (draw_.one_in(4)) {
    meddle(draw_.below(limits::kChannels));
  }
  run_and_look();
}

// One channel fills it and one empties it, together or one after the other, and one of them may have to wait.
void Script::through_the_loopback() {
  std::array<unsigned, limits::kChannels> order{0, 1};
  draw_.shuffle(order);
  for (const bool to_host : {draw_.one_in(4), !draw_.one_in(4)}) {
    const unsigned channel = order.at(to_host ? 1 : 0);
    Job one{
        .channel = channel, .to_host = to_host, .cyclic = draw_.one_in(8), .endpoint = Endpoint::kLoopback, .plan = {}};
    one.plan = landscape_.add_table(one.cyclic, channel);
    set_up(one);
    start(one);
    if (draw_.one_in(3)) {
      run_and_look();
    }
  }
  run_and_look();
  if (draw_.one_in(2)) {
    meddle(draw_.below(limits::kChannels));
    run_and_look();
  }
}

void Script::run_and_look() {
  run();
  if (draw_.one_in(2)) {
    read_some();
  }
  if (draw_.one_in(2)) {
    clear_causes();
  }
}

std::uint32_t Script::card_address(const Job& job) {
  const auto size = static_cast<std::uint32_t>(kind_.memory_size);
  const auto bytes = static_cast<std::uint32_t>(job.plan.bytes);
  switch (draw_.below(10)) {
    case 0:
      return size - bytes;
    case 1:
      return size - bytes + draw_.pick({1U, ~0U});
    case 2:
      return size - draw_.below(std::uint64_t{bytes} + 1);
    case 3:
      return draw_.pick({size, ~0U, size + 1, draw_.word()});
    case 4:
      return 0;
    default:
      return draw_.below(size - limits::kPrdMaxBytes);
  }
}

std::uint32_t Script::length(const Job& job) {
  const auto bytes = static_cast<std::uint32_t>(job.plan.bytes);
  switch (draw_.below(8)) {
    case 0:
    case 1:
    case 2:
      return bytes;
    case 3:
      return bytes + draw_.pick({1U, ~0U, draw_.below(64)});
    case 4:
      return draw_.within(1, std::max(1U, bytes));
    default:
      return 0;
  }
}

std::uint32_t Script::entries(const Job& job) {
  const std::uint32_t descriptors = job.plan.descriptors;
  const std::uint32_t allowed = 1U << kind_.profile.entries_log2;
  switch (draw_.below(8)) {
    case 0:
    case 1:
      return descriptors;
    case 2:
      return descriptors + draw_.pick({1U, ~0U});
    case 3:
      return allowed + draw_.pick({0U, 1U, ~0U, descriptors, allowed});
    default:
      return draw_.one_in(16) ? draw_.word() : 0;
  }
}

std::uint32_t Script::control(const Job& job) {
  using regs::Control;
  std::uint32_t control = regs::field_put(Control::kEndpoint, static_cast<std::uint32_t>(job.endpoint));
  control |= job.cyclic ? Control::kCyclic : 0;
  control |= draw_.one_in(3) ? Control::kWriteback : 0;
  control |= draw_.one_in(12) ? draw_.word() & ~Control::kEndpoint & ~Control::kCyclic : 0;  // RESET, reserved bits
  return control;
}

void Script::set_up(const Job& job) {
  const unsigned n = job.channel;
  std::vector<Step> writes;
  const auto add = [&](std::uint32_t offset, unsigned bytes, std::uint64_t value) {
    writes.push_back({.action = Action::kWrite, .offset = offset, .bytes = bytes, .value = value});
  };
  const auto set = [&](std::uint32_t offset, std::uint32_t value) {
    const unsigned piece = draw_.pick({kWord, kWord, kWord, 2U, 1U});
    for (unsigned byte = 0; byte < kWord; byte += piece) {
      add(offset + byte, piece,
          (std::uint64_t{value} >> (byte * kByteBits)) & ((std::uint64_t{1} << (piece * kByteBits)) - 1));
    }
  };
  const bool lazy = draw_.one_in(16);  // something keeps what it was
  const auto setting = [&](std::uint32_t offset, std::uint32_t value) {
    if (!lazy || draw_.one_in(2)) {
      set(offset, value);
    }
  };
  setting(regs::CardAddr::at(n), card_address(job));
  setting(regs::Length::at(n), length(job));
  setting(regs::Entries::at(n), entries(job));
  setting(regs::WritebackAddr::at(n), landscape_.block_address(n));
  if (draw_.one_in(2)) {
    set(regs::Pattern::at(n), draw_.word());
    set(regs::PatternSeed::at(n), draw_.pick({0U, ~0U, 0x80000000U, 0xfffffffeU, draw_.word()}));
  }
  setting(regs::BmPrdt::at(n), job.plan.table.address);
  // CONTROL may reset the channel, so it comes first.
  const std::uint32_t offset = regs::Control::at(n);
  write(offset, kWord, control(job));
  draw_.shuffle(writes);
  steps_.insert(steps_.end(), writes.begin(), writes.end());
}

void Script::start(const Job& job) {
  std::uint32_t command = regs::BmCommand::kStart | (job.to_host ? regs::BmCommand::kToHost : 0);
  command |= draw_.one_in(8) ? draw_.word() & 0xf6U : 0;  // reserved bits
  const unsigned bytes = draw_.pick({1U, 1U, 2U, kWord});
  const std::uint32_t others = draw_.one_in(2) ? draw_.word() & ~0xffU : 0;  // BM_STATUS with them
  write(regs::BmCommand::at(job.channel), bytes,
        (command | others) & (bytes == kWord ? ~0U : (1U << (bytes * kByteBits)) - 1));
}

// ---- software at the wrong time

void Script::write_locked(unsigned channel) {
  const std::uint32_t offset =
      draw_.pick({regs::BmPrdt::at(channel), regs::CardAddr::at(channel), regs::Length::at(channel),
                  regs::Control::at(channel), regs::Entries::at(channel), regs::WritebackAddr::at(channel),
                  regs::Pattern::at(channel), regs::PatternSeed::at(channel), regs::PatternFifo::at(channel),
                  regs::QueueBase::at(channel), regs::QueueSize::at(channel), regs::QueueTail::at(channel)});
  const unsigned bytes = draw_.pick({1U, 2U, kWord});
  const std::uint32_t place = draw_.below(kWord / bytes) * bytes;
  std::uint32_t value = draw_.one_in(3) ? 0 : draw_.word();
  if (offset == regs::QueueTail::at(channel)) {
    value = few_commands();
  }
  if (offset == regs::Control::at(channel) && !draw_.one_in(4)) {
    value &= ~regs::Control::kReset;
  }
  write(offset + place, bytes, value);
}

// Most numbers in QUEUE_TAIL are no more than an overrun.
std::uint32_t Script::few_commands() {
  return draw_.one_in(8) ? draw_.word() : draw_.below(6);
}

void Script::meddle(unsigned channel) {
  rings_.at(channel).in_step = false;
  const std::uint32_t times = draw_.within(1, 3);
  for (std::uint32_t i = 0; i < times; ++i) {
    switch (draw_.below(12)) {
      case 0:
      case 1:
        write(regs::BmCommand::at(channel), 1, draw_.word() & ~regs::BmCommand::kStart & 0xffU);
        break;
      case 2:
      case 3:
        write(regs::BmCommand::at(channel), 1, (draw_.word() & 0xffU) | regs::BmCommand::kStart);
        break;
      case 4:
        write(regs::Control::at(channel), kWord, draw_.word() | regs::Control::kReset);
        break;
      case 5:
        if (draw_.one_in(2)) {
          steps_.push_back({.action = Action::kReset});
        } else {
          poke_around();
        }
        break;
      case 6:
        read_some();
        break;
      default:
        write_locked(channel);
    }
  }
}

void Script::poke_around() {
  for (Ring& ring : rings_) {
    ring.in_step = false;
  }
  constexpr std::uint32_t kBehindRegisters = 0x340;
  const std::uint32_t times = draw_.within(1, 6);
  for (std::uint32_t i = 0; i < times; ++i) {
    const regs::Register& entry = draw_.pick_from(regs::kTable);
    std::uint32_t offset = entry.offset + draw_.below(entry.bytes);
    if (draw_.one_in(10)) {
      offset = draw_.one_in(2) ? draw_.below(kBehindRegisters) : regs::kAddressSpace - 6 + draw_.below(12);
    }
    const unsigned bytes = draw_.one_in(12) ? draw_.pick({3U, 5U, 6U, 7U, 8U}) : draw_.pick({1U, 2U, kWord});
    offset = draw_.one_in(12) ? offset : offset / bytes * bytes;
    if (draw_.one_in(3)) {
      read(offset, bytes);
      continue;
    }
    if (entry.name == "QUEUE_TAIL" && draw_.one_in(2)) {
      write(entry.offset, kWord, few_commands());
      continue;
    }
    const bool rate = entry.name == "PATTERN_RATE" && !draw_.one_in(8);  // it would depend on time
    write(offset, bytes, rate ? 0 : draw_.pick({std::uint64_t{0}, ~std::uint64_t{0}, draw_.bits(), draw_.bits()}));
  }
}

void Script::read_some() {
  const std::uint32_t times = draw_.within(1, 4);
  for (std::uint32_t i = 0; i < times; ++i) {
    const regs::Register& entry = draw_.pick_from(regs::kTable);
    const unsigned bytes = draw_.pick({1U, 2U, kWord});
    read(entry.offset / bytes * bytes, bytes);
  }
}

void Script::clear_causes() {
  const unsigned channel = draw_.below(limits::kChannels);
  const std::uint32_t value = draw_.one_in(2) ? ~0U : draw_.word();
  if (draw_.one_in(2)) {
    write(regs::IrqCause::kOffset, kWord, value);
  } else {
    write(regs::BmStatus::at(channel), 1, value & 0xffU);
  }
  run();
}

}  // namespace prd32::oracle
