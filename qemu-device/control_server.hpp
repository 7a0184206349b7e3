// SPDX-License-Identifier: Apache-2.0
// A UNIX socket on which clients send lines and get lines. Never blocks; what a client can cost is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "transport.hpp"
#include "unique_fd.hpp"

namespace prd32 {

class ControlServer {
 public:
  using Client = std::uint64_t;  ///< no number comes twice

  static constexpr std::size_t kMostClients = 16;      ///< more are told so, and disconnected
  static constexpr std::size_t kLongestLine = 0x4000;  ///< bytes; who sends more is told so, and disconnected
  /// Bytes that wait for a client to read them. Its requests wait, too, while there are any; events do not, and a
  /// client for whom there would be more is disconnected.
  static constexpr std::size_t kMostQueued = 0x40000;

  /// Answers one line (without its end) with another; may be empty for no answer.
  using Answer = std::function<std::string(Client, std::string_view)>;
  /// Says that a line is too long, or that there are too many clients.
  using Complaint = std::function<std::string(std::string_view)>;

  /// Throws std::runtime_error with a text for the user when the path cannot be served.
  ControlServer(const std::string& path, Answer answer, Complaint complaint);

  /// Readable when there is something to do: then call serve().
  [[nodiscard]] int fd() const { return poll_.get(); }
  void serve();
  /// Sends a line to a client, if it is still there.
  void send(Client client, std::string_view line);
  [[nodiscard]] bool connected(Client client) const;

 private:
  struct Peer {
    Client id = 0;
    UniqueFd socket;
    std::string in;     ///< received, not yet a whole line
    std::string out;    ///< to be sent
    bool ends = false;  ///< nothing more is read: it is gone when `out` is
    bool gone = false;
  };

  void accept();
  void receive(Peer& peer);
  void answer_lines(Peer& peer);
  void put(Peer& peer, std::string_view line);
  void flush(Peer& peer);
  static void drop(Peer& peer);
  void watch(const Peer& peer, int operation) const;

  Listener listener_;
  UniqueFd poll_;
  Answer answer_;
  Complaint complaint_;
  std::list<Peer> peers_;
  Client last_ = 0;
};

}  // namespace prd32
