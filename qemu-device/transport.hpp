// SPDX-License-Identifier: Apache-2.0
// A vfio-user connection: bytes and file descriptors in, whole messages out, with every size bounded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "unique_fd.hpp"
#include "wire.hpp"

namespace prd32 {

/// The largest data part of a message, both ways; told to the peer as max_data_xfer_size. A PRD describes at most this.
inline constexpr std::size_t kMaxDataTransfer = 0x10000;
/// The largest whole message: the data, the largest fixed structure and the header.
inline constexpr std::size_t kMaxMessage = kMaxDataTransfer + 64;
/// The most descriptors in a message; told to the peer as max_msg_fds. QEMU refuses servers that offer more.
inline constexpr std::size_t kMaxMessageFds = 16;

/// The descriptors of one message. A fixed array, because there is one message at a time and it must not allocate.
struct MessageFds {
  std::array<UniqueFd, kMaxMessageFds> fd;
  std::size_t count = 0;
  bool overflow = false;  ///< more arrived than fit; the kernel closed the rest

  void clear();
};

/// One received message. The payload points into the connection's buffer and is valid until the next receive().
struct Message {
  wire::Header header;
  std::span<const std::byte> payload;
};

enum class Receive {
  kMessage,  ///< the message is there
  kAgain,    ///< nothing whole yet
  kClosed,   ///< the peer is gone, or the socket failed
  kBroken,   ///< the header's size is impossible: where the next message starts cannot be known
};

/// A connected stream socket. Never blocks; one system call receives a message, one sends it.
class Connection {
 public:
  explicit Connection(UniqueFd socket);

  [[nodiscard]] int fd() const { return socket_.get(); }

  /// Receives the next message. On kMessage, `message` and fds() describe it. On kBroken only message.header is valid.
  [[nodiscard]] Receive receive(Message& message);

  /// The descriptors of the message last received. The caller takes those that it keeps; the next receive() closes
  /// the others.
  [[nodiscard]] MessageFds& fds() { return message_fds_; }

  /// Sends a message, or queues what the socket does not take. False when the peer is gone or the socket failed, after
  /// which flush() says so, too. `passed` is a descriptor that goes with it, or -1; it must stay open until the message
  /// has left, and be given only while not congested().
  [[nodiscard]] bool send(const wire::Header& header, std::span<const std::byte> head,
                          std::span<const std::byte> data = {}, int passed = -1);

  /// True while queued bytes wait for the socket. No message should be received meanwhile: a peer that does not read
  /// its replies must not make the queue grow.
  [[nodiscard]] bool congested() const { return !queued_.empty(); }
  /// How many bytes are queued. Who sends unasked is to look at it, and not to add without end.
  [[nodiscard]] std::size_t backlog() const { return queued_.size(); }
  /// Sends what is queued, as far as the socket takes it. False when the peer is gone.
  [[nodiscard]] bool flush();

 private:
  /// Sends what of the parts the socket takes, and the descriptor with the first byte. Returns the number of bytes, 0
  /// when the socket is full, none when the peer is gone.
  [[nodiscard]] std::optional<std::size_t> put(std::span<const std::span<const std::byte>> parts, int passed);
  [[nodiscard]] Receive fill();
  void take_fds(const void* control_message);
  void claim_arrived();

  UniqueFd socket_;
  bool gone_ = false;              ///< a message could not be sent
  std::vector<std::byte> buffer_;  ///< of fixed size
  std::size_t begin_ = 0;          ///< first byte not yet consumed
  std::size_t end_ = 0;            ///< one past the last byte received
  bool delivered_ = false;         ///< the last receive() gave a message, message_fds_ are what is left of it
  MessageFds message_fds_;
  MessageFds arrived_;              ///< not yet given to a message
  std::size_t arrived_before_ = 0;  ///< arrived_ belongs to the last message that starts before this buffer position
  std::vector<std::byte> queued_;
  int queued_fd_ = -1;  ///< goes with the first byte of queued_
};

/// A listening UNIX socket.
class Listener {
 public:
  /// Binds and listens at `path`. A stale socket file at the path is replaced; one that a live server holds is not.
  /// Throws std::runtime_error with a text for the user.
  explicit Listener(std::string path);
  /// Takes over a socket that is already listening, e.g. from a service manager.
  explicit Listener(UniqueFd listening);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();  ///< unlinks the path, if it made it

  [[nodiscard]] int fd() const { return socket_.get(); }
  /// A connected client, or none.
  [[nodiscard]] std::optional<UniqueFd> accept() const;

 private:
  UniqueFd socket_;
  std::string path_;
};

}  // namespace prd32
