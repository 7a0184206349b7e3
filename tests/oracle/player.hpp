// SPDX-License-Identifier: Apache-2.0
// The other side: a case is played on the model.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <span>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "case.hpp"
#include "memory.hpp"
#include "outcome.hpp"
#include "prd32/card.hpp"
#include "prd32/violation.hpp"

namespace prd32::oracle {

/// A bus whose other end is a case's host memory.
class CaseBus : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<CaseBus> socket;

  explicit CaseBus(const sc_core::sc_module_name& name);
  /// The memory of the next case; pointers into that of the last are void.
  void show(HostMemory& memory, const Case& scene);

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned debug(tlm::tlm_generic_payload& payload);
  bool grant(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& granted);

  HostMemory* memory_ = nullptr;
  bool direct_ = false;
  bool debug_ = false;
  BusTime time_ = BusTime::kNone;
};

/// A card on such a bus, which can be told to play one case after the other. To be built before the simulation starts.
class Player : public sc_core::sc_module {
 public:
  /// linked: the card's time is that of a link, otherwise nominal.
  Player(const sc_core::sc_module_name& name, const CardKind& kind, bool linked);

  /// The outcome of the case after power-up. Card memory keeps what it does until restore().
  void play(const Case& scene, HostMemory& host, Outcome& outcome);

  /// Card memory as power-up leaves it.
  void restore();
  std::span<std::uint8_t> memory() { return card_.memory(); }

 private:
  class Log final : public ViolationLog {
   public:
    void record(const Violation& violation) override;
    Outcome* outcome = nullptr;
  };

  Answer access(const Step& step);
  static void run();
  unsigned lines() const;

  Log log_;
  CaseBus bus_;
  Card card_;
  tlm_utils::simple_initiator_socket<Player> cpu_;
  tlm_utils::simple_initiator_socket<Player> window_;
  sc_core::sc_vector<sc_core::sc_signal<bool>> irq_;
};

}  // namespace prd32::oracle
