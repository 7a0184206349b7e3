// SPDX-License-Identifier: Apache-2.0
// The PCI Express link: what the TLPs reckon is what the closed formulas say, and the card takes that time.
#include <algorithm>

#include "bench.hpp"
#include "prd32/timing.hpp"

namespace prd32::test {
namespace {

using regs::Err;

constexpr double kTolerance = 0.02;
constexpr std::uint64_t kPiece = 0x10000;
constexpr int kPieces = 64;

struct Throughput {
  double read;
  double write;
};

/// Of long aligned transfers, descriptor after descriptor, as the engine asks for them.
Throughput measured(const LinkConfig& config) {
  Link link(config);
  sc_core::sc_time now = sc_core::SC_ZERO_TIME;
  sc_core::sc_time arrived = now;
  for (int i = 0; i < kPieces; ++i) {
    const Link::Read read = link.read(now, i * kPiece, kPiece);
    now = read.issued;
    arrived = read.arrived;
  }
  const double reading = arrived.to_seconds();
  Link other(config);
  now = sc_core::SC_ZERO_TIME;
  for (int i = 0; i < kPieces; ++i) {
    now = other.write(now, i * kPiece, kPiece);
  }
  return {.read = kPieces * kPiece / reading, .write = kPieces * kPiece / now.to_seconds()};
}

TEST(Link, AgreesWithTheFormulasEverywhere) {
  for (unsigned generation = 1; generation <= 5; ++generation) {
    for (const unsigned lanes : {1U, 2U, 4U, 8U, 16U}) {
      for (const unsigned payload : {128U, 256U, 4096U}) {
        for (const unsigned request : {128U, 512U, 4096U}) {
          for (const unsigned boundary : {64U, 128U}) {
            for (const unsigned reads : {1U, 8U, 256U}) {
              const LinkConfig config{.generation = generation,
                                      .lanes = lanes,
                                      .max_payload = payload,
                                      .max_read_request = request,
                                      .completion_boundary = boundary,
                                      .latency_ns = 500,
                                      .outstanding_reads = reads};
              const Throughput found = measured(config);
              ASSERT_NEAR(found.write / analytic_write_throughput(config), 1, kTolerance);
              ASSERT_NEAR(found.read / analytic_read_throughput(config), 1, kTolerance)
                  << "gen " << generation << " x" << lanes << " mps " << payload << " mrrs " << request << " rcb "
                  << boundary << " reads " << reads;
            }
          }
        }
      }
    }
  }
}

TEST(Link, MoreOfEverythingIsFaster) {
  const LinkConfig base{};
  for (const auto change : {+[](LinkConfig& config) { config.lanes *= 2; },        //
                            +[](LinkConfig& config) { config.generation += 1; },   //
                            +[](LinkConfig& config) { config.max_payload *= 2; },  //
                            +[](LinkConfig& config) { config.completion_boundary *= 2; }}) {
    LinkConfig better = base;
    change(better);
    EXPECT_GT(measured(better).read + measured(better).write, measured(base).read + measured(base).write);
  }
}

TEST(Link, PiecesEndAtBoundaries) {
  Link link({.max_payload = 128});
  const double whole = link.write(sc_core::SC_ZERO_TIME, 0, 128).to_seconds();
  Link other({.max_payload = 128});
  EXPECT_GT(other.write(sc_core::SC_ZERO_TIME, 1, 128).to_seconds(), whole) << "it takes two TLPs";
}

TEST(Link, IsParsedAndChecked) {
  const LinkConfig all = parse_link("gen=5,lanes=16,mps=512,mrrs=1024,rcb=128,latency-ns=250,reads=64");
  EXPECT_EQ(all.generation, 5U);
  EXPECT_EQ(all.lanes, 16U);
  EXPECT_EQ(all.max_payload, 512U);
  EXPECT_EQ(all.max_read_request, 1024U);
  EXPECT_EQ(all.completion_boundary, 128U);
  EXPECT_EQ(all.latency_ns, 250U);
  EXPECT_EQ(all.outstanding_reads, 64U);
  EXPECT_EQ(parse_link("lanes=1").generation, LinkConfig{}.generation);
  EXPECT_EQ(parse_link("").lanes, LinkConfig{}.lanes);
  for (const char* const wrong : {"gen=0",          "gen=6",     "lanes=3", "lanes=32",
                                  "mps=64",         "mps=8192",  "mps=200", "mrrs=64",
                                  "mrrs=300",       "rcb=32",    "rcb=256", "latency-ns=1000000001",
                                  "reads=0",        "reads=257", "gen",     "gen=",
                                  "gen=x",          "gen=3x",    "speed=1", "gen=3,,lanes=1",
                                  "gen=99999999999"}) {
    EXPECT_THROW(parse_link(wrong), std::invalid_argument) << wrong;
  }
}

constexpr std::uint32_t kTable = 0x10000;
constexpr std::uint32_t kData = 0x1000000;

TEST(Link, TheCardTakesThatTime) {
  Bench& b = linked_bench();
  b.reset();
  std::vector<Prd> prds;
  for (std::uint32_t i = 0; i < kPieces; ++i) {
    prds.push_back({.base = static_cast<std::uint32_t>(kData + i * kPiece), .bytes = kPiece, .eot = i + 1 == kPieces});
  }
  b.put_table(kTable, prds);
  b.host.map(kData, kPieces * kPiece);
  b.write(regs::IrqEnable::kOffset, regs::IrqCause::kCh0);
  for (const bool to_host : {false, true}) {
    sc_core::sc_time at_rise;
    b.on_rise = [&](unsigned) { at_rise = sc_core::sc_time_stamp(); };
    const sc_core::sc_time before = sc_core::sc_time_stamp();
    EXPECT_EQ(b.transfer({.to_host = to_host}), Err::kNone);
    const double found = kPieces * kPiece / (at_rise - before).to_seconds();
    const LinkConfig config{};
    const double expected = to_host ? analytic_write_throughput(config) : analytic_read_throughput(config);
    EXPECT_NEAR(found / expected, 1, kTolerance) << "to host: " << to_host;
    b.write(regs::IrqCause::kOffset, ~0U);
    sc_core::sc_start(1, sc_core::SC_US);
  }
}

TEST(Link, AMarkWaitsUntilTheDataIsThere) {
  Bench& b = linked_bench();
  b.reset();
  b.host.map(kData, kPiece);
  b.write(regs::IrqEnable::kOffset, regs::IrqCause::kCh0);
  sc_core::sc_time at_rise;
  b.on_rise = [&](unsigned) { at_rise = sc_core::sc_time_stamp(); };
  b.put_table(kTable, {{.base = kData, .bytes = 64, .mark = true, .eot = true}});
  const sc_core::sc_time before = sc_core::sc_time_stamp();
  b.start({.control = regs::Control::kCyclic});
  b.run_until([&] { return at_rise != sc_core::SC_ZERO_TIME; }, "the mark");
  b.write(regs::BmCommand::at(0), 0, 1);
  EXPECT_GE(at_rise - before, sc_core::sc_time(2 * LinkConfig{}.latency_ns, sc_core::SC_NS)) << "table, then data";
}

}  // namespace
}  // namespace prd32::test
