// SPDX-License-Identifier: Apache-2.0
// What a channel does with a descriptor before it moves anything, with the classes that it does it with.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <systemc>

#include "flat_host.hpp"
#include "prd32/rules.hpp"
#include "prd32/table_reader.hpp"
#include "rig.hpp"

namespace prd32::bench {

/// A table of limits::kPrdtMaxEntries descriptors, and the channel's table reader and rules without a channel.
class TableCheck : public sc_core::sc_module {
 public:
  explicit TableCheck(const sc_core::sc_module_name& name);

  /// Fetches and examines the whole table; how long it took, seconds.
  double run();

 private:
  void work();
  void examine_table();

  tlm_utils::simple_initiator_socket<TableCheck> socket_;
  FlatHost host_;
  NoViolations log_;
  Profile profile_ = regs::kProfiles.front();
  RegisterFile registers_;
  HostBus bus_;
  BusPort port_;
  Breaches breaches_;
  Rules rules_;
  TableReader reader_;
  sc_core::sc_event go_;
  double seconds_ = 0;
};

}  // namespace prd32::bench
