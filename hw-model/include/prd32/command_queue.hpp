// SPDX-License-Identifier: Apache-2.0
// The queue of one channel: docs/datasheet.md, section 12.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "prd32/breaches.hpp"
#include "prd32/host_bus.hpp"
#include "prd32/register_file.hpp"
#include "prd32/rules.hpp"

namespace prd32 {

/// Where the next command lies, what it says, what becomes of its status, and when the queue interrupts. The channel
/// does the commands.
class CommandQueue {
 public:
  /// All must outlive the queue. endpoints: whether the card has others than its memory.
  CommandQueue(unsigned channel, bool endpoints, RegisterFile& registers, BusPort& bus, Breaches& breaches);

  /// None is left to do.
  bool empty() const { return head_ == tail_; }
  bool halted() const { return (state_ & regs::QueueState::kHalted) != 0; }
  /// It begins to run: interrupts are counted from here.
  void begin() { since_interrupt_ = 0; }

  /// Where command QUEUE_HEAD lies.
  std::optional<Fault> locate();
  /// Its bus address, since locate().
  std::uint64_t address() const { return address_; }
  /// Reads it: what it says of the transfer comes into setup. A fault is the queue's own. May suspend the calling
  /// SC_THREAD; when going() is false after that, the command was ended meanwhile, and there is no fault.
  std::optional<Fault> fetch(Setup& setup, const std::function<bool()>& going);
  /// What fetch() brought. A fault is the command's.
  std::optional<Fault> examine();
  /// Writes what became of the command: the report, or what is to be reported. A fault is the queue's own. May suspend,
  /// as fetch().
  std::optional<Fault> write_status(const std::optional<Fault>& fault, const std::function<bool()>& going);

  /// Whether there will be an interrupt when the command is done, as things stand.
  bool interrupts(bool failed) const;
  /// The command is done. Returns interrupts().
  bool advance(bool failed);
  /// The driver has found so many done. Returns whether it is to be told of more at once.
  bool seen(std::uint32_t count, bool runs);
  /// The commands that are left are dropped.
  void drop() { tail_ = head_; }
  /// The queue itself failed.
  void halt() { state_ |= regs::QueueState::kHalted; }

 private:
  std::uint32_t commands_an_interrupt() const;

  unsigned channel_;
  bool endpoints_;
  BusPort& bus_;
  Breaches& breaches_;
  // Looking them up for each command would take longer than a small command's bytes.
  const std::uint32_t& base_;
  const std::uint32_t& size_;
  std::uint32_t& tail_;
  std::uint32_t& head_;
  const std::uint32_t& coalesce_;
  std::uint32_t& state_;
  const std::uint32_t& moved_;
  const std::uint32_t& crc_;
  std::uint64_t address_ = 0;
  std::uint32_t flags_ = 0;
  std::uint32_t since_interrupt_ = 0;  // commands done since the last interrupt
};

}  // namespace prd32
