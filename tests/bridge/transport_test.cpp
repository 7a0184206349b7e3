// SPDX-License-Identifier: Apache-2.0
#include "transport.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "support.hpp"

namespace prd32 {
namespace {

class TransportTest : public testing::Test {
 protected:
  TransportTest() {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    peer_.reset(pair[0]);
    connection_.emplace(UniqueFd(pair[1]));
  }
  static std::string message(std::uint16_t id, std::size_t payload) {
    const wire::Header header{.id = id,
                              .command = 9,
                              .size = static_cast<std::uint32_t>(sizeof(wire::Header) + payload),
                              .flags = 0,
                              .error = 0};
    return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) + std::string(payload, 'x');
  }
  void send(const std::string& data, std::size_t fds = 0) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(64 * sizeof(int))> control{};
    iovec vector{.iov_base = const_cast<char*>(data.data()), .iov_len = data.size()};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    if (fds > 0) {
      header.msg_control = control.data();
      header.msg_controllen = CMSG_SPACE(fds * sizeof(int));
      cmsghdr* part = CMSG_FIRSTHDR(&header);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(fds * sizeof(int));
      for (std::size_t i = 0; i < fds; ++i) {
        const int fd = peer_.get();
        std::copy_n(reinterpret_cast<const unsigned char*>(&fd), sizeof(fd), CMSG_DATA(part) + i * sizeof(fd));
      }
    }
    ASSERT_EQ(::sendmsg(peer_.get(), &header, 0), static_cast<ssize_t>(data.size()));
  }
  /// Id and number of descriptors of the next message.
  std::pair<int, std::size_t> next() {
    Message received{};
    if (connection_->receive(received) != Receive::kMessage) {
      return {-1, 0};
    }
    return {received.header.id, connection_->fds().count};
  }

  /// The descriptor that came with the next `size` bytes that the peer received, if one did.
  UniqueFd taken(std::size_t size) {
    UniqueFd found;
    std::vector<std::byte> data(size);
    while (size > 0) {
      alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
      iovec vector{.iov_base = data.data(), .iov_len = size};
      msghdr header{};
      header.msg_iov = &vector;
      header.msg_iovlen = 1;
      header.msg_control = control.data();
      header.msg_controllen = control.size();
      const ssize_t got = ::recvmsg(peer_.get(), &header, MSG_DONTWAIT);
      if (got <= 0) {
        ADD_FAILURE() << size << " bytes are missing";
        break;
      }
      if (const cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr && part->cmsg_type == SCM_RIGHTS) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part), sizeof(fd));
        found.reset(fd);
      }
      size -= static_cast<std::size_t>(got);
    }
    return found;
  }
  static bool same_file(const UniqueFd& one, const UniqueFd& other) {
    struct stat a{};
    struct stat b{};
    return ::fstat(one.get(), &a) == 0 && ::fstat(other.get(), &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
  }

  using Next = std::pair<int, std::size_t>;
  UniqueFd peer_;
  std::optional<Connection> connection_;
};

TEST_F(TransportTest, ManyMessagesInOnePiece) {
  send(message(1, 0) + message(2, 100) + message(3, 7));
  EXPECT_EQ(next(), Next(1, 0));
  EXPECT_EQ(next(), Next(2, 0));
  EXPECT_EQ(next(), Next(3, 0));
  EXPECT_EQ(next(), Next(-1, 0));
}

TEST_F(TransportTest, OneMessageInManyPieces) {
  const std::string whole = message(5, 40);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(next(), Next(-1, 0));
    send(whole.substr(i, 1), i == 20 ? 2 : 0);
  }
  EXPECT_EQ(next(), Next(5, 2)) << "descriptors are kept until their message is whole";
}

TEST_F(TransportTest, DescriptorsBelongToTheLastMessageOfAPiece) {
  send(message(1, 10));
  send(message(2, 10), 1);
  send(message(3, 10), 3);
  send(message(4, 10));
  EXPECT_EQ(next(), Next(1, 0));
  EXPECT_EQ(next(), Next(2, 1));
  EXPECT_EQ(next(), Next(3, 3));
  EXPECT_EQ(next(), Next(4, 0));
}

TEST_F(TransportTest, TooManyDescriptorsAreToldAndClosed) {
  send(message(1, 0), 20);
  send(message(2, 0));
  Message received{};
  ASSERT_EQ(connection_->receive(received), Receive::kMessage);
  EXPECT_TRUE(connection_->fds().overflow);
  ASSERT_EQ(connection_->receive(received), Receive::kMessage);
  EXPECT_FALSE(connection_->fds().overflow);
  EXPECT_EQ(connection_->fds().count, 0U);
}

TEST_F(TransportTest, LargestMessageFits) {
  const std::string largest = message(1, kMaxMessage - sizeof(wire::Header));
  std::vector<int> ids;
  for (int round = 0; round < 3; ++round) {
    send(message(2, 33));
    send(largest);
    ids.push_back(next().first);
    ids.push_back(next().first);
  }
  EXPECT_EQ(ids, (std::vector<int>{2, 1, 2, 1, 2, 1}));
}

TEST_F(TransportTest, ImpossibleSizeBreaksTheStream) {
  wire::Header header{.id = 1, .command = 1, .size = kMaxMessage + 1, .flags = 0, .error = 0};
  send(std::string(reinterpret_cast<const char*>(&header), sizeof(header)));
  Message received{};
  EXPECT_EQ(connection_->receive(received), Receive::kBroken);
}

TEST_F(TransportTest, PeerThatWentIsToldApartFromSilence) {
  Message received{};
  EXPECT_EQ(connection_->receive(received), Receive::kAgain);
  peer_.reset();
  EXPECT_EQ(connection_->receive(received), Receive::kClosed);
}

TEST_F(TransportTest, UnsentBytesAreQueuedInOrder) {
  const std::vector<std::byte> data(kMaxDataTransfer, std::byte{7});
  wire::Header header{.id = 0, .command = 9, .size = sizeof(header) + kMaxDataTransfer, .flags = 1, .error = 0};
  std::size_t messages = 0;
  while (!connection_->congested()) {
    header.id = static_cast<std::uint16_t>(messages++);
    ASSERT_TRUE(connection_->send(header, {}, data));
  }
  std::size_t read = 0;
  std::vector<std::byte> buffer(header.size);
  for (std::size_t i = 0; i < messages; ++i) {
    for (std::size_t got = 0; got < buffer.size();) {
      ASSERT_TRUE(connection_->flush());
      const ssize_t part = ::recv(peer_.get(), buffer.data() + got, buffer.size() - got, 0);
      ASSERT_GT(part, 0);
      got += static_cast<std::size_t>(part);
    }
    EXPECT_EQ(wire::take<wire::Header>(buffer)->id, i);
    ++read;
  }
  EXPECT_EQ(read, messages);
  EXPECT_FALSE(connection_->congested());
}

TEST_F(TransportTest, DescriptorGoesWithItsMessage) {
  const UniqueFd file = test::memory_file(4096);
  ASSERT_TRUE(connection_->send({.id = 1, .command = 5, .size = 16, .flags = 1, .error = 0}, {}, {}, file.get()));
  EXPECT_TRUE(same_file(taken(16), file));
  ASSERT_TRUE(connection_->send({.id = 2, .command = 5, .size = 16, .flags = 1, .error = 0}, {}));
  EXPECT_FALSE(taken(16));
}

TEST_F(TransportTest, DescriptorWaitsWithItsMessage) {
  std::size_t before = 0;
  const std::vector<std::byte> junk(4096);
  for (ssize_t sent = 0; sent >= 0; sent = ::send(connection_->fd(), junk.data(), junk.size(), MSG_DONTWAIT)) {
    before += static_cast<std::size_t>(sent);
  }
  const UniqueFd file = test::memory_file(4096);
  ASSERT_TRUE(connection_->send({.id = 1, .command = 5, .size = 16, .flags = 1, .error = 0}, {}, {}, file.get()));
  ASSERT_TRUE(connection_->congested());
  EXPECT_FALSE(taken(before));
  ASSERT_TRUE(connection_->flush());
  EXPECT_FALSE(connection_->congested());
  EXPECT_TRUE(same_file(taken(16), file));
}

TEST(Listener, ReplacesAStaleSocketOnly) {
  const std::string path = testing::TempDir() + "prd32-listener-test.sock";
  {
    const Listener first(path);
    EXPECT_THROW(Listener{path}, std::runtime_error) << "it is in use";
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0) << "the socket file is removed";
  EXPECT_THROW(Listener{std::string(200, 'x')}, std::runtime_error);
  EXPECT_THROW(Listener{std::string("/nonexistent/folder/socket")}, std::runtime_error);
  EXPECT_THROW(Listener{testing::TempDir()}, std::runtime_error) << "a folder is no socket";
  EXPECT_THROW(Listener{UniqueFd(::dup(0))}, std::runtime_error) << "not a listening socket";
}

}  // namespace
}  // namespace prd32
