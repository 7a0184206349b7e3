// SPDX-License-Identifier: Apache-2.0
// The host's memory as the card's bus sees it.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <systemc>
#include <tlm>
#include <vector>

#include "scenario.hpp"

namespace prd32::scenario {

class HostMemory : public sc_core::sc_module {
 public:
  /// A transaction of the card, when it has been answered.
  struct Access {
    bool write;
    std::uint64_t address;
    std::uint64_t bytes;
    bool taken;
  };

  tlm_utils::simple_target_socket<HostMemory> socket;
  std::function<void(const Access&)> on_access;  ///< not called for direct accesses; may be empty

  HostMemory(const sc_core::sc_module_name& name, const HostConfig& config);

  /// What the card may do to the region of that name from now on.
  void set_rights(std::string_view name, Rights rights);

  /// The host's own bytes, whatever the card's rights; empty unless all are in one region.
  std::span<std::uint8_t> at(std::uint64_t address, std::uint64_t bytes);

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned debug_transport(tlm::tlm_generic_payload& payload);
  bool direct(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& granted);
  Region* region_at(std::uint64_t address);
  bool copy(const tlm::tlm_generic_payload& payload);

  bool direct_;
  sc_core::sc_time latency_;
  std::vector<Region> regions_;
};

}  // namespace prd32::scenario
