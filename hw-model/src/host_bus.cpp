// SPDX-License-Identifier: Apache-2.0
#include "prd32/host_bus.hpp"

#include <algorithm>
#include <cstring>

namespace prd32 {

namespace {

// Enough for the few pieces of which a machine's memory consists; behind an IOMMU the pieces are pages and come and
// go with every transfer, so that searching a longer list would cost more than it saves.
constexpr std::size_t kMaxWindows = 16;

}  // namespace

const tlm::tlm_dmi* HostBus::window(tlm::tlm_command command, std::uint64_t address) const {
  const auto found = std::ranges::find_if(windows_, [&](const tlm::tlm_dmi& entry) {
    return address >= entry.get_start_address() && address <= entry.get_end_address() &&
           (command == tlm::TLM_READ_COMMAND ? entry.is_read_allowed() : entry.is_write_allowed());
  });
  return found == windows_.end() ? nullptr : &*found;
}

bool HostBus::copy_direct(tlm::tlm_command command, std::uint64_t address, std::span<std::uint8_t> data) {
  const tlm::tlm_dmi* const found = window(command, address);
  if (found == nullptr || data.empty() || data.size() - 1 > found->get_end_address() - address) {
    return false;
  }
  unsigned char* const host = found->get_dmi_ptr() + (address - found->get_start_address());
  if (command == tlm::TLM_READ_COMMAND) {
    std::memcpy(data.data(), host, data.size());
  } else {
    std::memcpy(host, data.data(), data.size());
  }
  return true;
}

bool HostBus::transport(tlm::tlm_command command, std::uint64_t address, std::span<std::uint8_t> data, DmaOrigin origin,
                        LocalClock& clock) {
  tlm::tlm_generic_payload payload;
  payload.set_command(command);
  payload.set_address(address);
  payload.set_data_ptr(data.data());
  payload.set_data_length(static_cast<unsigned>(data.size()));
  payload.set_streaming_width(static_cast<unsigned>(data.size()));
  payload.set_byte_enable_ptr(nullptr);
  payload.set_dmi_allowed(false);
  payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  payload.set_extension(&origin);
  sc_core::sc_time delay = clock.offset();
  socket_->b_transport(payload, delay);
  clock.set_offset(delay);
  if (clock.due()) {
    clock.set_offset(sc_core::SC_ZERO_TIME);
    sc_core::wait(delay);
  }
  if (!payload.is_response_ok()) {
    return false;
  }
  if (payload.is_dmi_allowed()) {
    ask_for_window(payload, address);
  }
  return true;
}

const std::uint8_t* HostBus::direct(std::uint64_t address, std::size_t bytes) const {
  const tlm::tlm_dmi* const found = window(tlm::TLM_READ_COMMAND, address);
  if (found == nullptr || bytes - 1 > found->get_end_address() - address) {
    return nullptr;
  }
  return found->get_dmi_ptr() + (address - found->get_start_address());
}

bool HostBus::peek(std::uint64_t address, std::span<std::uint8_t> data) {
  if (copy_direct(tlm::TLM_READ_COMMAND, address, data)) {
    return true;
  }
  tlm::tlm_generic_payload payload;
  payload.set_read();
  payload.set_address(address);
  payload.set_data_ptr(data.data());
  payload.set_data_length(static_cast<unsigned>(data.size()));
  payload.set_streaming_width(static_cast<unsigned>(data.size()));
  return socket_->transport_dbg(payload) == data.size();
}

void HostBus::ask_for_window(tlm::tlm_generic_payload& payload, std::uint64_t address) {
  payload.set_address(address);  // an interconnect may have translated it
  tlm::tlm_dmi granted;
  if (!socket_->get_direct_mem_ptr(payload, granted) || granted.get_dmi_ptr() == nullptr || granted.is_none_allowed()) {
    return;
  }
  if (windows_.size() < kMaxWindows) {
    windows_.push_back(granted);
  } else {
    windows_[next_victim_++ % kMaxWindows] = granted;
  }
}

void HostBus::invalidate(std::uint64_t first, std::uint64_t last) {
  std::erase_if(windows_, [&](const tlm::tlm_dmi& entry) {
    return entry.get_start_address() <= last && entry.get_end_address() >= first;
  });
}

}  // namespace prd32
