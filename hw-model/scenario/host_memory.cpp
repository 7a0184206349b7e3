// SPDX-License-Identifier: Apache-2.0
#include "host_memory.hpp"

#include <algorithm>

namespace prd32::scenario {

HostMemory::HostMemory(const sc_core::sc_module_name& name, const HostConfig& config)
    : sc_module(name),
      socket("socket"),
      direct_(config.direct),
      latency_(static_cast<double>(config.latency.count()), sc_core::SC_PS),
      regions_(config.regions) {
  socket.register_b_transport(this, &HostMemory::transport);
  socket.register_transport_dbg(this, &HostMemory::debug_transport);
  socket.register_get_direct_mem_ptr(this, &HostMemory::direct);
}

void HostMemory::set_rights(std::string_view name, Rights rights) {
  Region& region = *std::ranges::find(regions_, name, &Region::name);
  region.rights = rights;
  socket->invalidate_direct_mem_ptr(region.at, region.at + region.bytes.size() - 1);
}

Region* HostMemory::region_at(std::uint64_t address) {
  const auto found = std::ranges::find_if(regions_, [&](const Region& region) {
    return address >= region.at && address - region.at < region.bytes.size();
  });
  return found == regions_.end() ? nullptr : &*found;
}

std::span<std::uint8_t> HostMemory::at(std::uint64_t address, std::uint64_t bytes) {
  Region* const region = region_at(address);
  if (region == nullptr || bytes > region->bytes.size() - (address - region->at)) {
    return {};
  }
  return std::span(region->bytes).subspan(address - region->at, bytes);
}

/// All of the payload's bytes, which may lie in several regions, or none.
bool HostMemory::copy(const tlm::tlm_generic_payload& payload) {
  const auto for_each_piece = [&](const auto& action) {
    std::span data(payload.get_data_ptr(), payload.get_data_length());
    for (std::uint64_t address = payload.get_address(); !data.empty();) {
      Region* const region = region_at(address);
      if (region == nullptr || !(payload.is_read() ? region->rights.read : region->rights.write)) {
        return false;
      }
      const auto there = std::span(region->bytes).subspan(address - region->at);
      const std::size_t piece = std::min(there.size(), data.size());
      action(there.first(piece), data.first(piece));
      data = data.subspan(piece);
      address += piece;
    }
    return true;
  };
  if (!for_each_piece([](std::span<std::uint8_t>, std::span<std::uint8_t>) {})) {
    return false;
  }
  return for_each_piece([&](std::span<std::uint8_t> memory, std::span<std::uint8_t> data) {
    std::ranges::copy(payload.is_read() ? memory : data, (payload.is_read() ? data : memory).begin());
  });
}

void HostMemory::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const bool taken = copy(payload);
  if (on_access) {
    on_access({.write = payload.is_write(),
               .address = payload.get_address(),
               .bytes = payload.get_data_length(),
               .taken = taken});
  }
  delay += latency_;
  payload.set_dmi_allowed(taken && direct_);
  payload.set_response_status(taken ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

unsigned HostMemory::debug_transport(tlm::tlm_generic_payload& payload) {
  return copy(payload) ? payload.get_data_length() : 0;
}

bool HostMemory::direct(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& granted) {
  Region* const region = region_at(payload.get_address());
  if (!direct_ || region == nullptr || region->rights == kUnmapped) {
    return false;
  }
  granted.set_start_address(region->at);
  granted.set_end_address(region->at + region->bytes.size() - 1);
  granted.set_dmi_ptr(region->bytes.data());
  granted.set_granted_access(region->rights == Rights{} ? tlm::tlm_dmi::DMI_ACCESS_READ_WRITE
                             : region->rights.read      ? tlm::tlm_dmi::DMI_ACCESS_READ
                                                        : tlm::tlm_dmi::DMI_ACCESS_WRITE);
  return true;
}

}  // namespace prd32::scenario
