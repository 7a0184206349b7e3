// SPDX-License-Identifier: Apache-2.0
// A card between a processor and a host memory that a test holds in its hands.
#pragma once

#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <systemc>
#include <vector>

#include "fake_host.hpp"
#include "prd32/card.hpp"
#include "prd32/prd.hpp"
#include "prd32/violation.hpp"

namespace prd32::test {

/// Keeps what is recorded.
class RecordingLog final : public ViolationLog {
 public:
  void record(const Violation& violation) override { violations.push_back(violation); }
  std::vector<Violation> violations;
};

/// What the driver of a channel sets up for one transfer.
struct Request {
  unsigned channel = 0;
  std::uint32_t table = 0x10000;
  std::uint32_t card_address = 0;
  std::uint32_t length = 0;
  std::uint32_t entries = 0;
  std::uint32_t control = 0;    ///< the CONTROL register
  std::uint32_t writeback = 0;  ///< the WRITEBACK_ADDR register
  bool to_host = false;
};

/// One card and all that it is connected to. SystemC elaborates once a process, so benches live from start to end, and
/// each test begins with reset().
class Bench : public sc_core::sc_module {
 public:
  Bench(const sc_core::sc_module_name& name, const CardConfig& config);

  /// As after power-up, and nothing recorded; card memory keeps its bytes.
  void reset();

  // ---- the processor
  tlm::tlm_response_status access(tlm::tlm_command command, std::uint64_t offset, std::span<std::uint8_t> data);
  /// Accesses of `bytes` bytes; a refused one fails the test.
  std::uint32_t read(std::uint32_t offset, unsigned bytes = 4);
  void write(std::uint32_t offset, std::uint32_t value, unsigned bytes = 4);
  std::uint32_t read_register(const regs::Register& reg) { return read(reg.offset, reg.bytes); }

  // ---- a transfer
  /// Maps a page-rounded table there and writes the descriptors.
  void put_table(std::uint32_t address, const std::vector<Prd>& prds);
  /// Writes the registers of one transfer, START last.
  void start(const Request& setup);
  bool active(unsigned channel) { return (read(regs::BmStatus::at(channel), 1) & regs::BmStatus::kActive) != 0; }
  /// Lets simulated time pass until the condition holds; fails the test when it does not within a simulated second.
  void run_until(const std::function<bool()>& condition, const char* what);
  void run_until_idle(unsigned channel) {
    run_until([&] { return !active(channel); }, "the channel is idle");
  }
  /// start() and run_until_idle(); the Err code that ERROR then holds.
  regs::Err transfer(const Request& setup);

  tlm_utils::simple_initiator_socket<Bench> cpu;
  tlm_utils::simple_initiator_socket<Bench> window;
  RecordingLog log;
  FakeHost host;
  Card card;
  sc_core::sc_vector<sc_core::sc_signal<bool>> irq;
  std::vector<unsigned> rises;                   ///< how often each line rose since reset()
  std::function<void(unsigned vector)> on_rise;  ///< called when a line rises, at that moment
};

/// The default configuration.
Bench& bench();
/// The smallest memory, and PRDs in units of 4 bytes.
Bench& small_bench();
/// The smallest memory, units of 4 bytes, 8 entries a table, and every rule switched that way that can be.
Bench& silicon_bench();
Bench& tolerant_bench();
Bench& severe_bench();
/// The default configuration on a PCI Express link.
Bench& linked_bench();
/// The default configuration with profile seed.
Bench& seed_bench();
/// The profile of the three that are switched.
Profile switched(regs::Mode mode);

/// Built by sc_main, before any test; in the order of the functions above.
struct Benches {
  Bench* normal;
  Bench* small;
  Bench* silicon;
  Bench* tolerant;
  Bench* severe;
  Bench* linked;
  Bench* seed;
};
void set_benches(const Benches& benches);

/// Tries to build a card whose memory is too small. Modules are built before the simulation starts, so sc_main does.
void try_impossible_card();
/// Whether that card was refused with std::invalid_argument.
bool construction_was_refused();

/// Bytes that differ from seed to seed and from place to place.
std::vector<std::uint8_t> pattern(std::size_t bytes, std::uint32_t seed);

/// A test of the default card.
class CardTest : public ::testing::Test {
 protected:
  CardTest() { b.reset(); }
  Bench& b = bench();
};

}  // namespace prd32::test
