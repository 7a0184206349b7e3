// SPDX-License-Identifier: Apache-2.0
#include "station.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace prd32::fuzz {

namespace {

constexpr unsigned kByteBits = 8;
constexpr unsigned kWord = 4;

/// For each byte of the address space, the bits that are not reserved.
constexpr auto kReadable = [] {
  std::array<std::uint8_t, regs::kAddressSpace> bits{};
  for (const regs::Register& reg : regs::kTable) {
    for (unsigned byte = 0; byte < reg.bytes; ++byte) {
      bits[reg.offset + byte] = static_cast<std::uint8_t>((reg.rw | reg.ro | reg.w1c) >> (kByteBits * byte));
    }
  }
  return bits;
}();

/// What the card must answer to an access of that size there.
tlm::tlm_response_status answer_to(std::uint64_t offset, std::size_t bytes) {
  if (bytes > kWord || !std::has_single_bit(bytes) || offset % bytes != 0) {
    return tlm::TLM_BURST_ERROR_RESPONSE;
  }
  return offset < regs::kAddressSpace ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE;
}

void fill(tlm::tlm_generic_payload& payload, tlm::tlm_command command, std::uint64_t address,
          std::span<std::uint8_t> data) {
  payload.set_command(command);
  payload.set_address(address);
  payload.set_data_ptr(data.data());
  payload.set_data_length(static_cast<unsigned>(data.size()));
  payload.set_streaming_width(static_cast<unsigned>(data.size()));
  payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
}

}  // namespace

void Station::Log::record(const Violation& violation) {
  station_.complaints_.tell([&] {
    return fmt::format("channel {}: {} ({}) at descriptor {}: {}", violation.channel, violation.rule,
                       violation.severity, violation.prd_index, violation.detail);
  });
  if (violation.detail.empty()) {
    station_.complain("a violation without a detail");
  }
  station_.witness_.recorded(violation.rule, violation.severity == severity::kError, violation.channel);
}

Station::Station(const sc_core::sc_module_name& name, const CardConfig& config, const Profile& witnessed)
    : sc_module(name),
      profile_(config.profile),
      witnessed_(witnessed),
      host_("host", {.begins = [this](bool write, std::uint64_t address,
                                      std::uint64_t bytes) { witness_.begins(write, address, bytes); },
                     .was_read = [this](std::uint64_t address, std::span<const std::uint8_t> data,
                                        bool ok) { witness_.was_read(address, data, ok); },
                     .was_peeked = [this](std::uint64_t address,
                                          std::span<const std::uint8_t> data) { witness_.was_peeked(address, data); }}),
      card_("card", config, log_),
      witness_(
          {.profile = witnessed_,
           .memory_size = config.memory_size,
           .complaints = complaints_,
           .progress = [this](unsigned channel) { return progress(channel); },
           .unseen = [this](std::uint64_t address, std::uint64_t bytes) { return host_.is_direct(address, bytes); }}),
      cpu_("cpu"),
      window_("window"),
      lines_("lines", vectors::kCount) {
  cpu_.bind(card_.mmio);
  window_.bind(card_.window);
  card_.dma.bind(host_.socket);
  card_.irq.bind(lines_);
}

void Station::set_habits(const BusHabits& habits) {
  habits_ = habits;
  host_.set_habits(habits);
}

void Station::map(std::uint64_t address, std::uint64_t bytes, bool writable, bool direct) {
  witness_.memory_changes();
  host_.map(address, bytes, writable, direct);
}

void Station::unmap(std::size_t number) {
  witness_.memory_changes();
  host_.unmap(number);
}

void Station::look(std::uint64_t offset, std::span<std::uint8_t> data) {
  fill(look_, tlm::TLM_READ_COMMAND, offset, data);
  const unsigned done = cpu_->transport_dbg(look_);
  if (done > data.size()) {
    complain(fmt::format("a debug access of {} bytes brought {}", data.size(), done));
    return;
  }
  check_reserved(offset, data.first(done));
}

std::uint32_t Station::read(std::uint32_t offset) {
  std::array<std::uint8_t, kWord> data{};
  look(offset, data);
  return data[0] | std::uint32_t{data[1]} << 8U | std::uint32_t{data[2]} << 16U | std::uint32_t{data[3]} << 24U;
}

Progress Station::progress(unsigned channel) {
  return {.active = (read(regs::BmStatus::at(channel)) & regs::BmStatus::kActive) != 0,
          .prds = read(regs::Prds::at(channel)),
          .moved = read(regs::Moved::at(channel))};
}

Setup Station::setup(unsigned channel) {
  using regs::Control;
  const std::uint32_t control = read(Control::at(channel));
  return {.table = read(regs::BmPrdt::at(channel)),
          .card_address = read(regs::CardAddr::at(channel)),
          .length = read(regs::Length::at(channel)),
          .writeback = read(regs::WritebackAddr::at(channel)),
          .endpoint = static_cast<regs::Endpoint>(regs::field_get(Control::kEndpoint, control)),
          .to_host = (read(regs::BmCommand::at(channel)) & regs::BmCommand::kToHost) != 0,
          .cyclic = (control & Control::kCyclic) != 0,
          .write_back = (control & Control::kWriteback) != 0};
}

void Station::check_reserved(std::uint64_t offset, std::span<const std::uint8_t> data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    if ((data[i] & ~kReadable.at(offset + i)) != 0) {
      complain(fmt::format("reserved bits read {:#x} at {:#x}", data[i], offset + i));
    }
  }
}

void Station::access(tlm::tlm_command command, std::uint64_t offset, std::span<std::uint8_t> data) {
  std::array<bool, limits::kChannels> were_active{};
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    were_active.at(channel) = progress(channel).active;
  }
  tlm::tlm_generic_payload payload;
  fill(payload, command, offset, data);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  cpu_->b_transport(payload, delay);
  complaints_.tell([&] {
    return fmt::format("{} {} bytes at {:#x}: {:02x}, {}", payload.is_write() ? "write" : "read", data.size(), offset,
                       fmt::join(data, " "), payload.get_response_string());
  });
  if (payload.get_response_status() != answer_to(offset, data.size())) {
    complain(fmt::format("an access of {} bytes at {:#x} was answered with {}", data.size(), offset,
                         payload.get_response_string()));
    return;
  }
  if (payload.is_response_ok()) {
    if (payload.is_write()) {
      note_commands(offset, data, were_active);
    } else {
      check_reserved(offset, data);
    }
  }
  check_invariants();
}

void Station::write(std::uint32_t offset, std::uint32_t value, unsigned bytes) {
  std::array<std::uint8_t, kWord> data{static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8U),
                                       static_cast<std::uint8_t>(value >> 16U),
                                       static_cast<std::uint8_t>(value >> 24U)};
  access(tlm::TLM_WRITE_COMMAND, offset, std::span(data).first(bytes));
}

/// What a write meant to the channels.
void Station::note_commands(std::uint64_t offset, std::span<const std::uint8_t> data,
                            const std::array<bool, limits::kChannels>& were_active) {
  const auto written = [&](std::uint32_t place) -> std::optional<std::uint8_t> {
    const bool reached = offset <= place && place - offset < data.size();
    return reached ? std::optional(data[place - offset]) : std::nullopt;
  };
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    const auto control = written(regs::Control::at(channel));
    if (control && (*control & regs::Control::kReset) != 0) {
      witness_.ended(channel);
    }
    const auto command = written(regs::BmCommand::at(channel));
    if (!command) {
      if (!were_active.at(channel) && progress(channel).active) {
        witness_.queue_began(channel);  // nothing but a doorbell does that
      }
      continue;
    }
    const bool start = (*command & regs::BmCommand::kStart) != 0;
    if (start && (!were_active.at(channel) ||
                  witnessed_.modes.at(static_cast<std::size_t>(regs::Err::kStartActive)) == regs::Mode::kSilicon)) {
      witness_.started(channel, setup(channel));
    } else if (!start && were_active.at(channel)) {
      const bool queue_ran = witness_.queue_runs(channel);
      witness_.ended(channel);
      if (queue_ran && read(regs::QueueHead::at(channel)) != read(regs::QueueTail::at(channel))) {
        complain(fmt::format("commands of channel {} are left after a stop", channel));
      }
      if (progress(channel).active && host_.under_way() == 0 && !habits_.delays()) {
        complain(fmt::format("channel {} is active after a stop, and nothing is under way on the bus", channel));
      }
    }
  }
}

void Station::check_invariants() {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    const bool start = (read(regs::BmCommand::at(channel)) & regs::BmCommand::kStart) != 0;
    if (start && !progress(channel).active) {
      complain(fmt::format("START of channel {} is 1, and it is not active", channel));
    }
  }
}

void Station::check_lines() {
  const std::uint32_t pending = read(regs::IrqCause::kOffset) & read(regs::IrqEnable::kOffset);
  const std::array<bool, vectors::kCount> wanted{(pending & regs::IrqCause::kCh0) != 0,
                                                 (pending & regs::IrqCause::kCh1) != 0,
                                                 (pending & (regs::IrqCause::kErr0 | regs::IrqCause::kErr1)) != 0};
  for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
    if (lines_[vector].read() != wanted.at(vector)) {
      complain(fmt::format("line {} is {:d}, and {:#x} is pending", vector, lines_[vector].read(), pending));
    }
  }
}

void Station::access_memory(bool write, std::uint64_t address, std::uint64_t bytes, std::uint8_t byte) {
  static std::array<std::uint8_t, kWindowMost> buffer;
  const std::span<std::uint8_t> data = std::span(buffer).first(bytes);
  std::ranges::fill(data, byte);
  memory_written_ = memory_written_ || write;
  tlm::tlm_generic_payload payload;
  fill(payload, write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, address, data);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  window_->b_transport(payload, delay);
  const bool inside = address <= memory_size() && bytes <= memory_size() - address;
  if (payload.get_response_status() != (inside ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE)) {
    complain(fmt::format("an access of {} bytes to card memory at {:#x} was answered with {}", bytes, address,
                         payload.get_response_string()));
  } else if (inside && !std::ranges::equal(data, card_.memory().subspan(address, bytes))) {
    complain(fmt::format("{} bytes at {:#x} of card memory are not what the window shows", bytes, address));
  }
  fill(payload, tlm::TLM_READ_COMMAND, address, data);
  const std::uint64_t reachable = address < memory_size() ? std::min(bytes, memory_size() - address) : 0;
  if (window_->transport_dbg(payload) != reachable) {
    complain(
        fmt::format("a debug access of {} bytes to card memory at {:#x} did not bring {}", bytes, address, reachable));
  }
}

void Station::access_oddly(unsigned kind, bool memory, std::uint64_t address) {
  std::array<std::uint8_t, kWord> data{};
  std::array<std::uint8_t, kWord> enables{};
  tlm::tlm_generic_payload payload;
  fill(payload, kind % 2 == 0 ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, address, data);
  tlm::tlm_response_status wanted = tlm::TLM_OK_RESPONSE;
  switch (kind / 2 % 3) {
    case 0:
      payload.set_byte_enable_ptr(enables.data());
      payload.set_byte_enable_length(enables.size());
      wanted = tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
      break;
    case 1:
      payload.set_streaming_width(kWord / 2);
      wanted = tlm::TLM_BURST_ERROR_RESPONSE;
      break;
    default:
      payload.set_command(tlm::TLM_IGNORE_COMMAND);
      wanted = tlm::TLM_COMMAND_ERROR_RESPONSE;
  }
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  (memory ? window_ : cpu_)->b_transport(payload, delay);
  if (payload.get_response_status() != wanted) {
    complain(fmt::format("an odd access, number {}, was answered with {}", kind, payload.get_response_string()));
  }
}

void Station::reset() {
  complaints_.tell([] { return "function-level reset"; });
  host_.cancel();
  card_.reset();
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    witness_.ended(channel);
    if (progress(channel).active) {
      complain(fmt::format("channel {} is active after a reset", channel));
    }
  }
}

void Station::run(const sc_core::sc_time& time) {
  sc_core::sc_start(time);
  if (const auto stray = host_.stray_change([this] { return witness_.may_have_changed(); })) {
    complain(fmt::format("the card changed the byte at {:#x}, which no table says", *stray));
  }
  check_invariants();
  check_lines();
}

void Station::settle(const sc_core::sc_time& longest_transaction) {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    write(regs::BmCommand::at(channel), 0, 1);
  }
  run(longest_transaction + sc_core::sc_time(1, sc_core::SC_US));
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    if (progress(channel).active) {
      complain(fmt::format("channel {} is active {} after a stop", channel, longest_transaction.to_string()));
    }
  }
  reset();
  // A link is as busy as it was; the next script shall not wait for it.
  run(sc_core::sc_time(1, sc_core::SC_MS));
  for (const regs::Register& reg : regs::kTable) {
    const bool configured = reg.offset == regs::Caps::kOffset || reg.offset == regs::MemSize::kOffset;
    const std::uint32_t mask = reg.bytes == kWord ? ~std::uint32_t{0} : (1U << (kByteBits * reg.bytes)) - 1;
    if (!configured && (read(reg.offset) & mask) != reg.reset) {
      complain(fmt::format("{} is not {:#x} after a reset", reg.name, reg.reset));
    }
  }
  if (memory_written_ || card_.statistics().bytes_from_host != bytes_from_host_) {
    std::memset(card_.memory().data(), 0, card_.memory().size());
    bytes_from_host_ = card_.statistics().bytes_from_host;
    memory_written_ = false;
  }
  host_.clear();
  habits_ = {};
}

}  // namespace prd32::fuzz
