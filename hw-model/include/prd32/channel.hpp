// SPDX-License-Identifier: Apache-2.0
// One DMA channel: takes a START, or the commands of its queue, through fetching, checking and moving to the report.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <systemc>

#include "prd32/arbiter.hpp"
#include "prd32/breaches.hpp"
#include "prd32/card_memory.hpp"
#include "prd32/command_queue.hpp"
#include "prd32/data_mover.hpp"
#include "prd32/endpoint.hpp"
#include "prd32/host_bus.hpp"
#include "prd32/loopback.hpp"
#include "prd32/profile.hpp"
#include "prd32/register_file.hpp"
#include "prd32/rules.hpp"
#include "prd32/statistics.hpp"
#include "prd32/table_reader.hpp"
#include "prd32/timing.hpp"
#include "prd32/violation.hpp"

namespace prd32 {

/// Asked before a descriptor's bytes move: after how many of them the engine shall take its transfer for complete;
/// nothing: it shall go on as it should. For tests of drivers: this is a fault of the card.
using EarlyEnd = std::function<std::optional<std::uint64_t>(unsigned channel, const Position& at, const Region& region,
                                                            bool to_host)>;

/// The parts of the card that a channel works with. All outlive it.
struct ChannelParts {
  RegisterFile& registers;
  const Profile& profile;
  HostBus& bus;
  CardMemory& memory;
  Loopback& loopback;
  Arbiter& arbiter;
  ViolationLog& log;
  CardStatistics& statistics;
  const Timing& timing;
  Link* link;                            ///< null: nominal time
  const EarlyEnd& early_end;             ///< may be empty
  std::function<void()> status_changed;  ///< called after BM_STATUS changed, so that the interrupt lines follow
};

/// What a channel is at, for waveforms.
enum class ChannelState : std::uint32_t { kIdle, kStarting, kQueued, kFetching, kWaiting, kMoving, kEnding };

/// The engine is a process of its own; start(), ring(), stop(), reset() and fail() only tell it what to do, and may be
/// called from anywhere, also while the engine is suspended inside a bus transaction. From their return on a transfer
/// that they ended changes no count and no card memory. Host memory it may still change with the transaction that it is
/// in, so after a stop the channel stays active, and BM_STATUS says so, until that transaction has ended.
class Channel : public sc_core::sc_module {
 public:
  Channel(const sc_core::sc_module_name& name, unsigned number, const ChannelParts& parts);

  bool active() const { return running_ || draining_; }
  /// It takes commands from its queue, and nobody ended that yet.
  bool queue_runs() const { return running_ && queued_; }
  const CommandQueue& queue() const { return queue_; }
  /// The driver has found so many of the queue's commands done. Returns whether it is to be told of more at once.
  bool seen(std::uint32_t count) { return queue_.seen(count, queue_runs()); }

  /// Begins a transfer with what the registers say now, and clears the report. Only while none is running; what is
  /// still under way on the bus is waited for.
  void start(bool to_host);
  /// Begins to take commands from the queue, until none is left; as start().
  void ring();
  /// Ends the transfer where it is, and drops the commands that are left; no error, no interrupt. What was moved stays
  /// in the report.
  void stop();
  /// As stop(), but whatever is still under way on the bus is left to itself: another start() follows at once.
  void drop();
  /// Ends the transfer and touches no register: whoever resets the card resets those.
  void reset();
  /// Ends the transfer, or the command that the queue is at, in error, with interrupt and status; no byte moves from
  /// now on. Nothing when none is running.
  void fail(const Fault& fault);

  /// What became of broken rules; for those that are found at the registers.
  Breaches& breaches() { return breaches_; }
  /// A ChannelState, in a form that can be traced.
  const std::uint32_t& state() const { return state_; }

 private:
  /// A transfer, or the run of a queue, whose commands it is in turn.
  struct Job {
    std::uint64_t generation;
    sc_core::sc_time start;
    Setup setup;
  };

  void run();
  void begin(const Setup& setup, bool queued);
  void take_pattern(Setup& setup) const;
  void clear_report();
  void run_transfer(Job& job);
  void run_queue(Job& job);
  bool next_command(Job& job);
  std::optional<Fault> fetch_command(Job& job);
  std::optional<Fault> do_command(Job& job);
  bool end_command(Job& job, std::optional<Fault> fault);
  void halt_queue(const Job& job, const Fault& fault);
  std::optional<Fault> transfer(Job& job);
  std::optional<Fault> lap(const Job& job);
  std::optional<Fault> descriptor(const Job& job, Position& at, Next& next);
  std::optional<Fault> prepare(const Job& job, Position& at, Prd& prd, Region& region);
  bool wait_for_endpoint(const Job& job, std::uint64_t bytes);
  void count(const Job& job, const Region& region, Position& at);
  std::optional<Fault> mark(const Job& job);
  void finish(const Job& job, std::optional<Fault> fault);
  std::optional<Fault> write_back(const Setup& setup, std::uint32_t status, regs::Err error);
  void report(const Fault& fault);
  void raise(std::uint32_t bits);
  void become_idle();

  bool current(const Job& job) const { return running_ && job.generation == generation_; }
  bool going(const Job& job) const { return current(job) && !condemned_; }
  void take_turn(const Job& job);
  void end_turn(const Job& job);
  template <typename Condition>
  bool catch_up_while(Condition condition);
  bool catch_up(const Job& job);
  bool catch_up_if_due(const Job& job) { return bus_.clock().due() ? catch_up(job) : going(job); }
  bool settle(const Job& job);
  bool settle_if_due(const Job& job) { return bus_.clock().due() ? settle(job) : current(job); }
  void enter(ChannelState state) { state_ = static_cast<std::uint32_t>(state); }

  unsigned number_;
  ChannelParts parts_;
  BusPort bus_;
  Breaches breaches_;
  Rules rules_;
  TableReader reader_;
  DataMover mover_;
  Pace pace_;
  CommandQueue queue_;
  // The registers that change with every descriptor; looking them up each time would take longer than that.
  std::uint32_t& moved_;
  std::uint32_t& prds_;
  std::uint32_t& residual_;
  std::unique_ptr<Endpoint> endpoint_;
  std::function<bool()> going_;     // going() of the transfer that the engine is at
  std::function<bool()> current_;   // current() of it
  std::uint64_t generation_ = 0;    // counts starts, so that a transfer can tell that it is no longer the one
  bool running_ = false;            // a transfer that nobody ended yet
  bool queued_ = false;             // what runs is the queue
  bool draining_ = false;           // the transfer was stopped, its last transaction has not ended
  std::optional<Fault> condemned_;  // the transfer was failed from outside, the engine has not heard yet
  std::optional<Job> pending_;
  std::uint32_t state_ = 0;
  sc_core::sc_event wake_;
};

}  // namespace prd32
