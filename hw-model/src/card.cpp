// SPDX-License-Identifier: Apache-2.0
#include "prd32/card.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace prd32 {

namespace {

constexpr std::uint64_t kPageBytes = 4096;
constexpr unsigned kMaxGranuleLog2 = 12;

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
  if (config.granule_log2 > kMaxGranuleLog2) {
    return fmt::format("a granule of 2 to the power of {}: must be 0..{}", config.granule_log2, kMaxGranuleLog2);
  }
  if (config.timing.start <= sc_core::SC_ZERO_TIME || !(config.timing.bytes_per_ns > 0)) {
    return "the engine's start time and speed must be positive";
  }
  return std::nullopt;
}

Card::Card(const sc_core::sc_module_name& name, const CardConfig& config, ViolationLog& log)
    : sc_module(unless_refused(name, config)),
      mmio("mmio"),
      dma("dma"),
      irq("irq", vectors::kCount),
      config_(config),
      log_(log),
      rules_(config.granule_log2, config.memory_size),
      memory_(config.memory_size),
      bus_(dma),
      status_changed_("status_changed"),
      channels_("channel", limits::kChannels, [this](const char* channel_name, std::size_t number) {
        return new Channel(channel_name, static_cast<unsigned>(number),
                           {.registers = registers_,
                            .rules = rules_,
                            .bus = bus_,
                            .memory = memory_,
                            .log = log_,
                            .statistics = statistics_,
                            .timing = config_.timing,
                            .status_changed = [this] { status_changed_.notify(sc_core::SC_ZERO_TIME); }});
      }) {
  mmio.register_b_transport(this, &Card::transport);
  dma.register_invalidate_direct_mem_ptr(this, &Card::invalidate);
  attach_hooks();
  registers_.set_reset(regs::MemSize::kOffset, static_cast<std::uint32_t>(config.memory_size));
  registers_.set_reset(regs::Caps::kOffset, (registers_.get(regs::Caps::kOffset) & ~regs::Caps::kGranuleLog2) |
                                                regs::field_put(regs::Caps::kGranuleLog2, config.granule_log2));
  // One process drives every line, because a signal takes one writer, and causes come from both channels and from mmio.
  sc_core::sc_spawn_options options;
  options.spawn_method();
  options.set_sensitivity(&status_changed_);
  sc_core::sc_spawn([this] { drive_lines(); }, "drive_lines", &options);
}

void Card::reset() {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    channels_[channel].reset();
  }
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

void Card::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& /*delay*/) {
  if (payload.get_byte_enable_ptr() != nullptr) {
    payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    return;
  }
  const std::span data(payload.get_data_ptr(), payload.get_data_length());
  auto result = RegisterFile::Result::kMalformed;
  if (payload.get_streaming_width() < data.size()) {
    result = RegisterFile::Result::kMalformed;
  } else if (payload.is_read()) {
    result = registers_.read(payload.get_address(), data);
  } else if (payload.is_write()) {
    result = registers_.write(payload.get_address(), data);
  } else {
    payload.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
    return;
  }
  switch (result) {
    case RegisterFile::Result::kOk:
      payload.set_response_status(tlm::TLM_OK_RESPONSE);
      break;
    case RegisterFile::Result::kMalformed:
      payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
      break;
    case RegisterFile::Result::kOutside:
      payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      break;
  }
}

void Card::invalidate(sc_dt::uint64 first, sc_dt::uint64 last) {
  bus_.invalidate(first, last);
}

void Card::attach_hooks() {
  using Write = RegisterFile::Write;
  registers_.on_write(regs::BmCommand::kName, [this](const Write& write) { return command_written(write); });
  registers_.on_write(regs::BmPrdt::kName, [this](const Write& write) {
    return unless_active(write, regs::warnings::kPrdtActive, regs::BmPrdt::at(write.instance));
  });
  registers_.on_write(regs::CardAddr::kName, [this](const Write& write) {
    return unless_active(write, regs::warnings::kCardAddrActive, regs::CardAddr::at(write.instance));
  });
  registers_.on_write(regs::Length::kName, [this](const Write& write) {
    return unless_active(write, regs::warnings::kLengthActive, regs::Length::at(write.instance));
  });
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
  if (channel.active()) {
    if ((write.written & regs::BmCommand::kStart) != 0) {
      warn(regs::warnings::kStartActive, write.instance, regs::BmCommand::at(write.instance), write.written);
      return write.before;
    }
    channel.stop();
    return write.before & ~regs::BmCommand::kStart;  // the direction stays that of the transfer that was stopped
  }
  if ((write.after & regs::BmCommand::kStart) != 0) {
    channel.start((write.after & regs::BmCommand::kToHost) != 0);
  }
  return write.after;
}

std::uint32_t Card::unless_active(const RegisterFile::Write& write, std::string_view rule, std::uint32_t offset) {
  if (!channels_[write.instance].active()) {
    return write.after;
  }
  warn(rule, write.instance, offset, write.written);
  return write.before;
}

void Card::warn(std::string_view rule, unsigned channel, std::uint32_t offset, std::uint32_t value) {
  log_.record(
      {.rule = rule,
       .severity = severity::kWarning,
       .channel = static_cast<int>(channel),
       .address = offset,
       .detail = fmt::format("{:#x} was written at {:#x} while channel {} was active", value, offset, channel)});
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
    level[vectors::kCh0 + channel] = (pending & regs::IrqCause::kCh0 << channel) != 0;
    level[vectors::kError] = level[vectors::kError] || (pending & regs::IrqCause::kErr0 << channel) != 0;
  }
  for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
    statistics_.interrupts[vector] += level[vector] && !lines_[vector] ? 1 : 0;
    irq[vector].write(level[vector]);
  }
  lines_ = level;
}

}  // namespace prd32
