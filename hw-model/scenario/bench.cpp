// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

namespace prd32::scenario {

namespace {

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

}  // namespace prd32::scenario
