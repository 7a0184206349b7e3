// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "prd32/prd.hpp"
#include "prd32/words.hpp"

namespace prd32::bench {

namespace {

constexpr std::uint64_t kTableBytes = limits::kPrdtMaxEntries * prd::kBytes;
constexpr std::uint64_t kTableStride = limits::kPrdtAlign;
constexpr std::uint64_t kTablesBytes = 256 * kTableStride;
constexpr std::uint64_t kData = FlatHost::kBase + kTablesBytes;
static_assert(kTableBytes <= kTableStride);
constexpr std::uint32_t kQueue = FlatHost::kBase + kTableBytes;  // behind the first table

// As the device program advances, between two looks at its socket.
const sc_core::sc_time& slice() {
  static const sc_core::sc_time time(10, sc_core::SC_US);
  return time;
}

}  // namespace

void NoViolations::record(const Violation& violation) {
  throw std::runtime_error(fmt::format("the card recorded {}: {}", violation.rule, violation.detail));
}

Rig::Rig(const sc_core::sc_module_name& name, const RigConfig& config)
    : sc_module(name),
      host_("host", kTablesBytes + config.data_bytes, config.direct),
      card_("card", config.card, log_),
      processor_("processor"),
      lines_("lines", vectors::kCount) {
  processor_.socket.bind(card_.mmio);
  card_.dma.bind(host_.socket);
  card_.irq.bind(lines_);
  sc_core::sc_spawn_options options;
  options.spawn_method();
  options.dont_initialize();
  options.set_sensitivity(&lines_[vectors::kCh0].posedge_event());
  sc_core::sc_spawn([this] { line_rose(); }, "line_rose", &options);
}

void Rig::line_rose() {
  interrupted_ = Clock::now();
  done_ = true;
}

std::span<std::uint8_t> Rig::host_data(std::uint64_t bytes) {
  return host_.at(kData, bytes);
}

Tables Rig::describe(std::uint64_t bytes, std::uint64_t piece) {
  // Memory that was never written is all the same page, which would make reading it look too quick.
  std::memset(host_data(bytes).data(), 1, bytes);
  Tables tables{.transfers = {}, .prds = bytes / piece, .bytes = bytes};
  for (std::uint64_t done = 0; done < bytes;) {
    const std::uint64_t table = FlatHost::kBase + tables.transfers.size() * kTableStride;
    const std::uint64_t entries = std::min(limits::kPrdtMaxEntries, (bytes - done) / piece);
    if (tables.transfers.size() == kTablesBytes / kTableStride || entries == 0) {
      throw std::logic_error("these bytes cannot be described in such pieces");
    }
    tables.transfers.push_back({.table = static_cast<std::uint32_t>(table),
                                .card_address = static_cast<std::uint32_t>(done),
                                .bytes = static_cast<std::uint32_t>(entries * piece),
                                .entries = static_cast<std::uint32_t>(entries)});
    for (std::uint64_t i = 0; i < entries; ++i, done += piece) {
      encode_prd({.base = kData + done, .bytes = piece, .eot = i + 1 == entries},
                 host_.at(table + i * prd::kBytes, prd::kBytes).first<prd::kBytes>());
    }
  }
  return tables;
}

void Rig::run(const Tables& tables, bool to_host, regs::Endpoint endpoint, regs::PatternKind pattern) {
  set_up(endpoint, pattern);
  for (const Tables::Transfer& transfer : tables.transfers) {
    start(transfer, to_host);
    await_interrupt();
    finish(transfer);
  }
}

void Rig::set_up(regs::Endpoint endpoint, regs::PatternKind pattern) {
  processor_.write(regs::IrqEnable::kOffset, regs::IrqEnable::kCh0);
  processor_.write(regs::Control::at(0),
                   regs::field_put(regs::Control::kEndpoint, static_cast<std::uint32_t>(endpoint)));
  processor_.write(regs::Pattern::at(0), regs::field_put(regs::Pattern::kKind, static_cast<std::uint32_t>(pattern)));
}

void Rig::await_interrupt() const {
  while (!done_) {
    if (!sc_core::sc_pending_activity()) {
      throw std::runtime_error("the card has gone to sleep without an interrupt");
    }
    sc_core::sc_start(std::max(slice(), sc_core::sc_time_to_pending_activity()));
  }
}

Tables Rig::describe_commands(unsigned count, std::uint64_t piece) {
  std::memset(host_data(count * piece).data(), 1, count * piece);
  Tables tables{.transfers = {}, .prds = count, .bytes = count * piece};
  for (unsigned i = 0; i < count; ++i) {
    const auto table = static_cast<std::uint32_t>(FlatHost::kBase + i * kTableStride);
    tables.transfers.push_back({.table = table,
                                .card_address = static_cast<std::uint32_t>(i * piece),
                                .bytes = static_cast<std::uint32_t>(piece),
                                .entries = 1});
    encode_prd({.base = kData + i * piece, .bytes = piece, .eot = true},
               host_.at(table, prd::kBytes).first<prd::kBytes>());
    const auto command = host_.at(kQueue + i * command::kBytes, command::kBytes);
    put_word(command, command::kPrdt, table);
    put_word(command, command::kCardAddr, tables.transfers.back().card_address);
    put_word(command, command::kLength, static_cast<std::uint32_t>(piece));
    put_word(command, command::kFlags, command::kFlagsToHost | regs::field_put(command::kFlagsEntries, 1U));
  }
  return tables;
}

void Rig::run_queue(const Tables& tables, unsigned times) {
  const auto count = static_cast<std::uint32_t>(tables.transfers.size());
  set_up(regs::Endpoint::kMemory, regs::PatternKind::kPrbs31);
  processor_.write(regs::QueueBase::at(0), kQueue);
  processor_.write(regs::QueueSize::at(0), static_cast<std::uint32_t>(std::countr_zero(count)));
  processor_.write(regs::QueueCoalesce::at(0), count);
  for (unsigned i = 0; i < times; ++i) {
    done_ = false;
    const std::uint32_t tail = processor_.read(regs::QueueTail::at(0)) + count;
    processor_.write(regs::QueueTail::at(0), tail);
    await_interrupt();
    if (processor_.read(regs::QueueHead::at(0)) != tail) {
      throw std::runtime_error("the interrupt came before the last command was done");
    }
    processor_.write(regs::BmStatus::at(0), regs::BmStatus::kInterrupt, 1);
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
  }
}

void Rig::start(const Tables::Transfer& transfer, bool to_host) {
  processor_.write(regs::BmPrdt::at(0), transfer.table);
  processor_.write(regs::CardAddr::at(0), transfer.card_address);
  processor_.write(regs::Length::at(0), transfer.bytes);
  processor_.write(regs::Entries::at(0), transfer.entries);
  done_ = false;
  started_ = Clock::now();
  processor_.write(regs::BmCommand::at(0), regs::BmCommand::kStart | (to_host ? regs::BmCommand::kToHost : 0), 1);
}

void Rig::finish(const Tables::Transfer& transfer) {
  if (processor_.read(regs::Error::at(0)) != 0 || processor_.read(regs::Moved::at(0)) != transfer.bytes) {
    throw std::runtime_error(
        fmt::format("a transfer of {} bytes ended with error {} after {}, which makes its time worthless",
                    transfer.bytes, processor_.read(regs::Error::at(0)), processor_.read(regs::Moved::at(0))));
  }
  processor_.write(regs::BmStatus::at(0), regs::BmStatus::kInterrupt, 1);
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
}

}  // namespace prd32::bench
