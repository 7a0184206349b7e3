// SPDX-License-Identifier: Apache-2.0
#include "prd32/command_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "prd32/words.hpp"

namespace prd32 {

using regs::Err;
using regs::Mode;

namespace {

constexpr std::uint64_t kAddressEnd = std::uint64_t{1} << limits::kAddressBits;
// The driver writes the first half of a command, the card the second.
constexpr std::size_t kHalf = command::kBytes / 2;
static_assert(command::kFlags + sizeof(std::uint32_t) == kHalf && command::kResult == kHalf);
constexpr std::uint32_t kReservedFlags = ~(command::kFlagsToHost | command::kFlagsEndpoint | command::kFlagsEntries);

}  // namespace

CommandQueue::CommandQueue(unsigned channel, bool endpoints, RegisterFile& registers, BusPort& bus, Breaches& breaches)
    : channel_(channel),
      endpoints_(endpoints),
      bus_(bus),
      breaches_(breaches),
      base_(registers.storage(regs::QueueBase::at(channel))),
      size_(registers.storage(regs::QueueSize::at(channel))),
      tail_(registers.storage(regs::QueueTail::at(channel))),
      head_(registers.storage(regs::QueueHead::at(channel))),
      coalesce_(registers.storage(regs::QueueCoalesce::at(channel))),
      state_(registers.storage(regs::QueueState::at(channel))),
      moved_(registers.storage(regs::Moved::at(channel))),
      crc_(registers.storage(regs::Crc::at(channel))) {}

std::optional<Fault> CommandQueue::locate() {
  std::uint64_t base = base_;
  if (const std::uint64_t astray = base % command::kBytes; astray != 0) {
    const Fault fault{.code = Err::kQueueAlign, .address = base};
    const Mode mode = breaches_.note(
        fault, [&] { return fmt::format("the queue at {:#x} is not {} aligned", base, command::kBytes); });
    if (mode == Mode::kError) {
      return fault;
    }
    base -= mode == Mode::kSilicon ? astray : 0;
  }
  const std::uint32_t room = std::uint32_t{1} << regs::field_get(regs::QueueSize::kLog2, size_);
  if (const std::uint32_t left = tail_ - head_; left > room) {
    if (auto fault = breaches_.fault_if_error(
            {.code = Err::kQueueOverrun, .address = regs::QueueTail::at(channel_)},
            [&] { return fmt::format("{} commands are left in a queue of {}", left, room); })) {
      return fault;
    }
  }
  address_ = (base + command::kBytes * (head_ % room)) % kAddressEnd;
  return std::nullopt;
}

std::optional<Fault> CommandQueue::fetch(Setup& setup, const std::function<bool()>& going) {
  std::array<std::uint8_t, kHalf> raw{};
  if (!bus_.access(tlm::TLM_READ_COMMAND, address_, raw, DmaPurpose::kCommand, -1)) {
    if (!going()) {
      return std::nullopt;
    }
    if (auto fault = breaches_.fault_if_error({.code = Err::kQueueFetch, .address = address_},
                                              [] { return "the bus refused the fetch of the command"; })) {
      return fault;
    }
    raw.fill(0xff);  // a master abort reads all ones
  }
  flags_ = get_word(raw, command::kFlags);
  setup.table = get_word(raw, command::kPrdt);
  setup.card_offset = get_word(raw, command::kCardAddr);
  setup.length = get_word(raw, command::kLength);
  setup.entries = regs::field_get(command::kFlagsEntries, flags_);
  setup.endpoint = endpoints_ ? static_cast<regs::Endpoint>(regs::field_get(command::kFlagsEndpoint, flags_))
                              : regs::Endpoint::kMemory;
  setup.to_host = (flags_ & command::kFlagsToHost) != 0;
  return std::nullopt;
}

std::optional<Fault> CommandQueue::examine() {
  if ((flags_ & kReservedFlags) == 0) {
    return std::nullopt;
  }
  return breaches_.fault_if_error({.code = Err::kCommandReserved, .address = address_}, [&] {
    return fmt::format("reserved bits of FLAGS are {:#x}", flags_ & kReservedFlags);
  });
}

std::optional<Fault> CommandQueue::write_status(const std::optional<Fault>& fault, const std::function<bool()>& going) {
  std::array<std::uint8_t, kHalf> raw{};
  const auto put = [&raw](std::size_t offset, std::uint64_t word) {
    put_word(raw, offset - kHalf, static_cast<std::uint32_t>(word));
  };
  if (fault) {
    const auto index = static_cast<std::uint32_t>(std::max<std::int64_t>(fault->prd_index, 0));
    put(command::kResult, regs::field_put(command::kResultCode, static_cast<std::uint32_t>(fault->code)) |
                              regs::field_put(command::kResultIndex, index));
  }
  put(command::kMoved, moved_);
  put(command::kDetail, fault ? fault->address : crc_);
  put(command::kNumber, std::uint64_t{head_} + 1);
  const std::uint64_t address = (address_ + kHalf) % kAddressEnd;
  if (bus_.access(tlm::TLM_WRITE_COMMAND, address, raw, DmaPurpose::kWriteback, -1) || !going()) {
    return std::nullopt;
  }
  return breaches_.fault_if_error({.code = Err::kWritebackRefused, .address = address},
                                  [] { return "the bus refused the write of a command's status"; });
}

std::uint32_t CommandQueue::commands_an_interrupt() const {
  return std::max<std::uint32_t>(regs::field_get(regs::QueueCoalesce::kCount, coalesce_), 1);
}

bool CommandQueue::interrupts(bool failed) const {
  return failed || head_ + 1 == tail_ || since_interrupt_ + 1 >= commands_an_interrupt();
}

bool CommandQueue::advance(bool failed) {
  const bool interrupt = interrupts(failed);
  since_interrupt_ = interrupt ? 0 : since_interrupt_ + 1;
  ++head_;
  return interrupt;
}

bool CommandQueue::seen(std::uint32_t count, bool runs) {
  const std::uint32_t unseen = head_ - count;
  const bool more = unseen != 0 && !halted() && (!runs || unseen >= commands_an_interrupt());
  since_interrupt_ = more ? 0 : unseen;
  return more;
}

}  // namespace prd32
