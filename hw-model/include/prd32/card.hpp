// SPDX-License-Identifier: Apache-2.0
// The card: three ports, and nothing of what they are connected to.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <systemc>
#include <tlm>
#include <utility>
#include <vector>

#include "prd32/channel.hpp"
#include "prd32/violation.hpp"

namespace prd32 {

/// What can differ from card to card.
struct CardConfig {
  std::uint64_t memory_size = limits::kMemoryDefault;  ///< limits::kMemoryMin..kMemoryMax bytes, whole 4 KiB pages
  Profile profile = regs::kProfiles.front();           ///< what its rules are switched to
  Timing timing{};
};

/// Why no card of this configuration can be built, and what is allowed; nothing when one can.
std::optional<std::string> refusal(const CardConfig& config);

class Card : public sc_core::sc_module {
 public:
  /// The card's address space: registers from 0, regs::kAddressSpace bytes. Accesses of 1, 2 and 4 bytes at multiples
  /// of their size; others get TLM_BURST_ERROR_RESPONSE, those past the end TLM_ADDRESS_ERROR_RESPONSE, and neither has
  /// an effect. b_transport never waits and may be called between two sc_start(), outside any process: what it starts
  /// happens in the next sc_start().
  tlm_utils::simple_target_socket<Card> mmio;
  /// The host's window onto card memory: bytes 0..memory_size - 1, accesses of any length, direct memory pointers. May
  /// stay unbound.
  tlm_utils::simple_target_socket_optional<Card> window;
  /// Bus-master accesses, at 32-bit bus addresses. The target may wait in b_transport; the card goes on answering mmio.
  /// Direct memory access is used where the target allows it, and dropped on invalidation.
  tlm_utils::simple_initiator_socket<Card> dma;
  /// One level line for each of vectors::kCount vectors, active high. A line rises after the registers tell why.
  sc_core::sc_vector<sc_core::sc_out<bool>> irq;

  /// log must outlive the card. Throws std::invalid_argument with the refusal() of the configuration, and
  /// std::system_error when there is no memory for it.
  Card(const sc_core::sc_module_name& name, const CardConfig& config, ViolationLog& log);

  /// Function-level reset: registers to their reset values, transfers ended, lines low; card memory and statistics are
  /// kept. May be called from anywhere, also outside the scheduler, and while a transfer is suspended inside dma.
  void reset();

  const CardStatistics& statistics() const { return statistics_; }

  /// The channels that move data now, or have not yet ended a transfer that was stopped.
  std::vector<unsigned> active_channels() const;

  /// Whether the channel is one of them.
  bool active(unsigned channel) const { return channels_[channel].active(); }

  /// Makes transfers end too early, and well all the same. An empty hook: none does, as it is unless said.
  void on_descriptor(EarlyEnd hook) { early_end_ = std::move(hook); }

  /// The card's memory itself.
  std::span<std::uint8_t> memory() { return memory_.bytes(); }
  /// The file that holds it, for others to map. The card keeps it.
  int memory_fd() const { return memory_.fd(); }

  /// Lets the channels' states and registers and the interrupt lines appear in a waveform. Before the simulation
  /// starts.
  void trace(sc_core::sc_trace_file* file) const override;

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned debug_transport(tlm::tlm_generic_payload& payload);
  void window_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned window_debug(tlm::tlm_generic_payload& payload);
  bool window_direct(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& granted);
  void invalidate(sc_dt::uint64 first, sc_dt::uint64 last);
  void attach_hooks();
  std::uint32_t command_written(const RegisterFile::Write& write);
  std::uint32_t control_written(const RegisterFile::Write& write);
  std::uint32_t tail_written(const RegisterFile::Write& write);
  std::uint32_t seen_written(const RegisterFile::Write& write);
  void lock_while_active(std::string_view name, regs::Err code, std::uint32_t (*offset)(unsigned));
  std::uint32_t unless_active(const RegisterFile::Write& write, regs::Err code, std::uint32_t offset);
  regs::Mode written_while_active(const RegisterFile::Write& write, regs::Err code, std::uint32_t offset);
  void reset_channel(unsigned channel);
  void set_capabilities();
  std::uint32_t cause() const;
  void set_cause(std::uint32_t cause);
  void drive_lines();

  CardConfig config_;
  ViolationLog& log_;
  RegisterFile registers_;
  CardMemory memory_;
  HostBus bus_;
  Loopback loopback_;
  Arbiter arbiter_;
  EarlyEnd early_end_;
  std::optional<Link> link_;
  CardStatistics statistics_;
  sc_core::sc_event status_changed_;
  std::array<bool, vectors::kCount> lines_{};
  std::array<bool, limits::kChannels> falls_{};  // the channel's line, whatever is pending, before it rises again
  sc_core::sc_vector<Channel> channels_;
};

}  // namespace prd32
