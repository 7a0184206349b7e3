// SPDX-License-Identifier: Apache-2.0
#include "message_dma.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace prd32 {
namespace {

/// What may wait for a client that does not read; then it is as if it did not answer. Each message that it was given up
/// for stays in the queue.
constexpr std::size_t kMostBacklog = std::size_t{1} << 20;

wire::Command command_of(const MessageAccess& access) {
  return access.write ? wire::Command::kDmaWrite : wire::Command::kDmaRead;
}

}  // namespace

void MessageDma::connect(Connection& connection, std::size_t most) {
  connection_ = &connection;
  most_ = most;
}

void MessageDma::disconnect() {
  end_all(nullptr);
  connection_ = nullptr;
  given_up_.reset();
}

void MessageDma::finish(MessageAccess& access, const char* rule) {
  access.ended = true;
  access.rule = rule;
  access.on_ended();
}

void MessageDma::start(MessageAccess& access) {
  if (connection_ == nullptr) {
    access.cancelled = true;
    finish(access, nullptr);
    return;
  }
  ++(access.write ? statistics_.message_writes : statistics_.message_reads);
  send_next(access);
}

/// None when the client has left all of them unanswered.
std::optional<std::uint16_t> MessageDma::free_id() {
  for (std::size_t tried = 0; tried < kMessageIds; ++tried) {
    ++last_id_;
    if (!given_up_.test(last_id_) && !waiting_.contains(last_id_)) {
      return last_id_;
    }
  }
  return std::nullopt;
}

void MessageDma::send_next(MessageAccess& access) {
  const auto id = free_id();
  if (!id || connection_->backlog() > kMostBacklog) {
    finish(access, "dma-no-reply");
    return;
  }
  const auto data = access.data.subspan(access.moved, std::min(most_, access.data.size() - access.moved));
  const wire::DmaAccess head{.address = access.address + access.moved, .count = data.size()};
  const std::span<const std::byte> sent = access.write ? data : std::span<std::byte>();
  const wire::Header header{.id = *id,
                            .command = static_cast<std::uint16_t>(command_of(access)),
                            .size = static_cast<std::uint32_t>(sizeof(wire::Header) + sizeof(head) + sent.size()),
                            .flags = wire::kTypeCommand,
                            .error = 0};
  access.deadline = timeout_.count() == 0 ? Clock::time_point::max() : Clock::now() + timeout_;
  waiting_[*id] = &access;
  ++statistics_.dma_messages;
  // When the client is gone the access waits on: the session ends in a moment, and with it whatever waits, after which
  // the card is reset. Ended here, it would be a failure that the card blames on the driver.
  (void)connection_->send(header, wire::bytes_of(head), sent);
}

bool MessageDma::reply(const wire::Header& header, std::span<const std::byte> payload) {
  if (given_up_.test(header.id)) {
    given_up_.reset(header.id);
    ++statistics_.late_replies;
    return true;
  }
  const auto found = waiting_.find(header.id);
  if (found == waiting_.end()) {
    return false;
  }
  MessageAccess& access = *found->second;
  waiting_.erase(found);
  const bool answers = header.command == static_cast<std::uint16_t>(command_of(access));
  if (answers && (header.flags & wire::kFlagError) != 0) {
    access.error = static_cast<int>(header.error);
    finish(access, "dma-refused-by-client");
  } else if (!answers || !take(access, payload)) {
    finish(access, "dma-bad-reply");
  } else if (access.moved == access.data.size()) {
    finish(access, nullptr);
  } else {
    send_next(access);
  }
  return true;
}

/// A reply repeats the address and the number of bytes; data comes with that of a read.
bool MessageDma::take(MessageAccess& access, std::span<const std::byte> payload) {
  const std::size_t size = std::min(most_, access.data.size() - access.moved);
  const auto head = wire::take<wire::DmaAccess>(payload);
  if (!head || head->address != access.address + access.moved || head->count != size ||
      payload.size() != sizeof(*head) + (access.write ? 0 : size)) {
    return false;
  }
  if (!access.write) {
    std::memcpy(access.data.data() + access.moved, payload.data() + sizeof(*head), size);
  }
  access.moved += size;
  (access.write ? statistics_.message_write_bytes : statistics_.message_read_bytes) += size;
  return true;
}

template <typename Condition>
bool MessageDma::give_up(Condition condition, const char* rule) {
  bool any = false;
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    MessageAccess& access = *next->second;
    if (!condition(access)) {
      ++next;
      continue;
    }
    given_up_.set(next->first);
    next = waiting_.erase(next);
    access.cancelled = rule == nullptr;
    finish(access, rule);
    any = true;
  }
  return any;
}

void MessageDma::end(std::uint64_t first, std::uint64_t last, const char* rule) {
  (void)give_up(
      [first, last](const MessageAccess& access) {
        return access.address <= last && access.address + (access.data.size() - 1) >= first;
      },
      rule);
}

void MessageDma::end_all(const char* rule) {
  end(0, std::numeric_limits<std::uint64_t>::max(), rule);
}

bool MessageDma::expire(Clock::time_point now) {
  return give_up([now](const MessageAccess& access) { return access.deadline <= now; }, "dma-no-reply");
}

std::optional<MessageDma::Clock::time_point> MessageDma::next_deadline() const {
  std::optional<Clock::time_point> next;
  for (const auto& [id, access] : waiting_) {
    if (access->deadline != Clock::time_point::max()) {
      next = std::min(next.value_or(access->deadline), access->deadline);
    }
  }
  return next;
}

}  // namespace prd32
