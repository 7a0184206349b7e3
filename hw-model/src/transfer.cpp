// SPDX-License-Identifier: Apache-2.0
// The steps of a transfer, in the order of docs/datasheet.md, section 3.
#include <algorithm>
#include <array>
#include <span>

#include "prd32/channel.hpp"
#include "prd32/words.hpp"

namespace prd32 {

using regs::Err;

std::optional<Fault> Channel::transfer(Job& job) {
  if (auto fault = rules_.examine_setup(job.setup)) {
    return fault;
  }
  endpoint_ = make_endpoint(job.setup,
                            {.channel = number_,
                             .registers = parts_.registers,
                             .breaches = breaches_,
                             .memory = parts_.memory,
                             .loopback = parts_.loopback},
                            job.start);
  for (;;) {
    if (auto fault = lap(job)) {
      return fault;
    }
    if (!job.setup.cyclic || !going(job)) {
      return std::nullopt;
    }
  }
}

/// One time through the table.
std::optional<Fault> Channel::lap(const Job& job) {
  reader_.forget();
  Next next = Next::kDescriptor;
  for (Position at; next == Next::kDescriptor; ++at.index) {
    take_turn(job);
    auto fault = going(job) ? descriptor(job, at, next) : std::nullopt;
    end_turn(job);
    if (fault || !going(job)) {
      return fault;
    }
  }
  return std::nullopt;
}

std::optional<Fault> Channel::descriptor(const Job& job, Position& at, Next& next) {
  Prd prd;
  Region region;
  if (auto fault = prepare(job, at, prd, region)) {
    return fault;
  }
  if (!going(job) || !wait_for_endpoint(job, region.bytes)) {
    return std::nullopt;
  }
  enter(ChannelState::kMoving);
  pace_.move(bus_.clock(), job.setup.to_host, region.base, region.bytes);
  // Meanwhile the other channel's reset may have emptied the loopback.
  if (!catch_up_if_due(job) || !wait_for_endpoint(job, region.bytes)) {
    return std::nullopt;
  }
  enter(ChannelState::kMoving);
  if (auto fault = mover_.move(job.setup, at, region, *endpoint_, going_)) {
    return fault;
  }
  if (!going(job)) {
    return std::nullopt;
  }
  count(job, region, at);
  if (prd.mark && job.setup.cyclic) {
    if (auto fault = mark(job)) {
      return fault;
    }
  }
  if (region.last) {
    next = Next::kEndOfTable;
    return std::nullopt;
  }
  return rules_.examine_end(job.setup, prd, at, next);
}

/// Fetches a descriptor and examines it.
std::optional<Fault> Channel::prepare(const Job& job, Position& at, Prd& prd, Region& region) {
  if (auto fault = rules_.locate(job.setup, at)) {
    return fault;
  }
  if (const std::uint64_t bytes = reader_.bytes_to_fetch(at.descriptor); bytes != 0) {
    enter(ChannelState::kFetching);
    pace_.fetch(bus_.clock(), at.descriptor, bytes);
    if (!catch_up_if_due(job)) {
      return std::nullopt;
    }
  }
  if (auto fault = reader_.read(at, prd, going_)) {
    return fault;
  }
  if (!going(job)) {
    return std::nullopt;
  }
  if (!job.setup.cyclic) {
    if (auto fault = reader_.examine_edit(at, prd)) {
      return fault;
    }
  }
  if (auto fault = rules_.examine(job.setup, prd, at, region)) {
    return fault;
  }
  if (parts_.early_end) {
    if (const auto bytes = parts_.early_end(number_, at, region, job.setup.to_host)) {
      region.bytes = std::min(region.bytes, *bytes);
      region.head = std::min(region.head, region.bytes);
      region.last = true;
    }
  }
  return endpoint_->paced() ? endpoint_->examine(at, bus_.clock().now()) : std::nullopt;
}

/// While it waits, the other channel may have the engine. Returns going().
bool Channel::wait_for_endpoint(const Job& job, std::uint64_t bytes) {
  if (!endpoint_->paced()) {
    return true;
  }
  while (going(job)) {
    auto wait = endpoint_->wait(bytes, bus_.clock().now());
    if (!wait) {
      return true;
    }
    enter(ChannelState::kWaiting);
    if (wait->event == nullptr) {
      parts_.arbiter.release(number_);
      bus_.clock().add(wait->time);
      catch_up(job);
    } else if (bus_.clock().offset() != sc_core::SC_ZERO_TIME) {
      catch_up(job);  // first, as the event may come meanwhile
      continue;
    } else {
      parts_.arbiter.release(number_);
      sc_core::wait(*wait->event | wake_);
    }
    take_turn(job);
  }
  return false;
}

void Channel::count(const Job& job, const Region& region, Position& at) {
  const std::uint64_t length = job.setup.length;
  at.moved += region.bytes;
  moved_ += static_cast<std::uint32_t>(region.bytes);
  ++prds_;
  if (length != 0) {
    residual_ = static_cast<std::uint32_t>(length - std::min(at.moved, length));
  }
  ++parts_.statistics.prds;
  (job.setup.to_host ? parts_.statistics.bytes_to_host : parts_.statistics.bytes_from_host) += region.bytes;
}

/// A marked descriptor of a cyclic table is done.
std::optional<Fault> Channel::mark(const Job& job) {
  pace_.drain(bus_.clock());
  if (!catch_up(job)) {
    return std::nullopt;
  }
  RegisterFile& registers = parts_.registers;
  const auto status = [&] { return registers.get(regs::BmStatus::at(number_)) | regs::BmStatus::kInterrupt; };
  if (job.setup.write_back) {
    auto fault = write_back(job.setup, status(), Err::kNone);
    if (fault || !going(job)) {
      return fault;
    }
  }
  registers.set(regs::Periods::at(number_), registers.get(regs::Periods::at(number_)) + 1);
  registers.set(regs::BmStatus::at(number_), status());
  parts_.status_changed();
  return std::nullopt;
}

void Channel::finish(const Job& job, std::optional<Fault> fault) {
  enter(ChannelState::kEnding);
  pace_.drain(bus_.clock());
  catch_up(job);
  if (!current(job)) {
    return;
  }
  fault = fault ? fault : condemned_;
  RegisterFile& registers = parts_.registers;
  const auto status = [&] {
    const std::uint32_t before = registers.get(regs::BmStatus::at(number_)) & ~regs::BmStatus::kActive;
    return before | regs::BmStatus::kInterrupt | (fault ? regs::BmStatus::kError : 0);
  };
  if (job.setup.write_back && !(fault && fault->code == Err::kWritebackRefused)) {
    const auto refused = write_back(job.setup, status(), fault ? fault->code : Err::kNone);
    if (!current(job)) {
      return;
    }
    fault = fault ? fault : refused ? refused : condemned_;
  }
  if (fault) {
    report(*fault);
  }
  ++(fault ? parts_.statistics.errors : parts_.statistics.tables);
  running_ = false;
  const std::uint32_t command = registers.get(regs::BmCommand::at(number_));
  registers.set(regs::BmCommand::at(number_), command & ~regs::BmCommand::kStart);
  registers.set(regs::BmStatus::at(number_), status());
  parts_.status_changed();
}

/// The status block: docs/datasheet.md, section 8. status: BM_STATUS as it will be.
std::optional<Fault> Channel::write_back(const Setup& setup, std::uint32_t status, Err error) {
  RegisterFile& registers = parts_.registers;
  const std::uint64_t generation = generation_;
  const std::uint32_t sequence = registers.get(regs::Sequence::at(number_)) + 1;
  std::array<std::uint8_t, limits::kWritebackBytes> block{};
  std::size_t at = 0;
  for (const std::uint32_t word :
       {status, static_cast<std::uint32_t>(error), registers.get(regs::Residual::at(number_)), sequence}) {
    put_word(block, at, word);
    at += sizeof(word);
  }
  const bool taken = bus_.access(tlm::TLM_WRITE_COMMAND, setup.writeback, block, DmaPurpose::kWriteback, -1);
  if (!running_ || generation != generation_) {
    return std::nullopt;
  }
  if (taken) {
    registers.set(regs::Sequence::at(number_), sequence);
    return std::nullopt;
  }
  return breaches_.fault_if_error({.code = Err::kWritebackRefused, .address = setup.writeback},
                                  [] { return "the bus refused the write of the status block"; });
}

void Channel::report(const Fault& fault) {
  RegisterFile& registers = parts_.registers;
  registers.set(regs::Error::at(number_), regs::field_put(regs::Error::kCode, static_cast<std::uint32_t>(fault.code)));
  registers.set(regs::ErrorIndex::at(number_), static_cast<std::uint32_t>(std::max<std::int64_t>(fault.prd_index, 0)));
  registers.set(regs::ErrorAddr::at(number_), static_cast<std::uint32_t>(fault.address));
}

}  // namespace prd32
