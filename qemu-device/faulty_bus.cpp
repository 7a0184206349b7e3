// SPDX-License-Identifier: Apache-2.0
#include "faulty_bus.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>

#include "prd32/dma_origin.hpp"
#include "prd32/registers.hpp"

namespace prd32 {
namespace {

constexpr std::uint8_t kLateByte = 0xee;  ///< what comes after an abort: no zeros and no ones, to be seen in a dump

std::span<unsigned char> data_of(const tlm::tlm_generic_payload& payload) {
  return {payload.get_data_ptr(), payload.get_data_length()};
}

Transaction describe_register(const tlm::tlm_generic_payload& payload) {
  return {.kind = payload.is_write() ? TransactionKind::kRegisterWrite : TransactionKind::kRegisterRead,
          .address = payload.get_address(),
          .bytes = payload.get_data_length()};
}

Transaction describe_dma(const tlm::tlm_generic_payload& payload) {
  Transaction transaction{.kind = payload.is_write() ? TransactionKind::kDmaWrite : TransactionKind::kDmaRead,
                          .address = payload.get_address(),
                          .bytes = payload.get_data_length()};
  const DmaOrigin* const origin = payload.get_extension<DmaOrigin>();
  if (origin == nullptr) {
    return transaction;
  }
  transaction.channel = static_cast<int>(origin->channel());
  transaction.prd_index = origin->prd_index();
  transaction.prd_last = origin->prd_index();
  if (origin->purpose() == DmaPurpose::kWriteback) {
    transaction.kind = TransactionKind::kWriteback;
  } else if (origin->purpose() == DmaPurpose::kCommand) {
    transaction.kind = TransactionKind::kCommand;
  } else if (origin->purpose() == DmaPurpose::kTableFetch) {
    transaction.kind = TransactionKind::kTableFetch;
    transaction.prd_last += static_cast<std::int64_t>(transaction.bytes / prd::kBytes) - 1;
  }
  return transaction;
}

/// What an access writes to a register: the bits that it reaches, and their values.
struct Written {
  std::uint32_t reached = 0;
  std::uint32_t value = 0;
};

Written written(const tlm::tlm_generic_payload& payload, std::uint32_t offset) {
  Written found;
  for (std::uint64_t i = 0; i < payload.get_data_length(); ++i) {
    const std::uint64_t at = payload.get_address() + i;
    if (at >= offset && at - offset < sizeof(found.value)) {
      found.reached |= 0xffU << (8 * (at - offset));
      found.value |= std::uint32_t{payload.get_data_ptr()[i]} << (8 * (at - offset));
    }
  }
  return found;
}

}  // namespace

FaultyBus::FaultyBus(const sc_core::sc_module_name& name, unsigned vectors, FaultRules& rules, Timers& timers)
    : sc_core::sc_module(name),
      mmio("mmio"),
      card_mmio("card_mmio"),
      card_dma("card_dma"),
      dma("dma"),
      card_irq("card_irq", vectors),
      irq("irq", vectors),
      rules_(rules),
      timers_(timers),
      lines_(vectors),
      stall_ended_("stall_ended"),
      step_("step"),
      late_("late") {
  mmio.register_b_transport(this, &FaultyBus::mmio_transport);
  mmio.register_transport_dbg(this, &FaultyBus::mmio_debug);
  card_dma.register_b_transport(this, &FaultyBus::dma_transport);
  card_dma.register_get_direct_mem_ptr(this, &FaultyBus::dma_direct);
  card_dma.register_transport_dbg(this, &FaultyBus::dma_debug);
  dma.register_invalidate_direct_mem_ptr(this, &FaultyBus::invalidate);
  sc_core::sc_spawn_options options;
  options.spawn_method();
  options.set_sensitivity(&step_);
  for (unsigned vector = 0; vector < vectors; ++vector) {
    options.set_sensitivity(&card_irq[vector]);
  }
  sc_core::sc_spawn([this] { drive_lines(); }, "drive_lines", &options);
  sc_core::sc_spawn([this] { write_late(); }, "write_late");
}

void FaultyBus::tell(std::string_view event, const FaultRules::Firing& firing, const Transaction& transaction,
                     std::string_view how) {
  if (injected_) {
    injected_(
        {.event = event, .rule = firing.number, .fault = firing.rule.fault, .transaction = transaction, .how = how});
  }
}

// ---- rules and commands

void FaultyBus::rules_changed() {
  dma_faulty_ = rules_.look_at(kDmaKinds);
  registers_faulty_ = rules_.look_at(kRegisterKinds);
  if (dma_faulty_) {
    card_dma->invalidate_direct_mem_ptr(0, std::numeric_limits<std::uint64_t>::max());
  }
  const auto gone = [this](unsigned number) {
    return number != 0 &&
           std::ranges::find(rules_.entries(), number, &FaultRules::Entry::number) == rules_.entries().end();
  };
  end_stalls([&](const Stall& stall) { return gone(stall.rule); }, "cleared", false);
  armed_.remove_if([&](const Armed& armed) { return gone(armed.firing.number); });
}

unsigned FaultyBus::release(std::optional<unsigned> rule) {
  return end_stalls([&](const Stall& stall) { return stall.rule != 0 && (!rule || stall.rule == *rule); }, "released",
                    false);
}

void FaultyBus::reset() {
  end_stalls([](const Stall& stall) { return stall.survives < Survives::kFunctionReset; }, "function-reset", true);
  for (Stall& stall : stalls_) {
    stall.cancelled = true;
  }
  take_armed([this](const Armed& armed) {
    const std::uint32_t now = status(static_cast<unsigned>(armed.transaction.channel));
    return armed.stopped || (now & (regs::BmStatus::kActive | regs::BmStatus::kError)) != 0;
  });
  armed_.clear();
}

void FaultyBus::raise(unsigned vector) {
  lines_[vector].toggles += 2;
  step_.notify(sc_core::SC_ZERO_TIME);
}

void FaultyBus::set_presence(Presence presence) {
  if (presence_ == Presence::kRemoved || presence_ == presence) {
    return;
  }
  timers_.cancel(back_);
  presence_ = presence;
  if (presence_changed_) {
    presence_changed_(presence);
  }
  if (presence == Presence::kPresent) {
    end_stalls([](const Stall& stall) { return stall.rule == 0; }, "back", false);
  } else {
    card_dma->invalidate_direct_mem_ptr(0, std::numeric_limits<std::uint64_t>::max());
  }
  step_.notify(sc_core::SC_ZERO_TIME);
}

/// What can befall a transaction of any kind.
void FaultyBus::befall_anything(const FaultRules::Firing& firing, const Transaction& transaction) {
  const FaultRule& rule = firing.rule;
  if (rule.fault == FaultKind::kSpurious) {
    timers_.after(in_milliseconds(rule.delay_ms), [this, vector = rule.interrupt] { raise(vector); });
  } else if (rule.fault == FaultKind::kRemoval) {
    set_presence(Presence::kRemoved);
  } else if (rule.fault == FaultKind::kAllOnes) {
    set_presence(Presence::kAllOnes);
    if (rule.for_ms) {
      back_ = timers_.after(in_milliseconds(*rule.for_ms), [this, firing, transaction] {
        tell("ended", firing, transaction, "time");
        set_presence(Presence::kPresent);
      });
    }
  }
}

std::optional<std::uint64_t> FaultyBus::shorten(unsigned channel, const Position& at, const Region& region,
                                                bool to_host) {
  const Transaction descriptor{.kind = to_host ? TransactionKind::kDmaWrite : TransactionKind::kDmaRead,
                               .channel = static_cast<int>(channel),
                               .prd_index = at.prd_index(),
                               .prd_last = at.prd_index(),
                               .address = region.base,
                               .bytes = region.bytes};
  const auto firing = rules_.decide_short(descriptor);
  if (!firing) {
    return std::nullopt;
  }
  tell("fired", *firing, descriptor);
  return firing->rule.bytes;
}

// ---- registers

void FaultyBus::mmio_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (registers_faulty_ && befall_register(payload)) {
    return;
  }
  if (payload.is_write() && (!stalls_.empty() || !armed_.empty())) {
    std::array<bool, limits::kChannels> active{};
    for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
      active[channel] = (status(channel) & regs::BmStatus::kActive) != 0;
    }
    card_mmio->b_transport(payload, delay);
    watch_writes(payload, active);
    return;
  }
  card_mmio->b_transport(payload, delay);
  if (payload.is_read() && !armed_.empty()) {
    watch_status(payload);
  }
}

/// True when the card does not see the access.
bool FaultyBus::befall_register(tlm::tlm_generic_payload& payload) {
  const Transaction transaction = describe_register(payload);
  bool lost = false;
  for (const FaultRules::Firing& firing : rules_.decide(transaction)) {
    tell("fired", firing, transaction);
    if (firing.rule.fault == FaultKind::kAbort) {
      payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
      return true;
    }
    befall_anything(firing, transaction);
    lost = firing.rule.fault == FaultKind::kDrop || presence_ != Presence::kPresent;
  }
  if (lost) {
    if (payload.is_read()) {
      std::ranges::fill(data_of(payload), std::uint8_t{0xff});
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }
  return lost;
}

/// Stops and resets of channels that were active, and new starts, of the queue too.
void FaultyBus::watch_writes(const tlm::tlm_generic_payload& payload,
                             const std::array<bool, limits::kChannels>& active) {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    const Written command = written(payload, regs::BmCommand::at(channel));
    if ((written(payload, regs::Control::at(channel)).value & regs::Control::kReset) != 0) {
      channel_ended(channel, active[channel], Survives::kChannelReset, "channel-reset");
    } else if ((command.reached & ~command.value & regs::BmCommand::kStart) != 0) {
      channel_ended(channel, active[channel], Survives::kStop, "stop");
    } else if (!active[channel] && ((command.value & regs::BmCommand::kStart) != 0 ||
                                    written(payload, regs::QueueTail::at(channel)).reached != 0)) {
      armed_.remove_if([&](const Armed& armed) { return armed.transaction.channel == static_cast<int>(channel); });
    }
  }
}

void FaultyBus::channel_ended(unsigned channel, bool was_active, Survives level, std::string_view how) {
  const int number = static_cast<int>(channel);
  end_stalls([&](const Stall& stall) { return stall.transaction.channel == number && stall.survives < level; }, how,
             true);
  for (Armed& armed : armed_) {
    armed.stopped = armed.stopped || (was_active && armed.transaction.channel == number);
  }
}

/// Whoever was told that a channel is idle, after a stop or with an error, may reuse the memory.
void FaultyBus::watch_status(const tlm::tlm_generic_payload& payload) {
  take_armed([&](const Armed& armed) {
    const auto channel = static_cast<unsigned>(armed.transaction.channel);
    const std::uint32_t now = status(channel);
    return (written(payload, regs::BmStatus::at(channel)).reached & regs::BmStatus::kActive) != 0 &&
           (now & regs::BmStatus::kActive) == 0 && (armed.stopped || (now & regs::BmStatus::kError) != 0);
  });
}

/// An interrupt tells as much.
void FaultyBus::watch_errors() {
  take_armed([&](const Armed& armed) {
    const std::uint32_t now = status(static_cast<unsigned>(armed.transaction.channel));
    return (now & regs::BmStatus::kActive) == 0 && (now & regs::BmStatus::kError) != 0;
  });
}

/// BM_STATUS, looked at without a transaction.
std::uint32_t FaultyBus::status(unsigned channel) {
  std::uint8_t value = 0;
  tlm::tlm_generic_payload payload;
  payload.set_read();
  payload.set_address(regs::BmStatus::at(channel));
  payload.set_data_ptr(&value);
  payload.set_data_length(sizeof(value));
  payload.set_streaming_width(sizeof(value));
  (void)card_mmio->transport_dbg(payload);
  return value;
}

// ---- DMA

void FaultyBus::dma_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if ((dma_faulty_ || presence_ != Presence::kPresent) && befall_dma(payload)) {
    return;
  }
  dma->b_transport(payload, delay);
}

/// True when the transaction has its response already.
bool FaultyBus::befall_dma(tlm::tlm_generic_payload& payload) {
  const Transaction transaction = describe_dma(payload);
  for (const FaultRules::Firing& firing : rules_.decide(transaction)) {
    tell("fired", firing, transaction);
    switch (firing.rule.fault) {
      case FaultKind::kAbort:
        payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
        return true;
      case FaultKind::kDrop:
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        return true;
      case FaultKind::kStall:
        if (!stall(firing, transaction)) {
          payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
          return true;
        }
        break;
      case FaultKind::kWriteAfterAbort:
        armed_.remove_if([&](const Armed& armed) {
          return armed.firing.number == firing.number && armed.transaction.channel == transaction.channel;
        });
        armed_.push_back({.firing = firing, .transaction = transaction});
        break;
      default:
        befall_anything(firing, transaction);
    }
  }
  // A card that is gone waits: until it is back, or the function is reset.
  const FaultRules::Firing gone{
      .number = 0,
      .rule = {.fault = presence_ == Presence::kRemoved ? FaultKind::kRemoval : FaultKind::kAllOnes,
               .survives = Survives::kChannelReset}};
  if (presence_ != Presence::kPresent && !stall(gone, transaction)) {
    payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    return true;
  }
  return false;
}

bool FaultyBus::dma_direct(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& direct) {
  direct.init();
  return !dma_faulty_ && presence_ == Presence::kPresent && dma->get_direct_mem_ptr(payload, direct);
}

unsigned FaultyBus::dma_debug(tlm::tlm_generic_payload& payload) {
  return presence_ == Presence::kPresent ? dma->transport_dbg(payload) : 0;
}

/// Suspends the calling process until somebody ends it. False when the transaction is not to take place any more.
bool FaultyBus::stall(const FaultRules::Firing& firing, const Transaction& transaction) {
  Stall& here = stalls_.emplace_back(Stall{.id = ++last_stall_,
                                           .rule = firing.number,
                                           .fault = firing.rule.fault,
                                           .transaction = transaction,
                                           .survives = firing.rule.survives});
  if (firing.rule.for_ms) {
    here.timer = timers_.after(in_milliseconds(*firing.rule.for_ms), [this, id = here.id] {
      end_stalls([id](const Stall& stall) { return stall.id == id; }, "time", false);
    });
  }
  while (here.ended_by.empty()) {
    sc_core::wait(stall_ended_);
  }
  timers_.cancel(here.timer);
  const bool proceeds = !here.cancelled;
  stalls_.remove_if([id = here.id](const Stall& stall) { return stall.id == id; });
  return proceeds;
}

template <typename Wanted>
unsigned FaultyBus::end_stalls(Wanted wanted, std::string_view how, bool cancel) {
  unsigned ended = 0;
  for (Stall& stall : stalls_) {
    if (stall.ended_by.empty() && wanted(stall)) {
      stall.ended_by = how;
      stall.cancelled = stall.cancelled || cancel;
      ++ended;
      tell("ended", {.number = stall.rule, .rule = {.fault = stall.fault}}, stall.transaction, how);
    }
  }
  if (ended != 0) {
    stall_ended_.notify(sc_core::SC_ZERO_TIME);
  }
  return ended;
}

/// Those that are due write, after their delay.
template <typename Due>
void FaultyBus::take_armed(Due due) {
  for (auto armed = armed_.begin(); armed != armed_.end();) {
    if (!due(*armed)) {
      ++armed;
      continue;
    }
    const LateWrite write{.firing = armed->firing, .transaction = armed->transaction};
    armed = armed_.erase(armed);
    timers_.after(in_milliseconds(write.firing.rule.delay_ms), [this, write] {
      late_writes_.push_back(write);
      late_.notify(sc_core::SC_ZERO_TIME);
    });
  }
}

/// The process that writes what no card should.
void FaultyBus::write_late() {
  for (;;) {
    while (late_writes_.empty()) {
      sc_core::wait(late_);
    }
    const LateWrite write = late_writes_.front();
    late_writes_.pop_front();
    const std::uint64_t bytes = std::min(write.firing.rule.bytes, write.transaction.bytes);
    std::vector<std::uint8_t> data(bytes, kLateByte);
    DmaOrigin origin(static_cast<unsigned>(write.transaction.channel), DmaPurpose::kOver, write.transaction.prd_index);
    tlm::tlm_generic_payload payload;
    payload.set_write();
    payload.set_address(write.transaction.address);
    payload.set_data_ptr(data.data());
    payload.set_data_length(static_cast<unsigned>(bytes));
    payload.set_streaming_width(static_cast<unsigned>(bytes));
    payload.set_extension(&origin);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    dma->b_transport(payload, delay);
    payload.clear_extension(&origin);
    tell("written", write.firing, write.transaction, payload.is_response_ok() ? "taken" : "refused");
  }
}

}  // namespace prd32
