// SPDX-License-Identifier: Apache-2.0
#include "prd32/card.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace prd32 {

namespace {

constexpr std::uint64_t kPageBytes = 4096;

/// Refuses an impossible configuration before anything of the module exists: SystemC 3 calls back, at elaboration, what
/// was built before it, whether or not it still exists.
const sc_core::sc_module_name& unless_refused(const sc_core::sc_module_name& name, const CardConfig& config) {
  if (const auto reason = refusal(config)) {
    throw std::invalid_argument(*reason);
  }
  return name;
}

}  // namespace

std::optional<std::string> refusal(const CardConfig& config) {
  const std::uint64_t size = config.memory_size;
  if (size < limits::kMemoryMin || size > limits::kMemoryMax || size % kPageBytes != 0) {
    return fmt::format("card memory of {} bytes: must be {}..{} bytes, a multiple of {}", size, limits::kMemoryMin,
                       limits::kMemoryMax, kPageBytes);
  }
  if (auto reason = refusal(config.profile)) {
    return reason;
  }
  return refusal(config.timing);
}

Card::Card(const sc_core::sc_module_name& name, const CardConfig& config, ViolationLog& log)
    : sc_module(unless_refused(name, config)),
      mmio("mmio"),
      window("window"),
      dma("dma"),
      irq("irq", vectors::kCount),
      config_(config),
      log_(log),
      memory_(config.memory_size),
      bus_(dma),
      link_(config.timing.link ? std::optional<Link>(std::in_place, *config.timing.link) : std::nullopt),
      status_changed_("status_changed"),
      channels_("channel", limits::kChannels, [this](const char* channel_name, std::size_t number) {
        return new Channel(channel_name, static_cast<unsigned>(number),
                           {.registers = registers_,
                            .profile = config_.profile,
                            .bus = bus_,
                            .memory = memory_,
                            .loopback = loopback_,
                            .arbiter = arbiter_,
                            .log = log_,
                            .statistics = statistics_,
                            .timing = config_.timing,
                            .link = link_ ? &*link_ : nullptr,
                            .early_end = early_end_,
                            .status_changed = [this] { status_changed_.notify(sc_core::SC_ZERO_TIME); }});
      }) {
  mmio.register_b_transport(this, &Card::transport);
  mmio.register_transport_dbg(this, &Card::debug_transport);
  window.register_b_transport(this, &Card::window_transport);
  window.register_transport_dbg(this, &Card::window_debug);
  window.register_get_direct_mem_ptr(this, &Card::window_direct);
  dma.register_invalidate_direct_mem_ptr(this, &Card::invalidate);
  attach_hooks();
  set_capabilities();
  // One process drives every line, because a signal takes one writer, and causes come from both channels and from mmio.
  sc_core::sc_spawn_options options;
  options.spawn_method();
  options.set_sensitivity(&status_changed_);
  sc_core::sc_spawn([this] { drive_lines(); }, "drive_lines", &options);
}

void Card::set_capabilities() {
  using regs::Caps;
  const Profile& profile = config_.profile;
  registers_.set_reset(regs::MemSize::kOffset, static_cast<std::uint32_t>(config_.memory_size));
  registers_.set_reset(Caps::kOffset,
                       regs::field_put<std::uint32_t>(Caps::kChannels, limits::kChannels) |
                           regs::field_put(Caps::kGranuleLog2, profile.granule_log2) |
                           regs::field_put(Caps::kEntriesLog2, profile.entries_log2) |
                           (profile.cyclic ? Caps::kCyclic : 0) | (profile.writeback ? Caps::kWriteback : 0) |
                           (profile.endpoints ? Caps::kEndpoints : 0) | (profile.queue ? Caps::kQueue : 0) |
                           regs::field_put(Caps::kPrdtAlignLog2, profile.prdt_align_log2) |
                           (mode_of(profile, regs::Err::kPrdZero) == regs::Mode::kOff ? 0 : Caps::kZeroRefused));
}

void Card::reset() {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    channels_[channel].reset();
  }
  loopback_.clear();
  registers_.reset();
  status_changed_.notify(sc_core::SC_ZERO_TIME);
}

std::vector<unsigned> Card::active_channels() const {
  std::vector<unsigned> active;
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    if (channels_[channel].active()) {
      active.push_back(channel);
    }
  }
  return active;
}

void Card::invalidate(sc_dt::uint64 first, sc_dt::uint64 last) {
  bus_.invalidate(first, last);
}

void Card::attach_hooks() {
  using Write = RegisterFile::Write;
  registers_.on_write(regs::BmCommand::kName, [this](const Write& write) { return command_written(write); });
  registers_.on_write(regs::Control::kName, [this](const Write& write) { return control_written(write); });
  using regs::Err;
  lock_while_active(regs::BmPrdt::kName, Err::kPrdtActive, regs::BmPrdt::at);
  lock_while_active(regs::CardAddr::kName, Err::kCardAddrActive, regs::CardAddr::at);
  lock_while_active(regs::Length::kName, Err::kLengthActive, regs::Length::at);
  lock_while_active(regs::Entries::kName, Err::kSetupActive, regs::Entries::at);
  lock_while_active(regs::WritebackAddr::kName, Err::kSetupActive, regs::WritebackAddr::at);
  lock_while_active(regs::Pattern::kName, Err::kSetupActive, regs::Pattern::at);
  lock_while_active(regs::PatternSeed::kName, Err::kSetupActive, regs::PatternSeed::at);
  lock_while_active(regs::PatternRate::kName, Err::kSetupActive, regs::PatternRate::at);
  lock_while_active(regs::PatternFifo::kName, Err::kSetupActive, regs::PatternFifo::at);
  lock_while_active(regs::QueueBase::kName, Err::kSetupActive, regs::QueueBase::at);
  lock_while_active(regs::QueueSize::kName, Err::kSetupActive, regs::QueueSize::at);
  registers_.on_write(regs::QueueTail::kName, [this](const Write& write) { return tail_written(write); });
  registers_.on_write(regs::QueueSeen::kName, [this](const Write& write) { return seen_written(write); });
  const auto update_lines = [this](const Write& write) {
    status_changed_.notify(sc_core::SC_ZERO_TIME);
    return write.after;
  };
  registers_.on_write(regs::BmStatus::kName, update_lines);
  registers_.on_write(regs::IrqEnable::kName, update_lines);
  // A cause is the same flop as a bit of BM_STATUS, so it lives only there.
  registers_.on_read(regs::IrqCause::kName, [this](unsigned) { return cause(); });
  registers_.on_write(regs::IrqCause::kName, [this, update_lines](const Write& write) {
    set_cause(write.after);
    return update_lines(write);
  });
}

std::uint32_t Card::command_written(const RegisterFile::Write& write) {
  Channel& channel = channels_[write.instance];
  if (!channel.active()) {
    if ((write.after & regs::BmCommand::kStart) != 0) {
      channel.start((write.after & regs::BmCommand::kToHost) != 0);
    }
    return write.after;
  }
  if ((write.written & regs::BmCommand::kStart) == 0) {
    channel.stop();
    return write.before & ~regs::BmCommand::kStart;  // the direction stays that of the transfer that was stopped
  }
  if (written_while_active(write, regs::Err::kStartActive, regs::BmCommand::at(write.instance)) ==
      regs::Mode::kSilicon) {
    channel.drop();
    channel.start((write.written & regs::BmCommand::kToHost) != 0);
    return write.after;
  }
  return write.before;
}

/// The doorbell.
std::uint32_t Card::tail_written(const RegisterFile::Write& write) {
  Channel& channel = channels_[write.instance];
  if (!config_.profile.queue || channel.queue().halted() || channel.queue_runs()) {
    return write.after;
  }
  if (channel.active()) {
    return unless_active(write, regs::Err::kSetupActive, regs::QueueTail::at(write.instance));
  }
  if (write.after != registers_.get(regs::QueueHead::at(write.instance))) {
    channel.ring();
  }
  return write.after;
}

std::uint32_t Card::control_written(const RegisterFile::Write& write) {
  using regs::Control;
  const Profile& profile = config_.profile;
  const std::uint32_t present = (profile.cyclic ? Control::kCyclic : 0) |
                                (profile.writeback ? Control::kWriteback : 0) |
                                (profile.endpoints ? Control::kEndpoint : 0);
  if ((write.written & Control::kReset) != 0) {
    reset_channel(write.instance);
    return write.written & present;
  }
  return unless_active(write, regs::Err::kSetupActive, Control::at(write.instance)) & present;
}

std::uint32_t Card::seen_written(const RegisterFile::Write& write) {
  if (config_.profile.queue) {
    const unsigned channel = write.instance;
    const std::uint32_t offset = regs::BmStatus::at(channel);
    const bool again = channels_[channel].seen(write.after);
    registers_.set(offset,
                   (registers_.get(offset) & ~regs::BmStatus::kInterrupt) | (again ? regs::BmStatus::kInterrupt : 0));
    falls_[channel] = true;  // also when the engine sets it again before the line has followed
    status_changed_.notify(sc_core::SC_ZERO_TIME);
  }
  return write.after;
}

void Card::reset_channel(unsigned channel) {
  channels_[channel].stop();
  const bool active = channels_[channel].active();
  registers_.reset_instance(channel);
  registers_.set(regs::BmStatus::at(channel), active ? regs::BmStatus::kActive : 0);
  loopback_.clear();
  status_changed_.notify(sc_core::SC_ZERO_TIME);
}

void Card::lock_while_active(std::string_view name, regs::Err code, std::uint32_t (*offset)(unsigned)) {
  registers_.on_write(name, [this, code, offset](const RegisterFile::Write& write) {
    return unless_active(write, code, offset(write.instance));
  });
}

std::uint32_t Card::unless_active(const RegisterFile::Write& write, regs::Err code, std::uint32_t offset) {
  if (!channels_[write.instance].active() || written_while_active(write, code, offset) == regs::Mode::kSilicon) {
    return write.after;
  }
  return write.before;
}

regs::Mode Card::written_while_active(const RegisterFile::Write& write, regs::Err code, std::uint32_t offset) {
  Channel& channel = channels_[write.instance];
  const Fault fault{.code = code, .address = offset};
  const regs::Mode mode = channel.breaches().note(fault, [&] {
    return fmt::format("{:#x} was written at {:#x} while channel {} was active", write.written, offset, write.instance);
  });
  if (mode == regs::Mode::kError) {
    channel.fail(fault);
  }
  return mode;
}

std::uint32_t Card::cause() const {
  std::uint32_t cause = 0;
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    const std::uint32_t status = registers_.get(regs::BmStatus::at(channel));
    cause |= (status & regs::BmStatus::kInterrupt) != 0 ? regs::IrqCause::kCh0 << channel : 0;
    cause |= (status & regs::BmStatus::kError) != 0 ? regs::IrqCause::kErr0 << channel : 0;
  }
  return cause;
}

void Card::set_cause(std::uint32_t cause) {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    std::uint32_t status = registers_.get(regs::BmStatus::at(channel)) & regs::BmStatus::kActive;
    status |= (cause & regs::IrqCause::kCh0 << channel) != 0 ? regs::BmStatus::kInterrupt : 0;
    status |= (cause & regs::IrqCause::kErr0 << channel) != 0 ? regs::BmStatus::kError : 0;
    registers_.set(regs::BmStatus::at(channel), status);
  }
}

void Card::drive_lines() {
  const std::uint32_t pending = cause() & registers_.get(regs::IrqEnable::kOffset);
  std::array<bool, vectors::kCount> level{};
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    const bool falls = std::exchange(falls_[channel], false);
    if (falls) {
      status_changed_.notify(sc_core::SC_ZERO_TIME);
    }
    level[vectors::kCh0 + channel] = !falls && (pending & regs::IrqCause::kCh0 << channel) != 0;
    level[vectors::kError] = level[vectors::kError] || (pending & regs::IrqCause::kErr0 << channel) != 0;
  }
  for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
    statistics_.interrupts[vector] += level[vector] && !lines_[vector] ? 1 : 0;
    irq[vector].write(level[vector]);
  }
  lines_ = level;
}

void Card::trace(sc_core::sc_trace_file* file) const {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    sc_core::sc_trace(file, channels_[channel].state(), fmt::format("{}.channel_{}.state", name(), channel));
  }
  for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
    sc_core::sc_trace(file, lines_[vector], fmt::format("{}.irq_{}", name(), vector));
  }
  registers_.trace(file, name());
}

}  // namespace prd32
