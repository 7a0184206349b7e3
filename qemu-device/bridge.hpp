// SPDX-License-Identifier: Apache-2.0
// The one SystemC module of the bridge: the card's ports on one side, the PCI function and the client's memory on the
// other.
#pragma once

#include <tlm.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <systemc>
#include <utility>

#include "dma_map.hpp"
#include "message_dma.hpp"
#include "pci_function.hpp"
#include "prd32/violation.hpp"
#include "statistics.hpp"

namespace prd32 {

class Bridge final : public sc_core::sc_module, public CardPort {
 public:
  tlm_utils::simple_initiator_socket<Bridge> mmio;    ///< to the card's registers
  tlm_utils::simple_initiator_socket<Bridge> memory;  ///< to the card's memory, of which byte 0 is the first
  /// From the card's engines, bus addresses. Where the client has to carry out an access, b_transport suspends the
  /// calling SC_THREAD until it has; simulated time does not pass for that.
  tlm_utils::simple_target_socket<Bridge> dma;
  sc_core::sc_vector<sc_core::sc_in<bool>> irq;  ///< one level line a vector

  /// `reset_card` puts the card into its reset state; TLM has no transaction for that.
  Bridge(const sc_core::sc_module_name& name, unsigned vectors, std::function<void()> reset_card, DmaMap& map,
         MessageDma& messages, BridgeStatistics& statistics, ViolationLog& violations);

  /// The function whose configuration space gates DMA and whose interrupts the lines drive. Before the first access.
  void connect(PciFunction& function);

  /// Says whether a channel of the card is at work: DMA of one that is not is recorded as "dma-by-idle-channel", and
  /// carried out as far as it can be, as on a real bus. Transactions that do not say whose they are (DmaOrigin) are not
  /// looked at.
  void watch_channels(std::function<bool(unsigned)> active) { active_ = std::move(active); }

  [[nodiscard]] bool read(CardSpace space, std::uint64_t address, std::span<std::byte> data) override;
  [[nodiscard]] bool write(CardSpace space, std::uint64_t address, std::span<const std::byte> data) override;
  void reset() override;

 private:
  [[nodiscard]] bool access(CardSpace space, tlm::tlm_command command, std::uint64_t address,
                            std::span<std::byte> data);
  void dma_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  [[nodiscard]] bool dma_direct(tlm::tlm_generic_payload& transaction, tlm::tlm_dmi& direct);
  unsigned dma_debug(tlm::tlm_generic_payload& transaction);
  struct Refusal {
    const char* rule;
    std::uint64_t address;
    std::string why{};
  };
  [[nodiscard]] std::optional<Refusal> dma_by_message(tlm::tlm_generic_payload& transaction, std::span<std::byte> data);
  [[nodiscard]] bool by_idle_channel(const tlm::tlm_generic_payload& transaction) const;
  void carry_out_idle(tlm::tlm_generic_payload& transaction, std::span<std::byte> data);
  void refuse(tlm::tlm_generic_payload& transaction, const Refusal& refusal);
  void forward_lines();

  std::function<void()> reset_card_;
  DmaMap& map_;
  MessageDma& messages_;
  BridgeStatistics& statistics_;
  ViolationLog& violations_;
  std::function<bool(unsigned)> active_;
  PciFunction* function_ = nullptr;
  tlm::tlm_generic_payload transaction_;  ///< reused: there is one access of the client at a time
};

}  // namespace prd32
