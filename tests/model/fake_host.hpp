// SPDX-License-Identifier: Apache-2.0
// The host's memory as the card's bus sees it, in the hands of a test.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <systemc>
#include <tlm>
#include <vector>

namespace prd32::test {

class FakeHost : public sc_core::sc_module {
 public:
  struct Access {
    bool write;
    std::uint64_t address;
    std::uint64_t bytes;
    bool operator==(const Access&) const = default;
  };

  tlm_utils::simple_target_socket<FakeHost> socket;

  explicit FakeHost(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    socket.register_b_transport(this, &FakeHost::transport);
    socket.register_get_direct_mem_ptr(this, &FakeHost::direct);
    socket.register_transport_dbg(this, &FakeHost::look);
  }

  /// Nothing mapped, nothing recorded, no direct access, nothing held.
  void clear() {
    socket->invalidate_direct_mem_ptr(0, ~std::uint64_t{0});
    regions_.clear();
    accesses.clear();
    allow_direct = false;
    hold = nullptr;
    latency = sc_core::SC_ZERO_TIME;
  }

  /// Zero-filled memory there; every access must lie within one such region, others are refused.
  void map(std::uint64_t address, std::uint64_t bytes, bool writable = true) {
    regions_[address] = {std::vector<std::uint8_t>(bytes), writable};
  }
  void unmap(std::uint64_t address) {
    const std::uint64_t size = regions_.at(address).data.size();
    socket->invalidate_direct_mem_ptr(address, address + size - 1);
    regions_.erase(address);
  }
  /// The bytes themselves; empty when they are not mapped.
  std::span<std::uint8_t> at(std::uint64_t address, std::uint64_t bytes) {
    auto after = regions_.upper_bound(address);
    if (after == regions_.begin()) {
      return {};
    }
    auto& [start, region] = *std::prev(after);
    if (address - start > region.data.size() || bytes > region.data.size() - (address - start)) {
      return {};
    }
    return std::span(region.data).subspan(address - start, bytes);
  }

  std::vector<Access> accesses;                       ///< every transaction, refused ones too; not direct accesses
  bool allow_direct = false;                          ///< whether pointers are handed out
  std::function<bool(const Access&)> hold = nullptr;  ///< transactions for which this is true wait for release
  sc_core::sc_event release;
  bool held = false;                                 ///< one is waiting
  sc_core::sc_time latency = sc_core::SC_ZERO_TIME;  ///< returned as each transaction's delay

 private:
  struct Region {
    std::vector<std::uint8_t> data;
    bool writable;
  };

  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const Access access{payload.is_write(), payload.get_address(), payload.get_data_length()};
    accesses.push_back(access);
    if (hold && hold(access)) {
      held = true;
      sc_core::wait(release);
      held = false;
    }
    delay += latency;
    const auto memory = at(access.address, access.bytes);
    if (memory.empty() || (access.write && !writable(access.address))) {
      payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    const std::span data(payload.get_data_ptr(), access.bytes);
    std::ranges::copy(access.write ? data : memory, (access.write ? memory : data).begin());
    payload.set_dmi_allowed(allow_direct);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  unsigned look(tlm::tlm_generic_payload& payload) {
    const auto memory = at(payload.get_address(), payload.get_data_length());
    std::ranges::copy(memory, payload.get_data_ptr());
    return static_cast<unsigned>(memory.size());
  }

  bool direct(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& granted) {
    if (!allow_direct || at(payload.get_address(), 1).empty()) {
      return false;
    }
    auto& [start, region] = *std::prev(regions_.upper_bound(payload.get_address()));
    granted.set_start_address(start);
    granted.set_end_address(start + region.data.size() - 1);
    granted.set_dmi_ptr(region.data.data());
    granted.set_granted_access(region.writable ? tlm::tlm_dmi::DMI_ACCESS_READ_WRITE : tlm::tlm_dmi::DMI_ACCESS_READ);
    return true;
  }

  bool writable(std::uint64_t address) { return std::prev(regions_.upper_bound(address))->second.writable; }

  std::map<std::uint64_t, Region> regions_;
};

}  // namespace prd32::test
