// SPDX-License-Identifier: Apache-2.0
// The step of a transfer in which bytes move, between the bus and an endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "prd32/breaches.hpp"
#include "prd32/endpoint.hpp"
#include "prd32/host_bus.hpp"
#include "prd32/rules.hpp"

namespace prd32 {

class DataMover {
 public:
  /// Both must outlive the mover.
  DataMover(BusPort& bus, Breaches& breaches) : bus_(bus), breaches_(breaches), staging_(limits::kPrdMaxBytes) {}

  /// Moves one descriptor's bytes. May suspend the calling SC_THREAD; when going() is false after that, the transfer
  /// was ended meanwhile: nothing more happens, and there is no fault.
  std::optional<Fault> move(const Setup& setup, const Position& at, const Region& region, Endpoint& endpoint,
                            const std::function<bool()>& going);

 private:
  /// Without a transaction and without time, where the target gave direct access to all of it: returns true. Otherwise
  /// nothing is moved. out: to the host.
  bool move_directly(bool out, std::uint64_t address, std::span<std::uint8_t> in_place);
  std::optional<Fault> to_host(const Position& at, const Region& region, std::span<std::uint8_t> data,
                               const std::function<bool()>& going);
  std::optional<Fault> from_host(const Position& at, const Region& region, std::span<std::uint8_t> data,
                                 const std::function<bool()>& going);

  bool access(tlm::tlm_command command, std::uint64_t address, std::span<std::uint8_t> part, const Position& at) {
    return bus_.access(command, address, part, DmaPurpose::kData, at.prd_index());
  }

  BusPort& bus_;
  Breaches& breaches_;
  std::vector<std::uint8_t> staging_;  // a read's data waits here until it is known that the transfer still stands
};

}  // namespace prd32
