// SPDX-License-Identifier: Apache-2.0
// One client's conversation: negotiation, then one reply a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "dma_map.hpp"
#include "message_dma.hpp"
#include "pci_function.hpp"
#include "statistics.hpp"
#include "transport.hpp"
#include "wire.hpp"

namespace prd32 {

class Session {
 public:
  /// All but the socket outlive the session. On its end accesses by message are cancelled, the function is told and the
  /// map cleared. `settle` lets the card act on a write, where another one comes with the same message.
  Session(UniqueFd socket, PciFunction& function, DmaMap& dma, MessageDma& messages, BridgeStatistics& statistics,
          std::function<void()> settle);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  enum class Served {
    kMessage,  ///< one message was served
    kNothing,  ///< there is none, or replies must be taken by the client first
    kEnded,    ///< the client went, or said what cannot be answered
  };
  /// Serves one message without ever blocking.
  [[nodiscard]] Served serve();

  [[nodiscard]] const Connection& connection() const { return connection_; }

 private:
  /// A reply's payload, or an errno: then there is no payload.
  struct Reply {
    int error = 0;
    std::span<const std::byte> head = {};
    std::span<const std::byte> data = {};
    int fd = -1;  ///< a descriptor for the client, which the function owns
  };

  [[nodiscard]] static Reply fail(int error) { return {.error = error}; }
  [[nodiscard]] Served handle(const Message& message);
  void take_reply(const Message& message);
  [[nodiscard]] Reply dispatch(const Message& message);
  [[nodiscard]] Reply version(std::span<const std::byte> payload);
  [[nodiscard]] Reply dma_map(std::span<const std::byte> payload);
  [[nodiscard]] Reply dma_unmap(std::span<const std::byte> payload);
  [[nodiscard]] Reply device_info(std::span<const std::byte> payload);
  [[nodiscard]] Reply region_info(std::span<const std::byte> payload);
  [[nodiscard]] Reply mappable_region(wire::RegionInfo info, std::uint32_t room, const PciFunction::Mapping& mapping);
  [[nodiscard]] Reply irq_info(std::span<const std::byte> payload);
  [[nodiscard]] Reply set_irqs(std::span<const std::byte> payload);
  [[nodiscard]] Reply region_read(std::span<const std::byte> payload);
  [[nodiscard]] Reply region_write(std::span<const std::byte> payload);
  [[nodiscard]] Reply region_write_multi(std::span<const std::byte> payload);
  [[nodiscard]] bool send(const wire::Header& request, const Reply& reply);
  /// Keeps a structure for the reply and returns its bytes.
  template <typename T>
  [[nodiscard]] std::span<const std::byte> keep(const T& value);

  Connection connection_;
  PciFunction& function_;
  DmaMap& dma_;
  MessageDma& messages_;
  BridgeStatistics& statistics_;
  std::function<void()> settle_;
  bool negotiated_ = false;
  bool incompatible_ = false;
  std::vector<std::byte> head_;  ///< of the reply being made; of fixed size
  std::vector<std::byte> data_;  ///< likewise
};

}  // namespace prd32
