// SPDX-License-Identifier: Apache-2.0
#include "control_server.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

namespace prd32 {
namespace {

constexpr int kEventsAtOnce = 16;
constexpr ControlServer::Client kListener = 0;

bool retry_later(ssize_t done) {
  return done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

}  // namespace

ControlServer::ControlServer(const std::string& path, Answer answer, Complaint complaint)
    : listener_(path),
      poll_(::epoll_create1(EPOLL_CLOEXEC)),
      answer_(std::move(answer)),
      complaint_(std::move(complaint)) {
  epoll_event wanted{.events = EPOLLIN, .data = {.u64 = kListener}};
  if (!poll_ || ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, listener_.fd(), &wanted) != 0) {
    throw std::runtime_error(fmt::format("cannot wait for clients at {}: {}", path, std::strerror(errno)));
  }
}

void ControlServer::serve() {
  std::array<epoll_event, kEventsAtOnce> ready{};
  const int count = ::epoll_wait(poll_.get(), ready.data(), kEventsAtOnce, 0);
  for (int i = 0; i < count; ++i) {
    const Client id = ready[static_cast<std::size_t>(i)].data.u64;
    if (id == kListener) {
      accept();
      continue;
    }
    const auto peer = std::ranges::find(peers_, id, &Peer::id);
    if (peer == peers_.end()) {
      continue;
    }
    flush(*peer);
    answer_lines(*peer);
    if (peer->out.empty() && !peer->ends) {
      receive(*peer);
    }
  }
  peers_.remove_if([](const Peer& peer) { return peer.gone; });
}

void ControlServer::accept() {
  auto socket = listener_.accept();
  if (!socket) {
    return;
  }
  Peer& peer = peers_.emplace_back(Peer{.id = ++last_, .socket = std::move(*socket), .in = {}, .out = {}});
  watch(peer, EPOLL_CTL_ADD);
  if (peers_.size() > kMostClients) {
    peer.ends = true;
    put(peer, complaint_("too many clients"));
  }
}

/// Takes what is there, once: a client that sends without end must not keep the loop.
void ControlServer::receive(Peer& peer) {
  std::array<char, kLongestLine> part;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  const ssize_t count = ::recv(peer.socket.get(), part.data(), part.size(), 0);
  if (retry_later(count)) {
    return;
  }
  if (count > 0) {
    peer.in.append(part.data(), static_cast<std::size_t>(count));
  } else {
    peer.ends = true;
  }
  answer_lines(peer);
}

/// What is left over waits until the client has read the answers. Lines that are whole are answered also when the
/// client sends no more.
void ControlServer::answer_lines(Peer& peer) {
  std::size_t begin = 0;
  while (peer.out.empty() && !peer.gone && begin < peer.in.size()) {
    const std::size_t end = peer.in.find('\n', begin);
    if (std::min(end, peer.in.size()) - begin > kLongestLine) {
      peer.ends = true;
      begin = peer.in.size();
      put(peer, complaint_("the line is too long"));
      break;
    }
    if (end == std::string::npos) {
      begin = peer.ends ? peer.in.size() : begin;
      break;
    }
    const std::string answer = answer_(peer.id, std::string_view(peer.in).substr(begin, end - begin));
    begin = end + 1;
    if (!answer.empty()) {
      put(peer, answer);
    }
  }
  peer.in.erase(0, std::min(begin, peer.in.size()));
  flush(peer);
}

void ControlServer::send(Client client, std::string_view line) {
  const auto peer = std::ranges::find(peers_, client, &Peer::id);
  if (peer != peers_.end() && !peer->gone) {
    put(*peer, line);
  }
}

bool ControlServer::connected(Client client) const {
  return std::ranges::any_of(peers_, [&](const Peer& peer) { return peer.id == client && !peer.gone; });
}

void ControlServer::put(Peer& peer, std::string_view line) {
  const bool waits = !peer.out.empty();
  peer.out.append(line).push_back('\n');
  if (peer.out.size() > kMostQueued) {
    drop(peer);
  } else if (!waits) {
    flush(peer);
  }
}

/// It is closed when the loop comes by, for which the shutdown sees: this may be in the middle of serving it.
void ControlServer::drop(Peer& peer) {
  peer.gone = true;
  peer.in.clear();
  peer.out.clear();
  (void)::shutdown(peer.socket.get(), SHUT_RDWR);
}

/// Sends what the socket takes.
void ControlServer::flush(Peer& peer) {
  if (peer.gone) {
    return;
  }
  while (!peer.out.empty()) {
    const ssize_t sent = ::send(peer.socket.get(), peer.out.data(), peer.out.size(), MSG_NOSIGNAL);
    if (retry_later(sent)) {
      break;
    }
    if (sent < 0) {
      drop(peer);
      return;
    }
    peer.out.erase(0, static_cast<std::size_t>(sent));
  }
  peer.gone = peer.out.empty() && peer.ends && peer.in.empty();
  watch(peer, EPOLL_CTL_MOD);
}

void ControlServer::watch(const Peer& peer, int operation) const {
  epoll_event wanted{.events = peer.out.empty() ? EPOLLIN : EPOLLOUT, .data = {.u64 = peer.id}};
  (void)::epoll_ctl(poll_.get(), operation, peer.socket.get(), &wanted);
}

}  // namespace prd32
