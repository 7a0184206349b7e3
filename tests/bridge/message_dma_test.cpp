// SPDX-License-Identifier: Apache-2.0
#include "message_dma.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "support.hpp"

namespace prd32 {
namespace {

using namespace std::chrono_literals;

constexpr auto kRead = static_cast<std::uint16_t>(wire::Command::kDmaRead);
constexpr auto kWrite = static_cast<std::uint16_t>(wire::Command::kDmaWrite);

/// What the client received.
struct Request {
  wire::Header header{};
  wire::DmaAccess access{};
  std::vector<std::byte> data;
};

class MessageDmaTest : public testing::Test {
 protected:
  MessageDmaTest() {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()), 0);
    peer_.reset(pair[0]);
    connection_.emplace(UniqueFd(pair[1]));
    dma_.connect(*connection_, 16);
  }

  void start(MessageAccess& access, bool write, std::uint64_t address, std::span<std::byte> data) {
    access.write = write;
    access.address = address;
    access.data = data;
    access.on_ended = [this] { ++ends_; };
    dma_.start(access);
  }
  void read_exactly(void* to, std::size_t size) {
    ASSERT_EQ(::recv(peer_.get(), to, size, MSG_WAITALL), static_cast<ssize_t>(size));
  }
  Request request() {
    Request got;
    read_exactly(&got.header, sizeof(got.header));
    read_exactly(&got.access, sizeof(got.access));
    got.data.resize(got.header.size - sizeof(got.header) - sizeof(got.access));
    if (!got.data.empty()) {
      read_exactly(got.data.data(), got.data.size());
    }
    return got;
  }
  bool silence() {
    std::byte byte{};
    return ::recv(peer_.get(), &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
  }
  /// Answers as the protocol asks for; `fill` is what the client's memory holds.
  bool answer(const Request& to, std::byte fill = {}, std::uint64_t count_off_by = 0, std::size_t more = 0) {
    wire::DmaAccess head = to.access;
    head.count += count_off_by;
    std::vector<std::byte> payload(sizeof(head) + (to.header.command == kRead ? to.access.count : 0) + more, fill);
    std::memcpy(payload.data(), &head, sizeof(head));
    return dma_.reply({.id = to.header.id, .command = to.header.command, .size = 0, .flags = 1, .error = 0}, payload);
  }
  bool refuse(const Request& to, std::uint32_t error) {
    return dma_.reply({.id = to.header.id,
                       .command = to.header.command,
                       .size = 0,
                       .flags = wire::kTypeReply | wire::kFlagError,
                       .error = error},
                      {});
  }
  bool holds(std::byte value) {
    return std::ranges::all_of(data_, [value](std::byte byte) { return byte == value; });
  }

  UniqueFd peer_;
  std::optional<Connection> connection_;
  BridgeStatistics statistics_;
  MessageDma dma_{1s, statistics_};
  std::vector<std::byte> data_ = std::vector<std::byte>(40);
  MessageAccess access_;
  int ends_ = 0;
};

TEST_F(MessageDmaTest, ReadIsSplitAtWhatTheClientTakes) {
  start(access_, false, 0x1000, data_);
  for (const auto& [address, count] : {std::pair(0x1000U, 16U), {0x1010U, 16U}, {0x1020U, 8U}}) {
    EXPECT_FALSE(access_.ended);
    const Request got = request();
    EXPECT_EQ(got.header.command, kRead);
    EXPECT_EQ(got.header.flags, wire::kTypeCommand);
    EXPECT_EQ(got.access.address, address);
    EXPECT_EQ(got.access.count, count);
    EXPECT_TRUE(got.data.empty());
    EXPECT_TRUE(silence()) << "one message at a time";
    EXPECT_TRUE(answer(got, std::byte{0x5a}));
  }
  EXPECT_TRUE(access_.ok());
  EXPECT_EQ(ends_, 1);
  EXPECT_TRUE(holds(std::byte{0x5a}));
  EXPECT_TRUE(dma_.idle());
  EXPECT_EQ(statistics_.message_read_bytes, 40U);
  EXPECT_EQ(statistics_.dma_messages, 3U);
  EXPECT_EQ(statistics_.message_reads, 1U);
}

TEST_F(MessageDmaTest, WriteCarriesItsBytes) {
  for (std::size_t i = 0; i < data_.size(); ++i) {
    data_[i] = static_cast<std::byte>(i);
  }
  start(access_, true, 0x1000, data_);
  std::vector<std::byte> sent;
  while (!access_.ended) {
    const Request got = request();
    EXPECT_EQ(got.header.command, kWrite);
    EXPECT_EQ(got.data.size(), got.access.count);
    sent.insert(sent.end(), got.data.begin(), got.data.end());
    ASSERT_TRUE(answer(got));
  }
  EXPECT_TRUE(access_.ok());
  EXPECT_EQ(sent, data_);
}

TEST_F(MessageDmaTest, RepliesMayComeInAnyOrder) {
  std::array<std::byte, 8> one{};
  std::array<std::byte, 8> two{};
  MessageAccess second;
  start(access_, false, 0x1000, one);
  start(second, false, 0x2000, two);
  const Request first_asked = request();
  const Request second_asked = request();
  EXPECT_NE(first_asked.header.id, second_asked.header.id);
  EXPECT_TRUE(answer(second_asked, std::byte{2}));
  EXPECT_TRUE(second.ok());
  EXPECT_FALSE(access_.ended);
  EXPECT_TRUE(answer(first_asked, std::byte{1}));
  EXPECT_TRUE(access_.ok());
  EXPECT_EQ(one[7], std::byte{1});
  EXPECT_EQ(two[7], std::byte{2});
}

TEST_F(MessageDmaTest, RefusalNamesTheErrnoAndTheFirstBytesNotMoved) {
  start(access_, false, 0x1000, data_);
  ASSERT_TRUE(answer(request()));
  ASSERT_TRUE(refuse(request(), EPERM));
  EXPECT_STREQ(access_.rule, "dma-refused-by-client");
  EXPECT_EQ(access_.error, EPERM);
  EXPECT_EQ(access_.moved, 16U);
  EXPECT_TRUE(silence());
  EXPECT_TRUE(dma_.idle());
}

TEST_F(MessageDmaTest, RepliesThatDoNotFit) {
  const std::vector<std::function<bool(const Request&)>> wrong = {
      [this](const Request& to) { return answer(to, {}, 1); },
      [this](const Request& to) { return answer(to, {}, 0, 1); },
      [this](const Request& to) { return answer(to, {}, std::uint64_t{1} << 32); },
      [this](Request to) {
        to.access.address += 16;
        return answer(to);
      },
      [this](Request to) {
        to.header.command = to.header.command == kRead ? kWrite : kRead;
        return answer(to);
      },
      [this](const Request& to) { return dma_.reply(to.header, {}); },
  };
  for (const bool write : {false, true}) {
    for (std::size_t i = 0; i < wrong.size(); ++i) {
      MessageAccess access;
      start(access, write, 0x1000, data_);
      EXPECT_TRUE(wrong[i](request())) << i;
      EXPECT_TRUE(access.ended);
      EXPECT_STREQ(access.rule, "dma-bad-reply") << i;
      EXPECT_TRUE(holds(std::byte{0}));
    }
  }
}

TEST_F(MessageDmaTest, WhatAClientDoesNotReadIsBounded) {
  constexpr std::size_t kBytes = 0x8000;
  constexpr int kMany = 1000;  // more than a socket and what may wait for it take
  dma_.disconnect();
  dma_.connect(*connection_, kBytes);
  std::vector<std::byte> data(kBytes);
  int sent = 0;
  for (; sent < kMany; ++sent) {
    MessageAccess access;
    start(access, true, 0x1000, data);
    if (access.ended) {
      EXPECT_STREQ(access.rule, "dma-no-reply");
      break;
    }
    ASSERT_TRUE(dma_.expire(MessageDma::Clock::now() + 2s));
  }
  EXPECT_LT(sent, kMany);
  EXPECT_LT(connection_->backlog(), std::size_t{2} << 20);
  while (connection_->congested()) {
    std::vector<std::byte> read(std::size_t{1} << 20);
    ASSERT_GT(::recv(peer_.get(), read.data(), read.size(), 0), 0);
    ASSERT_TRUE(connection_->flush());
  }
  MessageAccess access;
  start(access, true, 0x1000, data);
  EXPECT_FALSE(access.ended) << "it is asked again";
  dma_.disconnect();
}

TEST_F(MessageDmaTest, ReplyToNothingIsTold) {
  start(access_, false, 0x1000, std::span(data_).first(8));
  const Request got = request();
  Request other = got;
  ++other.header.id;
  EXPECT_FALSE(answer(other));
  EXPECT_TRUE(answer(got));
  EXPECT_FALSE(answer(got)) << "a second time";
  EXPECT_EQ(ends_, 1);
}

TEST_F(MessageDmaTest, NoReplyInTimeEndsTheAccess) {
  const auto before = MessageDma::Clock::now();
  EXPECT_FALSE(dma_.next_deadline());
  start(access_, false, 0x1000, data_);
  const auto deadline = dma_.next_deadline();
  ASSERT_TRUE(deadline);
  EXPECT_GE(*deadline, before + 1s);
  EXPECT_FALSE(dma_.expire(*deadline - 1ms));
  EXPECT_TRUE(dma_.expire(*deadline));
  EXPECT_STREQ(access_.rule, "dma-no-reply");
  EXPECT_FALSE(dma_.next_deadline());
  EXPECT_TRUE(answer(request(), std::byte{0xff})) << "the late reply";
  EXPECT_TRUE(holds(std::byte{0}));
  EXPECT_EQ(statistics_.late_replies, 1U);
  EXPECT_EQ(ends_, 1);
}

TEST_F(MessageDmaTest, WithoutATimeLimitNothingExpires) {
  MessageDma patient(0ms, statistics_);
  patient.connect(*connection_, 16);
  access_.data = data_;
  access_.on_ended = [] {};
  patient.start(access_);
  EXPECT_FALSE(patient.next_deadline());
  EXPECT_FALSE(patient.expire(MessageDma::Clock::now() + 1000h));
}

TEST_F(MessageDmaTest, UnmapEndsWhatItTouches) {
  std::array<std::byte, 8> elsewhere{};
  MessageAccess other;
  start(access_, false, 0x1000, data_);
  start(other, false, 0x2000, elsewhere);
  dma_.end(0, 0xfff, "rule");
  dma_.end(0x1028, 0x1fff, "rule");
  EXPECT_FALSE(access_.ended || other.ended) << "neighbours";
  dma_.end(0x1027, 0x1fff, "rule");
  EXPECT_STREQ(access_.rule, "rule");
  EXPECT_FALSE(other.ended);
  EXPECT_TRUE(answer(request(), std::byte{0xff}));
  EXPECT_TRUE(holds(std::byte{0}));
}

TEST_F(MessageDmaTest, CancellingIsNoBreach) {
  start(access_, true, 0x1000, data_);
  dma_.end_all(nullptr);
  EXPECT_TRUE(access_.ended && access_.cancelled && access_.rule == nullptr);
  EXPECT_FALSE(access_.ok());
  EXPECT_TRUE(answer(request()));
  EXPECT_TRUE(silence()) << "the rest is not sent";
}

TEST_F(MessageDmaTest, WithoutAClientNothingIsSent) {
  start(access_, false, 0x1000, data_);
  dma_.disconnect();
  EXPECT_TRUE(access_.cancelled);
  MessageAccess later;
  start(later, false, 0x1000, data_);
  EXPECT_TRUE(later.ended && later.cancelled);
  peer_.reset();
  dma_.connect(*connection_, 16);
  MessageAccess broken;
  start(broken, false, 0x1000, data_);
  EXPECT_FALSE(broken.ended) << "the card must not see a failure before the session's end has reset it";
  EXPECT_FALSE(connection_->flush()) << "by which the session finds that the peer is gone";
  dma_.disconnect();
  EXPECT_TRUE(broken.ended && broken.cancelled);
  EXPECT_TRUE(dma_.idle());
}

TEST_F(MessageDmaTest, IdsOfUnansweredMessagesAreNotUsedAgain) {
  const auto ask = [this](std::size_t bytes) {
    MessageAccess access;
    start(access, false, 0x1000, std::span(data_).first(bytes));
    dma_.end_all(nullptr);
    return request();
  };
  std::vector<bool> used(kMessageIds);
  Request last;
  for (std::size_t i = 0; i < kMessageIds; ++i) {
    last = ask(8);
    EXPECT_FALSE(used[last.header.id]);
    used[last.header.id] = true;
  }
  MessageAccess access;
  start(access, false, 0x1000, std::span(data_).first(8));
  EXPECT_STREQ(access.rule, "dma-no-reply") << "a client that answers nothing has used them up";
  EXPECT_TRUE(answer(last));
  EXPECT_EQ(ask(8).header.id, last.header.id);
}

}  // namespace
}  // namespace prd32
