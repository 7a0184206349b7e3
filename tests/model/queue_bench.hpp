// SPDX-License-Identifier: Apache-2.0
// What tests of the command queue have in common: a driver of one queue.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "bench.hpp"
#include "prd32/words.hpp"

namespace prd32::test {

/// The first half of a command.
struct Command {
  std::uint32_t table = 0;
  std::uint32_t card_address = 0;
  std::uint32_t length = 0;
  std::uint32_t flags = 0;
};

/// The second half.
struct CommandStatus {
  regs::Err code = regs::Err::kNone;
  std::uint32_t index = 0;
  std::uint32_t moved = 0;
  std::uint32_t detail = 0;
  std::uint32_t number = 0;
  bool operator==(const CommandStatus&) const = default;
};

inline std::uint32_t flags_of(bool to_host, regs::Endpoint endpoint = regs::Endpoint::kMemory,
                              std::uint32_t entries = 0) {
  return (to_host ? command::kFlagsToHost : 0) |
         regs::field_put(command::kFlagsEndpoint, static_cast<std::uint32_t>(endpoint)) |
         regs::field_put(command::kFlagsEntries, entries);
}

/// A queue of one channel and its driver. Each of kTables tables describes one region of kBytes, its own.
class Queue {
 public:
  static constexpr std::uint32_t kCommandBytes = command::kBytes;
  static constexpr std::uint32_t kTables = 8;
  static constexpr std::uint32_t kBytes = 0x1000;
  static constexpr std::uint32_t kFirstTable = 0x100000;
  static constexpr std::uint32_t kFirstData = 0x400000;

  explicit Queue(Bench& bench, unsigned channel = 0, std::uint32_t log2 = 3)
      : b(bench), channel_(channel), base_(0x40000 + channel * 0x10000), size_(1U << log2) {
    b.host.map(base_, 0x10000);
    for (std::uint32_t i = 0; i < kTables; ++i) {
      b.put_table(table(i), {{.base = data(i), .bytes = kBytes, .eot = true}});
      b.host.map(data(i), kBytes);
      std::ranges::copy(pattern(kBytes, channel * kTables + i), b.host.at(data(i), kBytes).begin());
    }
    b.write(regs::QueueBase::at(channel), base_);
    b.write(regs::QueueSize::at(channel), log2);
    b.write(regs::IrqEnable::kOffset, ~0U);
  }

  std::uint32_t base() const { return base_; }
  std::uint32_t table(std::uint32_t i) const { return kFirstTable + (channel_ * kTables + i) * 0x10000; }
  std::uint32_t data(std::uint32_t i) const { return kFirstData + (channel_ * kTables + i) * 0x10000; }
  std::uint32_t place(std::uint32_t number) const { return base_ + number % size_ * kCommandBytes; }
  std::span<std::uint8_t> bytes(std::uint32_t number) { return b.host.at(place(number), command::kBytes); }

  /// Puts a command in, behind the last one, without a doorbell.
  void put(const Command& given) {
    const auto half = bytes(count_++).first(command::kBytes / 2);
    put_word(half, command::kPrdt, given.table);
    put_word(half, command::kCardAddr, given.card_address);
    put_word(half, command::kLength, given.length);
    put_word(half, command::kFlags, given.flags);
  }
  /// The i-th region goes to card memory.
  void put_region(std::uint32_t i) {
    put({.table = table(i), .card_address = i * kBytes, .length = kBytes, .flags = flags_of(false)});
  }
  void put_regions(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      put_region(i % kTables);
    }
  }
  void ring() { b.write(regs::QueueTail::at(channel_), count_); }
  void run() {
    ring();
    b.run_until_idle(channel_);
  }
  void put_and_run(const Command& given) {
    put(given);
    run();
  }
  /// Goes back to commands that were dropped.
  void forget() { count_ = head(); }

  CommandStatus status(std::uint32_t number) {
    const auto raw = bytes(number);
    const std::uint32_t result = get_word(raw, command::kResult);
    return {.code = static_cast<regs::Err>(regs::field_get(command::kResultCode, result)),
            .index = regs::field_get(command::kResultIndex, result),
            .moved = get_word(raw, command::kMoved),
            .detail = get_word(raw, command::kDetail),
            .number = get_word(raw, command::kNumber)};
  }
  static CommandStatus good(std::uint32_t number) { return {.moved = kBytes, .number = number + 1}; }

  std::uint32_t head() { return b.read(regs::QueueHead::at(channel_)); }
  std::uint32_t tail() { return b.read(regs::QueueTail::at(channel_)); }
  bool halted() { return b.read(regs::QueueState::at(channel_)) == regs::QueueState::kHalted; }
  std::uint32_t bm_status() { return b.read(regs::BmStatus::at(channel_), 1); }
  regs::Err error() { return static_cast<regs::Err>(b.read(regs::Error::at(channel_))); }
  regs::Err breach() {
    return static_cast<regs::Err>(regs::field_get(regs::Breach::kCode, b.read(regs::Breach::at(channel_))));
  }
  /// The i-th region is in card memory.
  bool arrived(std::uint32_t i) {
    return std::ranges::equal(b.card.memory().subspan(i * kBytes, kBytes), b.host.at(data(i), kBytes));
  }
  void wait_for_head(std::uint32_t count) {
    b.run_until([&] { return head() == count; }, "commands are done");
  }

  /// The next transaction there waits inside the target.
  void hold(std::uint64_t address) {
    b.host.hold = [address](const FakeHost::Access& access) { return access.address == address; };
  }
  void wait_held() {
    b.run_until([&] { return b.host.held; }, "a transaction is held");
  }
  void release() {
    b.host.hold = nullptr;
    b.host.release.notify(sc_core::SC_ZERO_TIME);
    sc_core::sc_start(1, sc_core::SC_NS);
  }

 private:
  Bench& b;
  unsigned channel_;
  std::uint32_t base_;
  std::uint32_t size_;
  std::uint32_t count_ = 0;
};

/// Tests of channel 0's queue, of the default card.
class QueueTest : public CardTest {
 protected:
  QueueTest() { std::ranges::fill(b.card.memory().first(limits::kMemoryMin), std::uint8_t{0}); }
  ~QueueTest() override { tlm::tlm_global_quantum::instance().set(sc_core::SC_ZERO_TIME); }
  std::uint32_t reg(std::uint32_t offset) { return b.read(offset); }
  void stop() { b.write(regs::BmCommand::at(0), 0, 1); }
  Queue q{b};
};

}  // namespace prd32::test
