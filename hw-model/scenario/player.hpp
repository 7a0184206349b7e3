// SPDX-License-Identifier: Apache-2.0
// Plays the steps of a scenario on a bench.
#pragma once

#include <cstdint>
#include <string>

#include "bench.hpp"
#include "report.hpp"
#include "scenario.hpp"
#include "simulation.hpp"

namespace prd32::scenario {

class Player {
 public:
  /// All must outlive the player.
  Player(const Run& run, Bench& bench, BreachLog& log, Report& report)
      : run_(run), bench_(bench), log_(log), report_(report) {}

  /// All steps, and at the end what no scenario may leave behind: a channel at work, a breach that no step looked at.
  void play();

 private:
  Outcome do_step(const WriteRegister& step);
  Outcome do_step(const ReadRegister& step);
  static Outcome do_step(const RunFor& step);
  Outcome do_step(const RunUntilIdle& step);
  Outcome do_step(const RunUntilLine& step);
  Outcome do_step(const RunUntilRegister& step);
  Outcome do_step(const PutBytes& step);
  Outcome do_step(const CheckBytes& step);
  Outcome do_step(const SetRights& step);
  Outcome do_step(const CheckLines& step) const;
  Outcome do_step(const CheckRises& step) const;
  Outcome do_step(const CheckBreaches& step);
  Outcome do_step(const StartStopwatch& step);
  Outcome do_step(const CheckElapsed& step);
  Outcome do_step(const CheckThroughput& step);
  Outcome do_step(const ResetCard& step);

  bool write(const Place& place, std::uint32_t value, unsigned split);
  bool active(unsigned channel);
  Outcome waited(simulation::Wait wait, Picoseconds within, std::string expected, const std::string& now);
  std::string channels_now();
  Outcome end();

  const Run& run_;
  Bench& bench_;
  BreachLog& log_;
  Report& report_;
  Picoseconds stopwatch_{};
  std::uint64_t to_host_then_ = 0;
  std::uint64_t from_host_then_ = 0;
};

}  // namespace prd32::scenario
