// SPDX-License-Identifier: Apache-2.0
// DMA that the client carries out on request, where it gave no file descriptor to the memory: DMA_READ and DMA_WRITE
// messages, and their replies, which come whenever the client gets to it and in any order.
#pragma once

#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>

#include "statistics.hpp"
#include "transport.hpp"
#include "wire.hpp"

namespace prd32 {

inline constexpr std::size_t kMessageIds = std::size_t{1} << 16;

/// One access of the card. It belongs to who started it, and stays where it is until it has ended.
struct MessageAccess {
  bool write = false;
  std::uint64_t address = 0;
  std::span<std::byte> data;       ///< read: filled as replies come; write: not changed
  std::function<void()> on_ended;  ///< called once, also from within start()

  // What became of it. `rule` is null when all bytes moved, and when nobody is to blame for the end: see `cancelled`.
  bool ended = false;
  bool cancelled = false;      ///< ended by a reset or the client's leaving; that is no breach of a rule
  const char* rule = nullptr;  ///< the rule that was broken
  int error = 0;               ///< the client's errno, when it refused
  std::size_t moved = 0;       ///< bytes that were confirmed before the end
  /// For the reply to the message that is out.
  std::chrono::steady_clock::time_point deadline{};

  [[nodiscard]] bool ok() const { return ended && !cancelled && rule == nullptr; }
};

/// All accesses by message. An access has one message out at a time, as large as the client takes; accesses go on side
/// by side. Knows no SystemC: an access that has ended calls its hook, and who started it waits in its own way.
class MessageDma {
 public:
  using Clock = std::chrono::steady_clock;

  /// A message that has no reply after `timeout` ends its access; 0: it is waited for without an end.
  MessageDma(std::chrono::milliseconds timeout, BridgeStatistics& statistics)
      : timeout_(timeout), statistics_(statistics) {}
  MessageDma(const MessageDma&) = delete;
  MessageDma& operator=(const MessageDma&) = delete;
  ~MessageDma() = default;

  /// A client is there, whose messages carry at most `most` bytes of data, 1 or more. The connection stays until
  /// disconnect(), which cancels every access.
  void connect(Connection& connection, std::size_t most);
  void disconnect();

  /// Sends the first message. Without a client the access ends at once, cancelled.
  void start(MessageAccess& access);

  /// Takes a reply of the client. False when no message waits for it: it was never sent, or was answered already. The
  /// reply to a message that was given up is dropped.
  [[nodiscard]] bool reply(const wire::Header& header, std::span<const std::byte> payload);

  /// Ends every access to a part of first..last under that rule, a null rule: cancelled. What was sent already, the
  /// client may still carry out; what it replies is dropped.
  void end(std::uint64_t first, std::uint64_t last, const char* rule);
  void end_all(const char* rule);

  /// Ends the accesses whose reply is overdue; returns whether there was one.
  bool expire(Clock::time_point now);
  /// When expire() is to be called next.
  [[nodiscard]] std::optional<Clock::time_point> next_deadline() const;
  [[nodiscard]] bool idle() const { return waiting_.empty(); }

 private:
  void send_next(MessageAccess& access);
  [[nodiscard]] std::optional<std::uint16_t> free_id();
  [[nodiscard]] bool take(MessageAccess& access, std::span<const std::byte> payload);
  /// Ends the accesses for which the condition holds.
  template <typename Condition>
  bool give_up(Condition condition, const char* rule);
  static void finish(MessageAccess& access, const char* rule);

  std::chrono::milliseconds timeout_;
  BridgeStatistics& statistics_;
  Connection* connection_ = nullptr;
  std::size_t most_ = 0;
  std::uint16_t last_id_ = 0;
  std::map<std::uint16_t, MessageAccess*> waiting_;  ///< by the id of the message that is out
  /// Ids of messages that were given up: not to be used again before their reply came, which would be taken for
  /// another.
  std::bitset<kMessageIds> given_up_;
};

}  // namespace prd32
