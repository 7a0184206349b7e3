// SPDX-License-Identifier: Apache-2.0
// A card between a processor and a host memory, driven as a driver and the device program would.
#pragma once

#include <cstdint>
#include <span>
#include <systemc>
#include <vector>

#include "compare.hpp"
#include "flat_host.hpp"
#include "prd32/card.hpp"
#include "processor.hpp"

namespace prd32::bench {

/// Takes violations by throwing: what is measured here breaks no rule.
class NoViolations final : public ViolationLog {
 public:
  void record(const Violation& violation) override;
};

struct RigConfig {
  CardConfig card{};
  std::uint64_t data_bytes = 0;  ///< of host memory, besides the tables
  bool direct = true;            ///< whether the card gets pointers to host memory
};

/// The tables of one or several transfers, which together move each byte of the data once.
class Tables {
 public:
  struct Transfer {
    std::uint32_t table;
    std::uint32_t card_address;
    std::uint32_t bytes;
    std::uint32_t entries;
  };

  std::vector<Transfer> transfers;
  std::uint64_t prds = 0;   ///< of all of them
  std::uint64_t bytes = 0;  ///< of all of them
};

class Rig : public sc_core::sc_module {
 public:
  Rig(const sc_core::sc_module_name& name, const RigConfig& config);

  /// Writes tables that describe the first `bytes` bytes of the data in pieces of `piece` bytes; the last ones are
  /// void.
  Tables describe(std::uint64_t bytes, std::uint64_t piece);
  /// Programs channel 0 and waits for its interrupt, transfer by transfer. Throws std::runtime_error when one does not
  /// end as it should.
  void run(const Tables& tables, bool to_host, regs::Endpoint endpoint = regs::Endpoint::kMemory,
           regs::PatternKind pattern = regs::PatternKind::kPrbs31);

  /// As describe(), of `count` transfers of one descriptor each, and puts them into the queue of channel 0.
  Tables describe_commands(unsigned count, std::uint64_t piece);
  /// Does them so many times, with one doorbell and one interrupt each time. Throws as run().
  void run_queue(const Tables& tables, unsigned times);

  /// When START was written last, and when the interrupt line rose after it.
  Clock::time_point started() const { return started_; }
  Clock::time_point interrupted() const { return interrupted_; }

  Processor& processor() { return processor_; }
  std::span<std::uint8_t> host_data(std::uint64_t bytes);
  std::span<std::uint8_t> card_data() { return card_.memory(); }

 private:
  void set_up(regs::Endpoint endpoint, regs::PatternKind pattern);
  void start(const Tables::Transfer& transfer, bool to_host);
  void await_interrupt() const;
  void finish(const Tables::Transfer& transfer);
  void line_rose();

  NoViolations log_;
  FlatHost host_;
  Card card_;
  Processor processor_;
  sc_core::sc_vector<sc_core::sc_signal<bool>> lines_;
  Clock::time_point started_;
  Clock::time_point interrupted_;
  bool done_ = false;
};

}  // namespace prd32::bench
