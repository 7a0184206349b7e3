// SPDX-License-Identifier: Apache-2.0
// Section 3 of the data sheet, steps 1 and 6 to 10, with sections 6 to 8 where they come in.
#include <algorithm>
#include <utility>

#include "paper_card.hpp"

namespace prd32::oracle {

void PaperCard::run() {
  begin_looking_for_races();
  for (bool moved = true; moved && undetermined_.empty();) {
    moved = false;
    for (unsigned n = 0; n < limits::kChannels; ++n) {
      moved |= channels_.at(n).active && advance(n);
    }
  }
  look_for_races();
  // Whether the queue ran on or began anew is known by when it interrupts, unless it is done.
  for (unsigned n = 0; n < limits::kChannels; ++n) {
    if (hasty_.at(n) && channels_.at(n).active) {
      give_up("how often a queue has interrupted depends on time");
    }
  }
  hasty_ = {};
  under_way_ = false;
}

// As far as the channel gets without the other one; whether it got anywhere.
bool PaperCard::advance(unsigned n) {
  Channel& channel = channels_.at(n);
  bool moved = false;
  if (channel.queued && !channel.fetched) {
    moved = true;
    if (!take_command(n)) {
      return true;
    }
  }
  if (channel.ending) {
    end(n, channel.ending);
    return true;
  }
  if (!channel.examined) {
    moved = true;
    channel.examined = true;
    if (!examine_setup(n)) {
      return true;
    }
  }
  while (undetermined_.empty()) {
    if (!channel.waiting) {
      moved = true;
      Descriptor prd;
      if (!fetch(n, prd) || !examine(n, prd)) {
        return true;
      }
      channel.waiting = prd;
    }
    if (!endpoint_is_ready(n, *channel.waiting)) {
      return moved;
    }
    moved = true;
    const Descriptor prd = *std::exchange(channel.waiting, std::nullopt);
    if (!move(n, prd)) {
      return true;
    }
    count(n, prd);
    if (!mark(n, prd) || !go_on(n, prd)) {
      return true;
    }
  }
  return moved;
}

// Step 1.
bool PaperCard::examine_setup(unsigned n) {
  Channel& channel = channels_.at(n);
  Setup& setup = channel.setup;
  if (setup.writeback && setup.writeback_addr % limits::kWritebackBytes != 0) {
    const Fault fault{.code = Err::kWritebackAlign, .index = -1, .address = setup.writeback_addr};
    const regs::Mode align = record(n, fault);
    if (align == regs::Mode::kError) {
      end(n, fault, false);
      return false;
    }
    constexpr std::uint32_t kBlockMask = limits::kWritebackBytes - 1;
    setup.writeback_addr &= align == regs::Mode::kSilicon ? ~kBlockMask : ~0U;
  }
  const bool wrong_way = (setup.endpoint == Endpoint::kPattern && !setup.to_host) ||
                         (setup.endpoint == Endpoint::kChecksum && setup.to_host);
  if (wrong_way &&
      judge(n, {.code = Err::kEndpointDirection, .index = -1, .address = regs::Control::at(n)}) == regs::Mode::kError) {
    return false;
  }
  const std::uint32_t low = (1U << profile_.prdt_align_log2) - 1;
  if ((setup.prdt & low) != 0) {
    const regs::Mode align = judge(n, {.code = Err::kPrdtAlign, .index = -1, .address = setup.prdt});
    if (align == regs::Mode::kError) {
      return false;
    }
    setup.prdt &= align == regs::Mode::kSilicon ? ~low : ~0U;
  }
  if (setup.entries > allowed_) {
    const regs::Mode entries = judge(n, {.code = Err::kPrdtEntries, .index = -1, .address = setup.prdt});
    if (entries == regs::Mode::kError) {
      return false;
    }
    setup.entries &= entries == regs::Mode::kSilicon ? static_cast<std::uint32_t>(allowed_ - 1) : ~0U;
  }
  if (setup.endpoint == Endpoint::kPattern && setup.rate != 0) {
    give_up("PATTERN_RATE depends on time");
  }
  if (setup.endpoint == Endpoint::kLoopback) {
    const std::uint64_t side = setup.to_host ? 1 : 0;
    touch(n, {.space = Space::kLoopback, .first = side, .end = side + 1, .writing = true});
  }
  return true;
}

bool PaperCard::endpoint_is_ready(unsigned n, const Descriptor& prd) const {
  const Setup& setup = channels_.at(n).setup;
  if (setup.endpoint != Endpoint::kLoopback) {
    return true;
  }
  return setup.to_host ? loopback_.held() >= prd.bytes : loopback_.has_room(prd.bytes);
}

// Step 6.
bool PaperCard::move(unsigned n, const Descriptor& prd) {
  descriptors_done_ += 1;
  bytes_done_ += prd.bytes;
  if (descriptors_done_ > limits_.descriptors || bytes_done_ > limits_.bytes) {
    give_up("it takes long, or for ever");
  }
  bytes_.resize(prd.bytes);
  return channels_.at(n).setup.to_host ? move_to_host(n, prd) : move_from_host(n, prd);
}

bool PaperCard::move_from_host(unsigned n, const Descriptor& prd) {
  std::span<std::uint8_t> rest(bytes_);
  for (const Part& part : prd.parts) {
    const std::span<std::uint8_t> here = rest.first(part.bytes);
    rest = rest.subspan(part.bytes);
    if (part.bytes == 0) {
      continue;
    }
    touch(n, {.space = Space::kHost, .first = part.address, .end = part.address + part.bytes, .writing = false});
    if (!host_.read(part.address, here)) {
      if (judge(n, {.code = Err::kDataRead, .index = prd.index, .address = part.address}) == regs::Mode::kError) {
        return false;
      }
      std::ranges::fill(here, std::uint8_t{0xff});
    }
  }
  to_endpoint(n, bytes_);
  return true;
}

bool PaperCard::move_to_host(unsigned n, const Descriptor& prd) {
  from_endpoint(n, bytes_);
  std::span<const std::uint8_t> rest(bytes_);
  for (const Part& part : prd.parts) {
    const std::span<const std::uint8_t> here = rest.first(part.bytes);
    rest = rest.subspan(part.bytes);
    if (part.bytes == 0) {
      continue;
    }
    touch(n, {.space = Space::kHost, .first = part.address, .end = part.address + part.bytes, .writing = true});
    if (!host_.write(part.address, here) &&
        judge(n, {.code = Err::kDataWrite, .index = prd.index, .address = part.address}) == regs::Mode::kError) {
      return false;
    }
  }
  // What a descriptor that ended in error would have taken stays in the loopback.
  if (channels_.at(n).setup.endpoint == Endpoint::kLoopback) {
    loopback_.drop(prd.bytes);
  }
  return true;
}

void PaperCard::to_endpoint(unsigned n, std::span<const std::uint8_t> data) {
  Channel& channel = channels_.at(n);
  switch (channel.setup.endpoint) {
    case Endpoint::kMemory:
      for (const CardPiece& piece : card_pieces(n, data.size(), true)) {
        if (piece.there) {
          memory_.write(piece.offset, data.first(piece.bytes));
        }
        data = data.subspan(piece.bytes);
      }
      break;
    case Endpoint::kPattern:
      break;  // the wrong way: dropped
    case Endpoint::kChecksum:
      channel.crc.add(data);
      break;
    case Endpoint::kLoopback:
      loopback_.put(data);
      break;
  }
}

void PaperCard::from_endpoint(unsigned n, std::span<std::uint8_t> data) {
  Channel& channel = channels_.at(n);
  std::ranges::fill(data, std::uint8_t{0});
  switch (channel.setup.endpoint) {
    case Endpoint::kMemory:
      for (const CardPiece& piece : card_pieces(n, data.size(), false)) {
        if (piece.there) {
          memory_.read(piece.offset, data.first(piece.bytes));
        }
        data = data.subspan(piece.bytes);
      }
      break;
    case Endpoint::kPattern:
      channel.pattern.take(data);
      break;
    case Endpoint::kChecksum:
      break;  // the wrong way: zeros
    case Endpoint::kLoopback:
      loopback_.peek(data);
      break;
  }
}

// Step 7.
void PaperCard::count(unsigned n, const Descriptor& prd) {
  Channel& channel = channels_.at(n);
  channel.lap_bytes += prd.bytes;
  reg(regs::Moved::at(n)) += prd.bytes;
  reg(regs::Prds::at(n)) += 1;
  const std::uint64_t length = channel.setup.length;
  reg(regs::Residual::at(n)) = static_cast<std::uint32_t>(length - std::min(length, channel.lap_bytes));
  if (channel.setup.endpoint == Endpoint::kChecksum) {
    reg(regs::Crc::at(n)) = channel.crc.value();
  }
}

// Section 7: what MARK does, before the rules about EOT are examined.
bool PaperCard::mark(unsigned n, const Descriptor& prd) {
  const Setup& setup = channels_.at(n).setup;
  if (!setup.cyclic || (prd.raw & prd::kMark) == 0) {
    return true;
  }
  if (setup.writeback &&
      !write_block(n, causes(n) | regs::BmStatus::kInterrupt | regs::BmStatus::kActive, Err::kNone)) {
    const Fault refused{.code = Err::kWritebackRefused, .index = -1, .address = setup.writeback_addr};
    if (record(n, refused) == regs::Mode::kError) {
      end(n, refused, false);
      return false;
    }
  }
  cause_ |= regs::IrqCause::kCh0 << n;
  reg(regs::Periods::at(n)) += 1;
  return true;
}

// Steps 8 to 10.
bool PaperCard::go_on(unsigned n, const Descriptor& prd) {
  Channel& channel = channels_.at(n);
  const Setup& setup = channel.setup;
  const std::uint64_t done = std::uint64_t{prd.index} + 1;
  const std::uint64_t expected = setup.entries != 0 ? setup.entries : allowed_;
  if (prd.last) {
    return end_of_table(n, prd);
  }
  if ((prd.raw & prd::kEot) != 0) {
    if (setup.entries != 0 && done < setup.entries &&
        judge(n, {.code = Err::kPrdtEarlyEot, .index = prd.index, .address = prd.address}) == regs::Mode::kError) {
      return false;
    }
    return end_of_table(n, prd);
  }
  if (done == expected || (done > expected && done % allowed_ == 0)) {
    switch (judge(n, {.code = Err::kPrdtNoEot, .index = prd.index, .address = prd.address})) {
      case regs::Mode::kError:
        return false;
      case regs::Mode::kSilicon:
        break;
      case regs::Mode::kIgnore:
      case regs::Mode::kOff:
        return end_of_table(n, prd);
    }
  }
  channel.index += 1;
  if (done == limits::kPrdtLastResort) {
    const Fault fault{.code = Err::kPrdtEntries, .index = prd.index, .address = prd.address};
    note(n, fault, true);
    end(n, fault);
    return false;
  }
  return true;
}

// The transfer is done, or the lap.
bool PaperCard::end_of_table(unsigned n, const Descriptor& prd) {
  Channel& channel = channels_.at(n);
  if (channel.lap_bytes < channel.setup.length &&
      judge(n, {.code = Err::kLengthShort, .index = prd.index, .address = prd.address}) == regs::Mode::kError) {
    return false;
  }
  if (!channel.setup.cyclic) {
    end(n, std::nullopt);
    return false;
  }
  if (channel.setup.endpoint != Endpoint::kLoopback) {
    give_up("a lap that came to its end once does so for ever");
  }
  channel.index = 0;
  channel.lap_bytes = 0;
  channel.entries_examined = false;
  return true;
}

// Where the next bytes lie in card memory: up to its end, and behind it as card-range says.
std::array<PaperCard::CardPiece, 2> PaperCard::card_pieces(unsigned n, std::uint64_t bytes, bool writing) {
  const std::uint64_t size = memory_.size();
  const bool wraps = mode(Err::kCardRange) == regs::Mode::kSilicon;
  const std::uint64_t sum = channels_.at(n).setup.card_addr + channels_.at(n).lap_bytes;
  const std::uint64_t offset = wraps ? sum % size : std::min(sum, size);
  const std::uint64_t before = std::min(bytes, size - offset);
  const std::array<CardPiece, 2> pieces{
      {{.offset = offset, .bytes = before, .there = true}, {.offset = 0, .bytes = bytes - before, .there = wraps}}};
  for (const CardPiece& piece : pieces) {
    if (piece.there) {
      touch(n, {.space = Space::kCard, .first = piece.offset, .end = piece.offset + piece.bytes, .writing = writing});
    }
  }
  return pieces;
}

}  // namespace prd32::oracle
