// SPDX-License-Identifier: Apache-2.0
// How the card moves bytes over the bus: directly where the target hands out pointers, by transactions elsewhere.
#pragma once

#include <cstdint>
#include <span>
#include <systemc>
#include <tlm>
#include <vector>

namespace prd32 {

/// The card's bus-master side, on top of a TLM initiator socket.
class HostBus {
 public:
  /// socket must outlive the bus.
  explicit HostBus(tlm::tlm_initiator_socket<>& socket) : socket_(socket) {}

  /// Copies at once when the whole range lies in memory that the target gave direct access to, in the direction
  /// wanted, and returns true. Otherwise nothing is copied. Never waits.
  bool copy_direct(tlm::tlm_command command, std::uint64_t address, std::span<std::uint8_t> data);

  /// One transaction. The target may suspend the calling process inside it, so data must stay where it is until this
  /// returns. Returns whether the target said OK; only then does a read's data count. Call from an SC_THREAD.
  [[nodiscard]] bool transport(tlm::tlm_command command, std::uint64_t address, std::span<std::uint8_t> data);

  /// Forgets direct access to every range that touches first..last, as the target demands.
  void invalidate(std::uint64_t first, std::uint64_t last);

 private:
  const tlm::tlm_dmi* window(tlm::tlm_command command, std::uint64_t address) const;
  void ask_for_window(tlm::tlm_generic_payload& payload, std::uint64_t address);

  tlm::tlm_initiator_socket<>& socket_;
  std::vector<tlm::tlm_dmi> windows_;
  std::size_t next_victim_ = 0;
};

}  // namespace prd32
