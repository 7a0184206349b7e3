// SPDX-License-Identifier: Apache-2.0
#include "prd32/channel.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "prd32/table_reader.hpp"

namespace prd32 {

using regs::Err;

Channel::Channel(const sc_core::sc_module_name& name, unsigned number, ChannelParts parts)
    : sc_module(name), number_(number), parts_(std::move(parts)), staging_(limits::kPrdMaxBytes), wake_("wake") {
  sc_core::sc_spawn([this] { run(); }, "run");
}

void Channel::start(bool to_host) {
  RegisterFile& registers = parts_.registers;
  const std::uint32_t length = registers.get(regs::Length::at(number_));
  pending_ = Job{.generation = ++generation_,
                 .table = registers.get(regs::BmPrdt::at(number_)),
                 .card_offset = registers.get(regs::CardAddr::at(number_)),
                 .length = length,
                 .to_host = to_host};
  running_ = true;
  registers.set(regs::Residual::at(number_), length);
  for (const std::uint32_t offset : {regs::Moved::at(number_), regs::Prds::at(number_), regs::Error::at(number_),
                                     regs::ErrorIndex::at(number_), regs::ErrorAddr::at(number_)}) {
    registers.set(offset, 0);
  }
  const std::uint32_t status = registers.get(regs::BmStatus::at(number_));
  registers.set(regs::BmStatus::at(number_), status | regs::BmStatus::kActive);
  wake_.notify(sc_core::SC_ZERO_TIME);
}

void Channel::stop() {
  if (!running_) {
    return;
  }
  reset();
  draining_ = in_transaction_;
  if (!draining_) {
    become_idle();
  }
}

void Channel::reset() {
  parts_.statistics.stops += running_ ? 1 : 0;
  running_ = false;
  draining_ = false;
  pending_.reset();
  wake_.notify(sc_core::SC_ZERO_TIME);
}

void Channel::become_idle() {
  const std::uint32_t status = parts_.registers.get(regs::BmStatus::at(number_));
  parts_.registers.set(regs::BmStatus::at(number_), status & ~regs::BmStatus::kActive);
}

template <typename Transaction>
auto Channel::in_transaction(Transaction transaction) {
  in_transaction_ = true;
  auto result = transaction();
  in_transaction_ = false;
  if (std::exchange(draining_, false)) {
    become_idle();
  }
  return result;
}

void Channel::run() {
  for (;;) {
    while (!pending_) {
      sc_core::wait(wake_);
    }
    const Job job = *std::exchange(pending_, std::nullopt);
    // Even a transfer that is refused at once takes time: a line that a driver lowers just before START must be seen
    // low before it rises again.
    pause(job, parts_.timing.start);
    const std::optional<Fault> fault = execute(job);
    if (current(job)) {
      finish(fault);
    }
  }
}

std::optional<Fault> Channel::execute(const Job& job) {
  if (auto fault = Rules::check_table(job.table)) {
    return fault;
  }
  TableReader table(parts_.bus, job.table);
  Position at{.card_offset = job.card_offset, .length = job.length};
  for (; current(job); ++at.index) {
    at.descriptor = table.address(at.index);
    const std::optional<Prd> prd = in_transaction([&] { return table.read(at.index); });
    if (!prd) {
      return Fault{.code = Err::kPrdtFetch,
                   .prd_index = at.index,
                   .address = at.descriptor,
                   .detail = "the bus refused the fetch of the descriptor"};
    }
    if (auto fault = parts_.rules.check_prd(*prd, at)) {
      return fault;
    }
    pause(job, parts_.timing.per_prd + time_for(prd->bytes));
    if (auto fault = move(job, *prd, at)) {
      return fault;
    }
    if (!current(job)) {
      break;
    }
    at.moved += prd->bytes;
    at.card_offset += prd->bytes;
    count(job, *prd, at);
    if (prd->eot) {
      return Rules::check_end(at);
    }
    if (at.index + 1 == limits::kPrdtMaxEntries) {
      return Rules::missing_eot(at);
    }
  }
  return std::nullopt;
}

std::optional<Fault> Channel::move(const Job& job, const Prd& prd, const Position& at) {
  if (!current(job)) {
    return std::nullopt;
  }
  const auto command = job.to_host ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND;
  const std::span<std::uint8_t> card = parts_.memory.bytes().subspan(at.card_offset, prd.bytes);
  if (parts_.bus.copy_direct(command, prd.base, card)) {
    return std::nullopt;
  }
  const std::span<std::uint8_t> data = job.to_host ? card : std::span(staging_).first(prd.bytes);
  if (!in_transaction([&] { return parts_.bus.transport(command, prd.base, data); })) {
    return Fault{.code = job.to_host ? Err::kDataWrite : Err::kDataRead,
                 .prd_index = at.index,
                 .address = prd.base,
                 .detail = job.to_host ? "the bus refused the write of data" : "the bus refused the read of data"};
  }
  if (!job.to_host && current(job)) {
    std::ranges::copy(data, card.begin());
  }
  return std::nullopt;
}

void Channel::count(const Job& job, const Prd& prd, const Position& at) {
  RegisterFile& registers = parts_.registers;
  registers.set(regs::Moved::at(number_), static_cast<std::uint32_t>(at.moved));
  registers.set(regs::Prds::at(number_), at.index + 1);
  if (at.length != 0) {
    registers.set(regs::Residual::at(number_), static_cast<std::uint32_t>(at.length - at.moved));
  }
  ++parts_.statistics.prds;
  (job.to_host ? parts_.statistics.bytes_to_host : parts_.statistics.bytes_from_host) += prd.bytes;
}

void Channel::finish(const std::optional<Fault>& fault) {
  RegisterFile& registers = parts_.registers;
  std::uint32_t status = registers.get(regs::BmStatus::at(number_));
  status = (status & ~regs::BmStatus::kActive) | regs::BmStatus::kInterrupt;
  if (fault) {
    report(*fault);
    status |= regs::BmStatus::kError;
  }
  ++(fault ? parts_.statistics.errors : parts_.statistics.tables);
  running_ = false;
  const std::uint32_t command = registers.get(regs::BmCommand::at(number_));
  registers.set(regs::BmCommand::at(number_), command & ~regs::BmCommand::kStart);
  registers.set(regs::BmStatus::at(number_), status);
  parts_.status_changed();
}

void Channel::report(const Fault& fault) {
  RegisterFile& registers = parts_.registers;
  registers.set(regs::Error::at(number_), regs::field_put(regs::Error::kCode, static_cast<std::uint32_t>(fault.code)));
  registers.set(regs::ErrorIndex::at(number_), static_cast<std::uint32_t>(std::max<std::int64_t>(fault.prd_index, 0)));
  registers.set(regs::ErrorAddr::at(number_), static_cast<std::uint32_t>(fault.address));
  parts_.log.record({.rule = rule_of(fault.code),
                     .severity = severity::kError,
                     .channel = static_cast<int>(number_),
                     .prd_index = fault.prd_index,
                     .address = fault.address,
                     .detail = fault.detail});
}

void Channel::pause(const Job& job, const sc_core::sc_time& duration) {
  const sc_core::sc_time end = sc_core::sc_time_stamp() + duration;
  while (current(job) && sc_core::sc_time_stamp() < end) {
    sc_core::wait(end - sc_core::sc_time_stamp(), wake_);
  }
}

sc_core::sc_time Channel::time_for(std::uint64_t bytes) const {
  return {static_cast<double>(bytes) / parts_.timing.bytes_per_ns, sc_core::SC_NS};
}

}  // namespace prd32
