// SPDX-License-Identifier: Apache-2.0
// Section 12 of the data sheet: commands from a queue in host memory.
#include <algorithm>

#include "paper_card.hpp"

namespace prd32::oracle {

namespace {

constexpr std::size_t kHalf = command::kBytes / 2;
constexpr unsigned kByteBits = 8;

std::uint32_t word_at(std::span<const std::uint8_t> half, std::size_t offset) {
  std::uint32_t word = 0;
  for (std::size_t i = sizeof word; i-- > 0;) {
    word = word << kByteBits | half[offset + i];
  }
  return word;
}

void put_word(std::span<std::uint8_t> half, std::size_t offset, std::uint32_t word) {
  for (std::size_t i = 0; i < sizeof word; ++i) {
    half[offset - kHalf + i] = static_cast<std::uint8_t>(word >> (i * kByteBits));
  }
}

// In 32 bits, as the command's own. A half that straddles 4 GiB lies as a descriptor does.
std::uint32_t status_address(std::uint64_t command) {
  return static_cast<std::uint32_t>(command + kHalf);
}

}  // namespace

// "Doorbells."
void PaperCard::write_tail(unsigned n, std::uint32_t reached, std::uint32_t data) {
  const Channel& channel = channels_.at(n);
  const bool works = profile_.queue && reg(regs::QueueState::at(n)) == 0;
  if (works && channel.active && !channel.queued && refuses(n, Err::kSetupActive, regs::QueueTail::at(n))) {
    return;
  }
  hasty_.at(n) |= under_way_;
  std::uint32_t& tail = reg(regs::QueueTail::at(n));
  tail = (tail & ~reached) | (data & reached);
  if (works && !channel.active && tail != reg(regs::QueueHead::at(n))) {
    channels_.at(n).since_interrupt = 0;
    turn_to_command(n);
  }
}

// "Taking the interrupt back."
void PaperCard::write_seen(unsigned n, std::uint32_t reached, std::uint32_t data) {
  std::uint32_t& seen = reg(regs::QueueSeen::at(n));
  seen = (seen & ~reached) | (data & reached);
  if (!profile_.queue) {
    return;
  }
  Channel& channel = channels_.at(n);
  const std::uint32_t unseen = reg(regs::QueueHead::at(n)) - seen;
  const bool runs = channel.active && channel.queued;
  const bool halted = reg(regs::QueueState::at(n)) != 0;
  const bool again = unseen != 0 && !halted && (!runs || unseen >= commands_an_interrupt(n));
  cause_ &= ~(regs::IrqCause::kCh0 << n);
  cause_ |= again ? regs::IrqCause::kCh0 << n : 0;
  channel.since_interrupt = again ? 0 : unseen;
}

std::uint32_t PaperCard::commands_an_interrupt(unsigned n) const {
  return std::max(1U, regs::field_get(regs::QueueCoalesce::kCount, reg(regs::QueueCoalesce::at(n))));
}

// "A command", what comes before step 1.
void PaperCard::turn_to_command(unsigned n) {
  const std::uint32_t since_interrupt = channels_.at(n).since_interrupt;
  clear_report(n);
  reg(regs::Residual::at(n)) = 0;
  Channel& channel = channels_.at(n) = Channel{};
  channel.active = true;
  channel.queued = true;
  channel.since_interrupt = since_interrupt;
}

// Steps 1 to 3. Whether a transfer follows.
bool PaperCard::take_command(unsigned n) {
  Channel& channel = channels_.at(n);
  commands_done_ += 1;
  if (commands_done_ > limits_.commands) {
    give_up("a queue takes long, or for ever");
    return false;
  }
  std::array<std::uint8_t, kHalf> half{};
  if (!find_command(n) || !fetch_command(n, half)) {
    return false;
  }
  channel.fetched = true;
  if (channel.ending) {
    end(n, channel.ending);
    return false;
  }
  const std::uint32_t flags = word_at(half, command::kFlags);
  const auto kind = static_cast<PatternKind>(regs::field_get(regs::Pattern::kKind, reg(regs::Pattern::at(n))));
  channel.pattern = PatternStream(kind, reg(regs::PatternSeed::at(n)));
  channel.setup = {.prdt = word_at(half, command::kPrdt),
                   .card_addr = word_at(half, command::kCardAddr),
                   .length = word_at(half, command::kLength),
                   .entries = regs::field_get(command::kFlagsEntries, flags),
                   .rate = reg(regs::PatternRate::at(n)),
                   .to_host = (flags & command::kFlagsToHost) != 0,
                   .endpoint = Endpoint::kMemory};
  // "As CONTROL.ENDPOINT", which stays 0 where the extension is not there.
  if (profile_.endpoints) {
    channel.setup.endpoint = static_cast<Endpoint>(regs::field_get(command::kFlagsEndpoint, flags));
  }
  reg(regs::Residual::at(n)) = channel.setup.length;
  constexpr std::uint32_t kKnown = command::kFlagsToHost | command::kFlagsEndpoint | command::kFlagsEntries;
  return (flags & ~kKnown) == 0 ||
         judge(n, {.code = Err::kCommandReserved, .index = -1, .address = channel.command}) != regs::Mode::kError;
}

// Step 1, and where the command lies.
bool PaperCard::find_command(unsigned n) {
  std::uint32_t base = reg(regs::QueueBase::at(n));
  constexpr std::uint32_t kLow = command::kBytes - 1;
  if ((base & kLow) != 0) {
    const regs::Mode align = judge_queue(n, {.code = Err::kQueueAlign, .index = -1, .address = base});
    if (align == regs::Mode::kError) {
      return false;
    }
    base &= align == regs::Mode::kSilicon ? ~kLow : ~0U;
  }
  const std::uint32_t head = reg(regs::QueueHead::at(n));
  const std::uint32_t room = 1U << regs::field_get(regs::QueueSize::kLog2, reg(regs::QueueSize::at(n)));
  if (reg(regs::QueueTail::at(n)) - head > room &&
      judge_queue(n, {.code = Err::kQueueOverrun, .index = -1, .address = regs::QueueTail::at(n)}) ==
          regs::Mode::kError) {
    return false;
  }
  channels_.at(n).command = static_cast<std::uint32_t>(base + std::uint64_t{command::kBytes} * (head % room));
  return true;
}

// Step 2.
bool PaperCard::fetch_command(unsigned n, std::span<std::uint8_t> half) {
  const std::uint64_t address = channels_.at(n).command;
  touch(n, {.space = Space::kHost, .first = address, .end = address + half.size(), .writing = false});
  if (!host_.read(address, half)) {
    if (judge_queue(n, {.code = Err::kQueueFetch, .index = -1, .address = address}) == regs::Mode::kError) {
      return false;
    }
    std::ranges::fill(half, std::uint8_t{0xff});
  }
  return true;
}

// Step 4. Whether the bus took the status.
bool PaperCard::write_status(unsigned n, const std::optional<Fault>& fault) {
  std::array<std::uint8_t, kHalf> status{};
  const Fault reason = fault.value_or(Fault{});
  const auto index = reason.index < 0 ? 0 : static_cast<std::uint32_t>(reason.index);
  put_word(status, command::kResult,
           regs::field_put(command::kResultCode, static_cast<std::uint32_t>(reason.code)) |
               regs::field_put(command::kResultIndex, index));
  put_word(status, command::kMoved, reg(regs::Moved::at(n)));
  put_word(status, command::kDetail, fault ? static_cast<std::uint32_t>(reason.address) : reg(regs::Crc::at(n)));
  put_word(status, command::kNumber, reg(regs::QueueHead::at(n)) + 1);
  const std::uint64_t address = status_address(channels_.at(n).command);
  touch(n, {.space = Space::kHost, .first = address, .end = address + status.size(), .writing = true});
  return host_.write(address, status);
}

// Steps 4 and 5.
void PaperCard::end_command(unsigned n, const std::optional<Fault>& fault) {
  Channel& channel = channels_.at(n);
  if (!write_status(n, fault)) {
    const Fault refused{.code = Err::kWritebackRefused, .index = -1, .address = status_address(channel.command)};
    if (record(n, refused) == regs::Mode::kError) {
      halt(n, fault.value_or(refused));
      return;
    }
  }
  std::uint32_t& head = reg(regs::QueueHead::at(n));
  head += 1;
  const bool none_left = head == reg(regs::QueueTail::at(n));
  channel.since_interrupt += 1;
  if (fault || none_left || channel.since_interrupt >= commands_an_interrupt(n)) {
    channel.since_interrupt = 0;
    cause_ |= regs::IrqCause::kCh0 << n;
  }
  if (fault) {
    report_error(n, *fault);
  }
  if (none_left) {
    channel.active = false;
  } else {
    turn_to_command(n);
  }
}

// "Errors of the queue."
regs::Mode PaperCard::judge_queue(unsigned n, const Fault& fault) {
  const regs::Mode result = record(n, fault);
  if (result == regs::Mode::kError) {
    halt(n, fault);
  }
  return result;
}

void PaperCard::halt(unsigned n, const Fault& fault) {
  channels_.at(n).active = false;
  cause_ |= regs::IrqCause::kCh0 << n;
  report_error(n, fault);
  reg(regs::QueueState::at(n)) = regs::QueueState::kHalted;
}

}  // namespace prd32::oracle
