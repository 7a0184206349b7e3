// SPDX-License-Identifier: Apache-2.0
// The steps of a random case: transfers, and what software does before, while and after they run.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "case.hpp"
#include "draw.hpp"
#include "landscape.hpp"

namespace prd32::oracle {

class Script {
 public:
  /// patient: one transfer that may take long, and not much else.
  Script(Draw& draw, const CardKind& kind, bool patient);

  void write();
  /// Moves what was written to the case.
  void take(Case& scene);

 private:
  /// One transfer of a channel.
  struct Job {
    unsigned channel = 0;
    bool to_host = false;
    bool cyclic = false;
    regs::Endpoint endpoint = regs::Endpoint::kMemory;
    Plan plan;
  };
  /// A channel's queue, as the driver believes it to be.
  struct Ring {
    bool in_step = false;  ///< nothing happened that would make the belief wrong
    std::uint32_t base = 0;
    unsigned log2 = 0;
    std::uint32_t tail = 0;
    Plan last;
  };

  void episode();
  void one_channel();
  void both_channels();
  void through_the_loopback();
  void through_a_queue();
  void run_and_look();

  // ---- script_queue.cpp
  void set_up_queue(unsigned n);
  void put_batch(unsigned n, bool waits);
  void step_by_step();
  void take_interrupt_back(unsigned n);
  void ring_by_and_by();
  void put_command(unsigned n, bool waits);
  void put_command(const Job& one, bool plain);
  void doorbell(unsigned n);
  void stop_and_go(unsigned n);
  void beside_a_queue(unsigned n);
  void drip(unsigned n);
  void feed(unsigned n);
  void meddle_with_queue(unsigned n);

  Job job(unsigned channel);
  regs::Endpoint endpoint(bool to_host);
  void set_up(const Job& job);
  void start(const Job& job);
  std::uint32_t card_address(const Job& job);
  std::uint32_t length(const Job& job);
  std::uint32_t entries(const Job& job);
  std::uint32_t control(const Job& job);

  void meddle(unsigned channel);
  void write_locked(unsigned channel);
  std::uint32_t few_commands();
  void poke_around();
  void read_some();
  void clear_causes();

  void read(std::uint32_t offset, unsigned bytes);
  void write(std::uint32_t offset, unsigned bytes, std::uint64_t value);
  void run() { steps_.push_back({.action = Action::kRun}); }

  Draw& draw_;
  const CardKind& kind_;
  bool patient_;
  Landscape landscape_;
  std::vector<Step> steps_;
  std::array<Ring, limits::kChannels> rings_;
};

}  // namespace prd32::oracle
