// SPDX-License-Identifier: Apache-2.0
#include "transport.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace prd32 {
namespace {

/// Room for a few pipelined messages beyond the largest one.
constexpr std::size_t kBufferSize = 2 * kMaxMessage;

bool retry_later(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    throw std::runtime_error(fmt::format("the socket path \"{}\" must have 1 to {} bytes; use a shorter folder", path,
                                         sizeof(address.sun_path) - 1));
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

UniqueFd unix_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    throw std::runtime_error(fmt::format("no UNIX socket: {}", std::strerror(errno)));
  }
  return fd;
}

/// Removes what a server that was killed left behind. A path in use, or one that is no socket, stays.
void remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    return;
  }
  if (!S_ISSOCK(status.st_mode)) {
    throw std::runtime_error(fmt::format("{} exists and is no socket; give another --socket", path));
  }
  const UniqueFd probe = unix_socket();
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno != ECONNREFUSED) {
    throw std::runtime_error(fmt::format("another program serves {}; stop it or give another --socket", path));
  }
  ::unlink(path.c_str());
}

}  // namespace

void MessageFds::clear() {
  for (std::size_t i = 0; i < count; ++i) {
    fd[i].reset();
  }
  count = 0;
  overflow = false;
}

Connection::Connection(UniqueFd socket) : socket_(std::move(socket)), buffer_(kBufferSize) {
  queued_.reserve(kMaxMessage);
}

Receive Connection::receive(Message& message) {
  if (delivered_) {
    message_fds_.clear();
    delivered_ = false;
  }
  while (true) {
    const auto header = wire::take<wire::Header>({buffer_.data() + begin_, end_ - begin_});
    if (header) {
      message.header = *header;
      if (header->size < sizeof(wire::Header) || header->size > kMaxMessage) {
        return Receive::kBroken;
      }
      if (end_ - begin_ >= header->size) {
        break;
      }
    }
    claim_arrived();  // the message at the front is the last one, so they are its own
    if (const Receive result = fill(); result != Receive::kMessage) {
      return result;
    }
  }
  const std::size_t next = begin_ + message.header.size;
  message.payload = {buffer_.data() + begin_ + sizeof(wire::Header), message.header.size - sizeof(wire::Header)};
  // The kernel ends a receive behind the bytes that carried descriptors, so they belong to the last message in it.
  if (next >= arrived_before_) {
    claim_arrived();
  }
  begin_ = next;
  delivered_ = true;
  return Receive::kMessage;
}

void Connection::claim_arrived() {
  for (std::size_t i = 0; i < arrived_.count; ++i) {
    if (message_fds_.count < kMaxMessageFds) {
      message_fds_.fd[message_fds_.count++] = std::move(arrived_.fd[i]);
    } else {
      message_fds_.overflow = true;
    }
  }
  message_fds_.overflow = message_fds_.overflow || arrived_.overflow;
  arrived_.clear();
}

Receive Connection::fill() {
  if (begin_ == end_) {
    begin_ = end_ = arrived_before_ = 0;
  } else if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    arrived_before_ -= std::min(arrived_before_, begin_);
    begin_ = 0;
  }
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxMessageFds * sizeof(int))> control;
  iovec vector{.iov_base = buffer_.data() + end_, .iov_len = buffer_.size() - end_};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got <= 0) {
    return got < 0 && retry_later(errno) ? Receive::kAgain : Receive::kClosed;
  }
  end_ += static_cast<std::size_t>(got);
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    take_fds(part);
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0) {
    arrived_.overflow = true;
    arrived_before_ = end_;
  }
  return Receive::kMessage;
}

void Connection::take_fds(const void* control_message) {
  cmsghdr part;
  std::memcpy(&part, control_message, sizeof(part));
  if (part.cmsg_level != SOL_SOCKET || part.cmsg_type != SCM_RIGHTS) {
    return;
  }
  const unsigned char* data = CMSG_DATA(static_cast<const cmsghdr*>(control_message));
  const std::size_t count = (part.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < count; ++i) {
    int fd = -1;
    std::memcpy(&fd, data + i * sizeof(int), sizeof(int));
    UniqueFd owned(fd);
    if (arrived_.count < kMaxMessageFds) {
      arrived_.fd[arrived_.count++] = std::move(owned);
    } else {
      arrived_.overflow = true;
    }
  }
  arrived_before_ = end_;
}

std::optional<std::size_t> Connection::put(std::span<const std::span<const std::byte>> parts, int passed) {
  std::array<iovec, 3> vectors;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    vectors[i] = {.iov_base = const_cast<std::byte*>(parts[i].data()), .iov_len = parts[i].size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = parts.size();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (passed >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(part), &passed, sizeof(passed));
  }
  const ssize_t result = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (result >= 0) {
    return static_cast<std::size_t>(result);
  }
  gone_ = gone_ || !retry_later(errno);
  return gone_ ? std::nullopt : std::optional<std::size_t>(0);
}

bool Connection::send(const wire::Header& header, std::span<const std::byte> head, std::span<const std::byte> data,
                      int passed) {
  const std::array<std::span<const std::byte>, 3> parts = {wire::bytes_of(header), head, data};
  std::size_t sent = 0;
  if (queued_.empty()) {
    const auto taken = put(parts, passed);
    if (!taken) {
      return false;
    }
    sent = *taken;
    queued_fd_ = sent == 0 ? passed : -1;
  }
  for (const auto& part : parts) {
    const std::size_t skip = std::min(sent, part.size());
    sent -= skip;
    queued_.insert(queued_.end(), part.begin() + static_cast<std::ptrdiff_t>(skip), part.end());
  }
  return true;
}

bool Connection::flush() {
  if (gone_ || queued_.empty()) {
    return !gone_;
  }
  const std::span<const std::byte> part = queued_;
  const auto taken = put({&part, 1}, queued_fd_);
  if (!taken) {
    return false;
  }
  if (*taken > 0) {
    queued_fd_ = -1;
    queued_.erase(queued_.begin(), queued_.begin() + static_cast<std::ptrdiff_t>(*taken));
  }
  return true;
}

Listener::Listener(std::string path) : socket_(unix_socket()), path_(std::move(path)) {
  const sockaddr_un address = address_of(path_);
  remove_stale(path_, address);
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error(
        fmt::format("cannot make the socket {}: {}; does its folder exist?", path_, std::strerror(errno)));
  }
  if (::listen(socket_.get(), 8) != 0) {
    ::unlink(path_.c_str());
    throw std::runtime_error(fmt::format("cannot listen at {}: {}", path_, std::strerror(errno)));
  }
}

Listener::Listener(UniqueFd listening) : socket_(std::move(listening)) {
  int accepting = 0;
  socklen_t size = sizeof(accepting);
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) != 0 || accepting == 0) {
    throw std::runtime_error(fmt::format("--socket-fd {} is not a listening socket", socket_.get()));
  }
}

Listener::~Listener() {
  if (!path_.empty()) {
    ::unlink(path_.c_str());
  }
}

std::optional<UniqueFd> Listener::accept() const {
  UniqueFd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  return client ? std::optional<UniqueFd>(std::move(client)) : std::nullopt;
}

}  // namespace prd32
