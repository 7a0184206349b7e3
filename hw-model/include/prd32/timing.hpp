// SPDX-License-Identifier: Apache-2.0
// How much simulated time the card takes: docs/datasheet.md, section 10.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <systemc>

#include "prd32/local_clock.hpp"

namespace prd32 {

/// A PCI Express link, loosely timed.
struct LinkConfig {
  unsigned generation = 3;            ///< 1..5
  unsigned lanes = 4;                 ///< 1, 2, 4, 8, 16
  unsigned max_payload = 256;         ///< MPS, bytes: a power of two, 128..4096
  unsigned max_read_request = 512;    ///< MRRS, bytes: a power of two, 128..4096
  unsigned completion_boundary = 64;  ///< RCB, bytes: 64 or 128
  unsigned latency_ns = 500;          ///< from a request's arrival to the first completion's departure; at most 1 s
  unsigned outstanding_reads = 32;    ///< 1..256
};

/// How much simulated time the engine takes.
struct Timing {
  sc_core::sc_time start = sc_core::sc_time(200, sc_core::SC_NS);  ///< from START to the first fetch; not zero
  sc_core::sc_time per_prd = sc_core::sc_time(100, sc_core::SC_NS);
  double bytes_per_ns = 1.0;       ///< 1.0 is 1 GB/s; not used with a link
  std::optional<LinkConfig> link;  ///< nothing: nominal time
};

/// Why no card can have this timing, and what is allowed; nothing when one can.
std::optional<std::string> refusal(const Timing& timing);

/// "gen=3,lanes=4,mps=256,mrrs=512,rcb=64,latency-ns=500,reads=32"; what is not said is as LinkConfig has it. Throws
/// std::invalid_argument that says what is wrong.
LinkConfig parse_link(const std::string& text);

/// What the closed formulas give for a link, bytes per second, for long aligned transfers.
double link_bytes_per_second(const LinkConfig& link);  ///< of TLPs
double analytic_write_throughput(const LinkConfig& link);
double analytic_read_throughput(const LinkConfig& link);

/// The one link of a card, on which the channels' transfers queue. It reckons TLP by TLP when each is sent and has
/// arrived; both channels' times may run ahead of the simulation, within the quantum.
class Link {
 public:
  explicit Link(const LinkConfig& config);

  /// A write to the host that is asked for at that time. Returns when the last TLP has been sent.
  sc_core::sc_time write(const sc_core::sc_time& now, std::uint64_t address, std::uint64_t bytes);

  struct Read {
    sc_core::sc_time issued;   ///< when the last request was sent: the next read may be asked for
    sc_core::sc_time arrived;  ///< when all of the data is there
  };
  Read read(const sc_core::sc_time& now, std::uint64_t address, std::uint64_t bytes);

 private:
  double send(double& free, double now, std::uint64_t payload) const;

  LinkConfig config_;
  double ns_per_byte_;
  double up_free_ = 0;            // when the lanes to the host are free, ns
  double down_free_ = 0;          // when the lanes from the host are free, ns
  std::deque<double> under_way_;  // when each outstanding read will have been answered, ns; the oldest first
};

/// Spends a channel's time: nominally, or on the link.
class Pace {
 public:
  /// Both must outlive this. link is null for nominal time.
  Pace(const Timing& timing, Link* link);

  /// The descriptors of one burst are fetched.
  void fetch(LocalClock& clock, std::uint64_t address, std::uint64_t bytes);
  /// A descriptor's bytes are moved.
  void move(LocalClock& clock, bool to_host, std::uint64_t address, std::uint64_t bytes);
  /// Everything that was asked for has arrived.
  void drain(LocalClock& clock) const { clock.advance_to(arrived_); }

 private:
  const Timing& timing_;
  Link* link_;
  double ticks_per_byte_;
  sc_core::sc_time arrived_ = sc_core::SC_ZERO_TIME;
};

}  // namespace prd32
