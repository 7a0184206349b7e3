// SPDX-License-Identifier: Apache-2.0
// Stands between the card and the world and does what the tester's rules say. Without a rule it passes everything on.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <string_view>
#include <systemc>
#include <tlm>
#include <vector>

#include "fault_rules.hpp"
#include "pci_function.hpp"
#include "prd32/channel.hpp"
#include "timers.hpp"

namespace prd32 {

/// Something that was done to the card, for the record.
struct Injection {
  std::string_view event;  ///< "fired"; "ended", of a stall or of all-ones; "written", of what came after an abort
  unsigned rule = 0;       ///< 0: a command
  FaultKind fault = FaultKind::kAbort;
  std::optional<Transaction> transaction;  ///< none: a command
  std::string_view how{};                  ///< what ended it
};

class FaultyBus final : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<FaultyBus> mmio;          ///< from the world
  tlm_utils::simple_initiator_socket<FaultyBus> card_mmio;  ///< to the card's registers
  tlm_utils::simple_target_socket<FaultyBus> card_dma;      ///< from the card; b_transport may wait
  tlm_utils::simple_initiator_socket<FaultyBus> dma;        ///< to the world
  sc_core::sc_vector<sc_core::sc_in<bool>> card_irq;
  sc_core::sc_vector<sc_core::sc_out<bool>> irq;

  /// All outlive it. The rules are the tester's: this only counts in them.
  FaultyBus(const sc_core::sc_module_name& name, unsigned vectors, FaultRules& rules, Timers& timers);

  /// Called with what was done.
  void on_injection(std::function<void(const Injection&)> hook) { injected_ = std::move(hook); }
  /// Called when the card goes or comes back, so that its function can do the rest.
  void on_presence(std::function<void(Presence)> hook) { presence_changed_ = std::move(hook); }

  // All of these may be called between two sc_start(), outside any process; their effects come in the next one.

  /// Rules came or went: gives the card direct access to memory, or takes it away. What stalled by a rule that is gone
  /// goes on.
  void rules_changed();
  /// Lets what stalls by this rule, or all that stalls, go on. Returns how many transactions that were.
  unsigned release(std::optional<unsigned> rule);
  /// The function is about to be reset: the bus cancels what is under way.
  void reset();
  /// Makes one interrupt of a vector, whether or not there is a cause.
  void raise(unsigned vector);
  /// The card goes, or comes back, by a command. Who was removed does not come back.
  void set_presence(Presence presence);
  [[nodiscard]] Presence presence() const { return presence_; }
  /// The hook for Card::on_descriptor.
  [[nodiscard]] std::optional<std::uint64_t> shorten(unsigned channel, const Position& at, const Region& region,
                                                     bool to_host);

  /// A transaction that stalls.
  struct Stall {
    unsigned id = 0;
    unsigned rule = 0;  ///< 0: the card is not there
    FaultKind fault = FaultKind::kStall;
    Transaction transaction;
    Survives survives = Survives::kNothing;
    bool cancelled = false;  ///< when it ends, the transaction does not take place
    std::string_view ended_by{};
    Timers::Id timer = 0;
  };
  [[nodiscard]] const std::list<Stall>& stalls() const { return stalls_; }

 private:
  /// A rule of kWriteAfterAbort that waits for its transfer's end.
  struct Armed {
    FaultRules::Firing firing;
    Transaction transaction;
    bool stopped = false;
  };
  struct Line {
    bool high = false;      ///< as the card drives it
    unsigned withheld = 0;  ///< not 0: this rise is not passed on, or not yet
    unsigned rises = 0;     ///< counted, to tell one rise from another
    unsigned toggles = 0;   ///< steps to go in which the line is inverted, or is not
  };
  struct LateWrite {
    FaultRules::Firing firing;
    Transaction transaction;
  };

  void mmio_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  bool befall_register(tlm::tlm_generic_payload& payload);
  unsigned mmio_debug(tlm::tlm_generic_payload& payload) { return card_mmio->transport_dbg(payload); }
  void dma_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  bool befall_dma(tlm::tlm_generic_payload& payload);
  bool dma_direct(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& direct);
  unsigned dma_debug(tlm::tlm_generic_payload& payload);
  void invalidate(sc_dt::uint64 first, sc_dt::uint64 last) { card_dma->invalidate_direct_mem_ptr(first, last); }

  bool stall(const FaultRules::Firing& firing, const Transaction& transaction);
  template <typename Wanted>
  unsigned end_stalls(Wanted wanted, std::string_view how, bool cancel);
  void channel_ended(unsigned channel, bool was_active, Survives level, std::string_view how);
  void watch_writes(const tlm::tlm_generic_payload& payload, const std::array<bool, limits::kChannels>& active);
  void watch_status(const tlm::tlm_generic_payload& payload);
  void watch_errors();
  [[nodiscard]] std::uint32_t status(unsigned channel);
  template <typename Due>
  void take_armed(Due due);
  void write_late();

  void befall_interrupt(unsigned vector);
  void drive_lines();
  void befall_anything(const FaultRules::Firing& firing, const Transaction& transaction);
  void tell(std::string_view event, const FaultRules::Firing& firing, const Transaction& transaction,
            std::string_view how = {});

  FaultRules& rules_;
  Timers& timers_;
  std::function<void(const Injection&)> injected_;
  std::function<void(Presence)> presence_changed_;
  bool dma_faulty_ = false;
  bool registers_faulty_ = false;
  Presence presence_ = Presence::kPresent;
  Timers::Id back_ = 0;
  std::list<Stall> stalls_;
  unsigned last_stall_ = 0;
  std::list<Armed> armed_;
  std::deque<LateWrite> late_writes_;
  std::vector<Line> lines_;
  sc_core::sc_event stall_ended_;
  sc_core::sc_event step_;
  sc_core::sc_event late_;
};

}  // namespace prd32
