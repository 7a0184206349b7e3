// SPDX-License-Identifier: Apache-2.0
#include "player.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace prd32::oracle {

namespace {

constexpr std::size_t kWidest = 8;
constexpr unsigned kByteBits = 8;

Timing timing_of(bool linked) {
  Timing timing;
  if (linked) {
    timing.link = LinkConfig{};
  }
  return timing;
}

}  // namespace

CaseBus::CaseBus(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
  socket.register_b_transport(this, &CaseBus::transport);
  socket.register_transport_dbg(this, &CaseBus::debug);
  socket.register_get_direct_mem_ptr(this, &CaseBus::grant);
}

void CaseBus::show(HostMemory& memory, const Case& scene) {
  socket->invalidate_direct_mem_ptr(0, ~std::uint64_t{0});
  memory_ = &memory;
  direct_ = scene.direct;
  debug_ = scene.debug;
  time_ = scene.bus_time;
}

void CaseBus::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const sc_core::sc_time taken(300 + payload.get_data_length(), sc_core::SC_NS);
  if (time_ == BusTime::kWaits) {
    sc_core::wait(taken);
  }
  delay += time_ == BusTime::kTold ? taken : sc_core::SC_ZERO_TIME;
  const std::span data(payload.get_data_ptr(), payload.get_data_length());
  const bool done =
      payload.is_write() ? memory_->write(payload.get_address(), data) : memory_->read(payload.get_address(), data);
  payload.set_dmi_allowed(direct_);
  payload.set_response_status(done ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

unsigned CaseBus::debug(tlm::tlm_generic_payload& payload) {
  const std::span data(payload.get_data_ptr(), payload.get_data_length());
  if (!debug_ || !payload.is_read() || !memory_->read(payload.get_address(), data)) {
    return 0;
  }
  return payload.get_data_length();
}

bool CaseBus::grant(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& granted) {
  const HostMemory::Stretch* const stretch = direct_ ? memory_->region(payload.get_address()) : nullptr;
  if (stretch == nullptr) {
    return false;
  }
  granted.set_start_address(stretch->address);
  granted.set_end_address(stretch->address + stretch->bytes - 1);
  granted.set_dmi_ptr(memory_->bytes(*stretch).data());
  granted.set_granted_access(stretch->writable ? tlm::tlm_dmi::DMI_ACCESS_READ_WRITE : tlm::tlm_dmi::DMI_ACCESS_READ);
  return true;
}

void Player::Log::record(const Violation& violation) {
  if (outcome != nullptr) {
    outcome->breaches.at(static_cast<std::size_t>(violation.channel))
        .push_back({.code = code_of(violation.rule),
                    .error = violation.severity == severity::kError,
                    .index = violation.prd_index,
                    .address = violation.address});
  }
}

Player::Player(const sc_core::sc_module_name& name, const CardKind& kind, bool linked)
    : sc_module(name),
      bus_("bus"),
      card_("card", {.memory_size = kind.memory_size, .profile = kind.profile, .timing = timing_of(linked)}, log_),
      cpu_("cpu"),
      window_("window"),
      irq_("irq", vectors::kCount) {
  cpu_.bind(card_.mmio);
  window_.bind(card_.window);
  card_.dma.bind(bus_.socket);
  for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
    card_.irq[vector].bind(irq_[vector]);
  }
  restore();
}

void Player::restore() {
  std::ranges::copy(CardImage::pristine().first(card_.memory().size()), card_.memory().begin());
}

void Player::play(const Case& scene, HostMemory& host, Outcome& outcome) {
  outcome.clear();
  bus_.show(host, scene);
  log_.outcome = &outcome;
  for (const Step& step : scene.steps) {
    switch (step.action) {
      case Action::kRead:
      case Action::kWrite:
        outcome.answers.push_back(access(step));
        break;
      case Action::kRun:
        run();
        outcome.lines.push_back(lines());
        break;
      case Action::kReset:
        card_.reset();
        break;
      case Action::kPass:
        sc_core::sc_start(sc_core::sc_time(static_cast<double>(step.value), sc_core::SC_NS), sc_core::SC_RUN_TO_TIME);
        break;
      case Action::kStore:
        host.store(step.offset, step.command);
        break;
    }
  }
  for (std::size_t i = 0; i < outcome.registers.size(); ++i) {
    const regs::Register& entry = regs::kTable.at(i);
    outcome.registers.at(i) = access({.action = Action::kRead, .offset = entry.offset, .bytes = entry.bytes}).value;
  }
  log_.outcome = nullptr;
  card_.reset();
  run();
}

Answer Player::access(const Step& step) {
  std::array<std::uint8_t, kWidest> data{};
  for (std::size_t i = 0; i < data.size(); ++i) {
    data.at(i) = static_cast<std::uint8_t>(step.value >> (i * kByteBits));
  }
  tlm::tlm_generic_payload payload;
  payload.set_command(step.action == Action::kRead ? tlm::TLM_READ_COMMAND : tlm::TLM_WRITE_COMMAND);
  payload.set_address(step.offset);
  payload.set_data_ptr(data.data());
  payload.set_data_length(step.bytes);
  payload.set_streaming_width(step.bytes);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  cpu_->b_transport(payload, delay);
  Answer answer{.accepted = payload.get_response_status() == tlm::TLM_OK_RESPONSE, .value = 0};
  if (answer.accepted && step.action == Action::kRead) {
    for (std::size_t i = 0; i < step.bytes; ++i) {
      answer.value |= std::uint32_t{data.at(i)} << (i * kByteBits);
    }
  }
  return answer;
}

// Until no event is left: the channels are idle, or wait for what only software can bring.
void Player::run() {
  if (!sc_core::sc_pending_activity()) {
    return;
  }
  const sc_core::sc_time deadline(1, sc_core::SC_SEC);
  sc_core::sc_start(deadline, sc_core::SC_EXIT_ON_STARVATION);
  if (sc_core::sc_pending_activity()) {
    throw std::runtime_error("the model did not come to rest within a simulated second");
  }
}

unsigned Player::lines() const {
  unsigned lines = 0;
  for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
    lines |= irq_[vector].read() ? 1U << vector : 0;
  }
  return lines;
}

}  // namespace prd32::oracle
