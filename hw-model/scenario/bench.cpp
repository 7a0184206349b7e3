// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

#include <cmath>

namespace prd32::scenario {

namespace {

sc_core::sc_time to_sc(Picoseconds time) {
  return {static_cast<double>(time.count()), sc_core::SC_PS};
}

void set_up(tlm::tlm_generic_payload& payload, tlm::tlm_command command, std::uint64_t address,
            std::span<std::uint8_t> data) {
  payload.set_command(command);
  payload.set_address(address);
  payload.set_data_ptr(data.data());
  payload.set_data_length(static_cast<unsigned>(data.size()));
  payload.set_streaming_width(static_cast<unsigned>(data.size()));
}

}  // namespace

void BreachLog::record(const Violation& violation) {
  if (breaches.size() < kMost) {
    breaches.push_back(violation);
  } else {
    ++dropped;
  }
  if (on_breach) {
    on_breach(violation);
  }
  if (next_ != nullptr) {
    next_->record(violation);
  }
}

Processor::Processor(const sc_core::sc_module_name& name)
    : sc_module(name), mmio("mmio"), window("window"), irq("irq", vectors::kCount) {
  for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
    sc_core::sc_spawn_options options;
    options.spawn_method();
    options.dont_initialize();
    options.set_sensitivity(&irq[vector].pos());
    sc_core::sc_spawn([this, vector] { ++rises_.at(vector); }, nullptr, &options);
  }
}

bool Processor::access(tlm::tlm_command command, std::uint32_t offset, std::span<std::uint8_t> data) {
  tlm::tlm_generic_payload access;
  set_up(access, command, offset, data);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  mmio->b_transport(access, delay);
  return access.is_response_ok();
}

std::uint32_t Processor::peek(std::uint32_t offset, unsigned bytes) {
  std::array<std::uint8_t, sizeof(std::uint32_t)> data{};
  tlm::tlm_generic_payload access;
  set_up(access, tlm::TLM_READ_COMMAND, offset, std::span(data).first(bytes));
  mmio->transport_dbg(access);
  std::uint32_t value = 0;
  for (unsigned i = bytes; i-- > 0;) {
    value = value << 8U | data.at(i);
  }
  return value;
}

bool Processor::access_memory(tlm::tlm_command command, std::uint64_t offset, std::span<std::uint8_t> data) {
  tlm::tlm_generic_payload access;
  set_up(access, command, offset, data);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  window->b_transport(access, delay);
  return access.is_response_ok();
}

Bench::Bench(const CardConfig& card_config, const HostConfig& host_config, ViolationLog& log)
    : processor("processor"),
      host("host", host_config),
      card("card", card_config, log),
      lines_("line", vectors::kCount) {
  processor.mmio.bind(card.mmio);
  processor.window.bind(card.window);
  card.dma.bind(host.socket);
  card.irq.bind(lines_);
  processor.irq.bind(lines_);
}

void Bench::settle() {
  do {
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
  } while (sc_core::sc_pending_activity_at_current_time());
}

Bench::Wait Bench::run_until(const std::function<bool()>& condition, Picoseconds within) {
  const sc_core::sc_time end = sc_core::sc_time_stamp() + to_sc(within);
  settle();
  while (!condition()) {
    if (!sc_core::sc_pending_activity()) {
      return Wait::kStill;
    }
    const sc_core::sc_time step = sc_core::sc_time_to_pending_activity();
    if (sc_core::sc_time_stamp() + step > end) {
      sc_core::sc_start(end - sc_core::sc_time_stamp());
      return Wait::kTooLate;
    }
    sc_core::sc_start(step);
    settle();
  }
  return Wait::kDone;
}

void Bench::run_for(Picoseconds time) {
  sc_core::sc_start(to_sc(time));
  settle();
}

Picoseconds Bench::now() {
  return Picoseconds(std::llround(sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_PS)));
}

}  // namespace prd32::scenario
