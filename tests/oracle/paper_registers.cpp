// SPDX-License-Identifier: Apache-2.0
// Sections 2 and 5 of the data sheet: accesses, START, stop and resets.

#include "paper_card.hpp"

namespace prd32::oracle {

namespace {

constexpr unsigned kByteBits = 8;
constexpr std::size_t kNoRegister = regs::kTable.size();

// The register of each byte, kNoRegister where there is none.
constexpr auto kIndices = [] {
  std::array<std::uint8_t, regs::kTable.back().offset + regs::kTable.back().bytes> indices{};
  indices.fill(kNoRegister);
  for (std::size_t i = 0; i < regs::kTable.size(); ++i) {
    for (unsigned byte = 0; byte < regs::kTable.at(i).bytes; ++byte) {
      indices.at(regs::kTable.at(i).offset + byte) = static_cast<std::uint8_t>(i);
    }
  }
  return indices;
}();

std::size_t index_of(std::uint32_t offset) {
  return offset < kIndices.size() ? kIndices.at(offset) : kNoRegister;
}

bool acceptable(std::uint32_t offset, unsigned bytes) {
  return (bytes == 1 || bytes == 2 || bytes == 4) && offset % bytes == 0 && offset + bytes <= regs::kAddressSpace;
}

// The causes that belong to a channel's BM_STATUS.
constexpr std::uint32_t interrupt_cause(unsigned n) {
  return regs::IrqCause::kCh0 << n;
}
constexpr std::uint32_t error_cause(unsigned n) {
  return regs::IrqCause::kErr0 << n;
}

std::uint32_t capabilities(const regs::Profile& profile) {
  using regs::Caps;
  using regs::field_put;
  std::uint32_t caps = field_put(Caps::kChannels, std::uint32_t{limits::kChannels}) |
                       field_put(Caps::kGranuleLog2, profile.granule_log2) |
                       field_put(Caps::kEntriesLog2, profile.entries_log2) |
                       field_put(Caps::kPrdtAlignLog2, profile.prdt_align_log2);
  caps |= profile.cyclic ? Caps::kCyclic : 0;
  caps |= profile.writeback ? Caps::kWriteback : 0;
  caps |= profile.endpoints ? Caps::kEndpoints : 0;
  caps |= profile.queue ? Caps::kQueue : 0;
  // Whatever the rule is switched to: only where it is off, count 0 is no breach.
  caps |= profile.modes.at(number_of(Err::kPrdZero)) != regs::Mode::kOff ? Caps::kZeroRefused : 0;
  return caps;
}

// The rule about writes while the channel is active; kNone where there is none, or another condition: QUEUE_TAIL.
Err lock_of(std::uint32_t offset, unsigned n) {
  if (offset == regs::BmPrdt::at(n)) {
    return Err::kPrdtActive;
  }
  if (offset == regs::CardAddr::at(n)) {
    return Err::kCardAddrActive;
  }
  if (offset == regs::Length::at(n)) {
    return Err::kLengthActive;
  }
  for (const std::uint32_t setup : {regs::Control::at(n), regs::Entries::at(n), regs::WritebackAddr::at(n),
                                    regs::Pattern::at(n), regs::PatternSeed::at(n), regs::PatternRate::at(n),
                                    regs::PatternFifo::at(n), regs::QueueBase::at(n), regs::QueueSize::at(n)}) {
    if (offset == setup) {
      return Err::kSetupActive;
    }
  }
  return Err::kNone;
}

}  // namespace

PaperCard::PaperCard(const regs::Profile& profile, HostMemory& host, CardImage& memory, Outcome& outcome,
                     const Limits& limits, Err wrong)
    : profile_(profile),
      host_(host),
      memory_(memory),
      outcome_(outcome),
      limits_(limits),
      wrong_(wrong),
      allowed_(std::uint64_t{1} << profile.entries_log2) {
  reset();
}

std::uint32_t& PaperCard::reg(std::uint32_t offset) {
  return values_.at(index_of(offset));
}

std::uint32_t PaperCard::reg(std::uint32_t offset) const {
  return values_.at(index_of(offset));
}

// BM_STATUS.INTERRUPT and ERROR.
std::uint32_t PaperCard::causes(unsigned n) const {
  return ((cause_ & interrupt_cause(n)) != 0 ? regs::BmStatus::kInterrupt : 0) |
         ((cause_ & error_cause(n)) != 0 ? regs::BmStatus::kError : 0);
}

std::uint32_t PaperCard::value(std::size_t index) const {
  const regs::Register& entry = regs::kTable.at(index);
  if (entry.offset == regs::IrqCause::kOffset) {
    return cause_;
  }
  for (unsigned n = 0; n < limits::kChannels; ++n) {
    if (entry.offset == regs::BmStatus::at(n)) {
      return causes(n) | (channels_.at(n).active ? regs::BmStatus::kActive : 0);
    }
  }
  return values_.at(index);
}

unsigned PaperCard::lines() const {
  const std::uint32_t high = cause_ & values_.at(index_of(regs::IrqEnable::kOffset));
  unsigned lines = 0;
  for (unsigned n = 0; n < limits::kChannels; ++n) {
    lines |= (high & interrupt_cause(n)) != 0 ? 1U << n : 0;
    lines |= (high & error_cause(n)) != 0 ? 1U << vectors::kError : 0;
  }
  return lines;
}

Answer PaperCard::read(std::uint32_t offset, unsigned bytes) {
  look_for_haste(false);
  if (!acceptable(offset, bytes)) {
    return {};
  }
  std::uint32_t result = 0;
  for (unsigned i = 0; i < bytes; ++i) {
    const std::size_t index = index_of(offset + i);
    if (index != kNoRegister) {
      const unsigned byte = offset + i - regs::kTable.at(index).offset;
      result |= (value(index) >> (byte * kByteBits) & 0xffU) << (i * kByteBits);
    }
  }
  return {.accepted = true, .value = result};
}

Answer PaperCard::write(std::uint32_t offset, unsigned bytes, std::uint64_t value) {
  if (!acceptable(offset, bytes)) {
    return {};
  }
  look_for_haste(bytes == 4 && harmless_doorbell(offset, value));
  for (unsigned i = 0; i < bytes;) {
    const std::size_t index = index_of(offset + i);
    if (index == kNoRegister) {
      ++i;
      continue;
    }
    std::uint32_t reached = 0;
    std::uint32_t data = 0;
    for (; i < bytes && index_of(offset + i) == index; ++i) {
      const unsigned shift = (offset + i - regs::kTable.at(index).offset) * kByteBits;
      reached |= 0xffU << shift;
      data |= static_cast<std::uint32_t>(value >> (i * kByteBits) & 0xffU) << shift;
    }
    write_register(index, reached, data);
  }
  return {.accepted = true};
}

void PaperCard::write_register(std::size_t index, std::uint32_t reached, std::uint32_t data) {
  const regs::Register& entry = regs::kTable.at(index);
  if (entry.offset == regs::IrqCause::kOffset) {
    cause_ &= ~(data & reached & entry.w1c);
    return;
  }
  const auto n = static_cast<unsigned>(entry.instance);
  if (entry.instance >= 0) {
    if (entry.offset == regs::BmCommand::at(n)) {
      write_command(n, data);
      return;
    }
    if (entry.offset == regs::BmStatus::at(n)) {
      cause_ &= (data & regs::BmStatus::kInterrupt) != 0 ? ~interrupt_cause(n) : ~0U;
      cause_ &= (data & regs::BmStatus::kError) != 0 ? ~error_cause(n) : ~0U;
      return;
    }
    if (entry.offset == regs::QueueTail::at(n)) {
      write_tail(n, reached, data);
      return;
    }
    if (entry.offset == regs::QueueSeen::at(n)) {
      write_seen(n, reached, data);
      return;
    }
    if (locked(index, reached, data)) {
      return;
    }
    if (entry.offset == regs::Control::at(n)) {
      write_control(n, reached, data);
      return;
    }
  }
  const std::uint32_t written = entry.rw & reached;
  values_.at(index) = (values_.at(index) & ~written) | (data & written);
}

// Whether the register does not take the write because its channel is active.
bool PaperCard::locked(std::size_t index, std::uint32_t reached, std::uint32_t data) {
  const regs::Register& entry = regs::kTable.at(index);
  const auto n = static_cast<unsigned>(entry.instance);
  const Err lock = lock_of(entry.offset, n);
  const bool resets = entry.offset == regs::Control::at(n) && (data & reached & regs::Control::kReset) != 0;
  return channels_.at(n).active && lock != Err::kNone && !resets && refuses(n, lock, entry.offset);
}

// A write that breaks such a rule.
bool PaperCard::refuses(unsigned n, Err lock, std::uint32_t offset) {
  const Fault fault{.code = lock, .index = -1, .address = offset};
  const regs::Mode lock_mode = record(n, fault);
  if (lock_mode == regs::Mode::kError) {
    end_by_write(n, fault);
  }
  return lock_mode != regs::Mode::kSilicon;
}

void PaperCard::write_control(unsigned n, std::uint32_t reached, std::uint32_t data) {
  if ((data & reached & regs::Control::kReset) != 0) {
    reset_channel(n);
  }
  std::uint32_t there = profile_.cyclic ? regs::Control::kCyclic : 0;
  there |= profile_.writeback ? regs::Control::kWriteback : 0;
  there |= profile_.endpoints ? regs::Control::kEndpoint : 0;
  std::uint32_t& control = reg(regs::Control::at(n));
  control = (control & ~reached) | (data & reached & there);
}

void PaperCard::write_command(unsigned n, std::uint32_t data) {
  constexpr std::uint32_t kWritten = regs::BmCommand::kStart | regs::BmCommand::kToHost;
  const bool start = (data & regs::BmCommand::kStart) != 0;
  if (channels_.at(n).active) {
    if (!start) {
      stop(n);
      return;
    }
    if (refuses(n, Err::kStartActive, regs::BmCommand::at(n))) {
      return;
    }
    stop(n);
  }
  reg(regs::BmCommand::at(n)) = data & kWritten;
  if (start) {
    begin(n);
  }
}

void PaperCard::clear_report(unsigned n) {
  for (const std::uint32_t report :
       {regs::Moved::at(n), regs::Prds::at(n), regs::Error::at(n), regs::ErrorIndex::at(n), regs::ErrorAddr::at(n),
        regs::Breach::at(n), regs::BreachIndex::at(n), regs::BreachAddr::at(n), regs::Periods::at(n),
        regs::PatternLost::at(n), regs::Crc::at(n)}) {
    reg(report) = 0;
  }
  written_.at(n).clear();
  tables_.at(n).clear();
}

void PaperCard::begin(unsigned n) {
  clear_report(n);
  reg(regs::Residual::at(n)) = reg(regs::Length::at(n));
  const std::uint32_t control = reg(regs::Control::at(n));
  const auto kind = static_cast<PatternKind>(regs::field_get(regs::Pattern::kKind, reg(regs::Pattern::at(n))));
  Channel& channel = channels_.at(n) = Channel{};
  channel.active = true;
  channel.setup = {.prdt = reg(regs::BmPrdt::at(n)),
                   .card_addr = reg(regs::CardAddr::at(n)),
                   .length = reg(regs::Length::at(n)),
                   .entries = reg(regs::Entries::at(n)),
                   .writeback_addr = reg(regs::WritebackAddr::at(n)),
                   .rate = reg(regs::PatternRate::at(n)),
                   .to_host = (reg(regs::BmCommand::at(n)) & regs::BmCommand::kToHost) != 0,
                   .cyclic = (control & regs::Control::kCyclic) != 0,
                   .writeback = (control & regs::Control::kWriteback) != 0,
                   .endpoint = static_cast<Endpoint>(regs::field_get(regs::Control::kEndpoint, control))};
  channel.pattern = PatternStream(kind, reg(regs::PatternSeed::at(n)));
}

// Between runs nothing is under way on the bus, so ACTIVE falls at once. Section 12: a queue loses its commands.
void PaperCard::stop(unsigned n) {
  if (channels_.at(n).queued) {
    reg(regs::QueueTail::at(n)) = reg(regs::QueueHead::at(n));
  }
  reg(regs::BmCommand::at(n)) &= ~regs::BmCommand::kStart;
  channels_.at(n).active = false;
}

void PaperCard::reset_channel(unsigned n) {
  channels_.at(n) = Channel{};
  for (std::size_t i = 0; i < regs::kTable.size(); ++i) {
    if (regs::kTable.at(i).instance == static_cast<int>(n)) {
      values_.at(i) = regs::kTable.at(i).reset;
    }
  }
  cause_ &= ~(interrupt_cause(n) | error_cause(n));
  loopback_.clear();
}

void PaperCard::reset_function() {
  look_for_haste(false);
  reset();
}

void PaperCard::reset() {
  for (std::size_t i = 0; i < regs::kTable.size(); ++i) {
    values_.at(i) = regs::kTable.at(i).reset;
  }
  reg(regs::Caps::kOffset) = capabilities(profile_);
  reg(regs::MemSize::kOffset) = static_cast<std::uint32_t>(memory_.size());
  channels_ = {};
  cause_ = 0;
  loopback_.clear();
}

}  // namespace prd32::oracle
