// SPDX-License-Identifier: Apache-2.0
// How the card moves bytes over the bus: directly where the target hands out pointers, by transactions elsewhere.
#pragma once

#include <cstdint>
#include <span>
#include <systemc>
#include <tlm>
#include <vector>

#include "prd32/dma_origin.hpp"
#include "prd32/local_clock.hpp"

namespace prd32 {

/// The card's bus-master side, on top of a TLM initiator socket.
class HostBus {
 public:
  /// socket must outlive the bus.
  explicit HostBus(tlm::tlm_initiator_socket<>& socket) : socket_(socket) {}

  /// Copies at once when the whole range lies in memory that the target gave direct access to, in the direction
  /// wanted, and returns true. Otherwise nothing is copied. Never waits.
  bool copy_direct(tlm::tlm_command command, std::uint64_t address, std::span<std::uint8_t> data);

  /// One transaction, at the time of clock. The target may suspend the calling process inside it, so data must stay
  /// where it is until this returns. Returns whether the target said OK; only then does a read's data count. Call from
  /// an SC_THREAD.
  [[nodiscard]] bool transport(tlm::tlm_command command, std::uint64_t address, std::span<std::uint8_t> data,
                               DmaOrigin origin, LocalClock& clock);

  /// The bytes themselves, where the target gave direct access for reading to all of them; else null.
  const std::uint8_t* direct(std::uint64_t address, std::size_t bytes) const;

  /// Reads without a transaction and without time, where the target lets us look. Returns whether all of it was read.
  bool peek(std::uint64_t address, std::span<std::uint8_t> data);

  /// Forgets direct access to every range that touches first..last, as the target demands.
  void invalidate(std::uint64_t first, std::uint64_t last);

 private:
  const tlm::tlm_dmi* window(tlm::tlm_command command, std::uint64_t address) const;
  void ask_for_window(tlm::tlm_generic_payload& payload, std::uint64_t address);

  tlm::tlm_initiator_socket<>& socket_;
  std::vector<tlm::tlm_dmi> windows_;
  std::size_t next_victim_ = 0;
};

/// One channel's side of the bus: it knows whether the channel is out on it.
class BusPort {
 public:
  explicit BusPort(HostBus& bus, unsigned channel = 0) : bus_(bus), channel_(channel) {}

  /// Directly or by a transaction; see HostBus. prd_index as in DmaOrigin.
  [[nodiscard]] bool access(tlm::tlm_command command, std::uint64_t address, std::span<std::uint8_t> data,
                            DmaPurpose purpose, std::int64_t prd_index) {
    return bus_.copy_direct(command, address, data) || transport(command, address, data, purpose, prd_index);
  }
  bool copy_direct(tlm::tlm_command command, std::uint64_t address, std::span<std::uint8_t> data) {
    return bus_.copy_direct(command, address, data);
  }
  const std::uint8_t* direct(std::uint64_t address, std::size_t bytes) const { return bus_.direct(address, bytes); }
  bool peek(std::uint64_t address, std::span<std::uint8_t> data) { return bus_.peek(address, data); }

  /// A transaction of the channel is under way.
  bool busy() const { return busy_; }
  LocalClock& clock() { return clock_; }

 private:
  bool transport(tlm::tlm_command command, std::uint64_t address, std::span<std::uint8_t> data, DmaPurpose purpose,
                 std::int64_t prd_index) {
    busy_ = true;
    const bool ok = bus_.transport(command, address, data, DmaOrigin(channel_, purpose, prd_index), clock_);
    busy_ = false;
    return ok;
  }

  HostBus& bus_;
  unsigned channel_;
  LocalClock clock_;
  bool busy_ = false;
};

}  // namespace prd32
