// SPDX-License-Identifier: Apache-2.0
// One DMA channel: takes a START through fetching, checking and moving to the report.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <systemc>
#include <vector>

#include "prd32/card_memory.hpp"
#include "prd32/host_bus.hpp"
#include "prd32/register_file.hpp"
#include "prd32/rules.hpp"
#include "prd32/statistics.hpp"
#include "prd32/violation.hpp"

namespace prd32 {

/// How much simulated time the engine takes.
struct Timing {
  sc_core::sc_time start = sc_core::sc_time(200, sc_core::SC_NS);  ///< from START to the first fetch; not zero
  sc_core::sc_time per_prd = sc_core::sc_time(100, sc_core::SC_NS);
  double bytes_per_ns = 1.0;  ///< 1.0 is 1 GB/s
};

/// The parts of the card that a channel works with. All outlive it.
struct ChannelParts {
  RegisterFile& registers;
  const Rules& rules;
  HostBus& bus;
  CardMemory& memory;
  ViolationLog& log;
  CardStatistics& statistics;
  const Timing& timing;
  std::function<void()> status_changed;  ///< called after BM_STATUS changed, so that the interrupt lines follow
};

/// The engine is a process of its own; start(), stop() and reset() only tell it what to do, and may be called from
/// anywhere, also while the engine is suspended inside a bus transaction. From their return on a transfer that they
/// ended changes no count and no card memory. Host memory it may still change with the transaction that it is in, so
/// after a stop the channel stays active, and BM_STATUS says so, until that transaction has ended.
class Channel : public sc_core::sc_module {
 public:
  Channel(const sc_core::sc_module_name& name, unsigned number, ChannelParts parts);

  bool active() const { return running_ || draining_; }

  /// Begins a transfer with what the registers say now, and clears the report. Only while the channel is not active.
  void start(bool to_host);
  /// Ends the transfer where it is; no error, no interrupt. What was moved stays in the report.
  void stop();
  /// Ends the transfer and touches no register: whoever resets the card resets those.
  void reset();

 private:
  /// A transfer as START found it in the registers.
  struct Job {
    std::uint64_t generation;
    std::uint64_t table;
    std::uint64_t card_offset;
    std::uint64_t length;
    bool to_host;
  };

  void run();
  std::optional<Fault> execute(const Job& job);
  std::optional<Fault> move(const Job& job, const Prd& prd, const Position& at);
  void count(const Job& job, const Prd& prd, const Position& at);
  void finish(const std::optional<Fault>& fault);
  void become_idle();
  void report(const Fault& fault);

  bool current(const Job& job) const { return running_ && job.generation == generation_; }
  /// Runs what may suspend the engine inside a bus transaction.
  template <typename Transaction>
  auto in_transaction(Transaction transaction);
  void pause(const Job& job, const sc_core::sc_time& duration);
  sc_core::sc_time time_for(std::uint64_t bytes) const;

  unsigned number_;
  ChannelParts parts_;
  std::vector<std::uint8_t> staging_;  // a read's data waits here until it is known that the transfer still stands
  std::uint64_t generation_ = 0;       // counts starts, so that a transfer can tell that it is no longer the one
  bool running_ = false;               // a transfer that nobody ended yet
  bool in_transaction_ = false;        // the engine is out on the bus
  bool draining_ = false;              // the transfer was stopped, its last transaction has not ended
  std::optional<Job> pending_;
  sc_core::sc_event wake_;
};

}  // namespace prd32
