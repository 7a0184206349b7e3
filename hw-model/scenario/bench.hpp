// SPDX-License-Identifier: Apache-2.0
// A card between a processor and a host memory, as they are wired.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <systemc>
#include <vector>

#include "host_memory.hpp"
#include "prd32/card.hpp"
#include "scenario.hpp"

namespace prd32::scenario {

/// Takes breaches, and passes each on. Only so many are kept: a card that runs for long can break a rule very often.
class BreachLog final : public ViolationLog {
 public:
  static constexpr std::size_t kMost = 100'000;

  /// next, which may be null, must outlive this.
  explicit BreachLog(ViolationLog* next) : next_(next) {}

  void record(const Violation& violation) override;

  std::vector<Violation> breaches;                  ///< in order; a program may take out what it has seen
  std::uint64_t dropped = 0;                        ///< those that were too many
  std::function<void(const Violation&)> on_breach;  ///< may be empty

 private:
  ViolationLog* next_;
};

/// What accesses the card, and what its interrupt lines end at.
class Processor : public sc_core::sc_module {
 public:
  explicit Processor(const sc_core::sc_module_name& name);

  tlm_utils::simple_initiator_socket<Processor> mmio;
  tlm_utils::simple_initiator_socket<Processor> window;
  sc_core::sc_vector<sc_core::sc_in<bool>> irq;

  /// One access to the registers; whether the card took it.
  bool access(tlm::tlm_command command, std::uint32_t offset, std::span<std::uint8_t> data);
  /// A look at a register that changes nothing and is on no bus.
  std::uint32_t peek(std::uint32_t offset, unsigned bytes);
  /// Card memory through its BAR; whether the card took it.
  bool access_memory(tlm::tlm_command command, std::uint64_t offset, std::span<std::uint8_t> data);

  bool high(unsigned vector) const { return irq[vector].read(); }
  /// Since the beginning.
  std::uint64_t rises(unsigned vector) const { return rises_.at(vector); }

 private:
  std::array<std::uint64_t, vectors::kCount> rises_{};
};

/// SystemC elaborates once a process, so there is one bench in it.
class Bench {
 public:
  /// log must outlive the bench. Throws what Card does.
  Bench(const CardConfig& card, const HostConfig& host, ViolationLog& log);

  Processor processor;
  HostMemory host;
  Card card;

 private:
  sc_core::sc_vector<sc_core::sc_signal<bool>> lines_;
};

}  // namespace prd32::scenario
