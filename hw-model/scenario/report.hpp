// SPDX-License-Identifier: Apache-2.0
// What became of a run of a scenario: lines for people as it goes, JSON for programs in the end.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "bench.hpp"
#include "scenario.hpp"

namespace prd32::scenario {

/// One run of one scenario: a card with one timing.
struct Run {
  const Scenario& scenario;
  const TimingVariant& timing;
};

/// What a step came to. An expectation that does not hold fails the run; one that ends it leaves nothing to go on with.
struct Outcome {
  bool ok = true;
  bool ends = false;
  std::string expected{};  ///< with what was found, when it is not in the step's words
  std::string found{};     ///< also of a step that is ok, when it looked at something
};

class Report {
 public:
  /// verbose: with the times of steps, the card's bus accesses and breaches.
  Report(const Run& run, bool verbose);

  void begin();
  void step(unsigned line, const std::string& note, const std::string& text, const Outcome& outcome);
  void not_run(std::size_t steps);
  void access(const HostMemory::Access& access) const;
  void breach(const Violation& breach);
  /// The summary, and the whole report.
  nlohmann::ordered_json finish(const CardStatistics& statistics);

 private:
  std::string time() const;

  const Run& run_;
  bool verbose_;
  std::size_t ok_ = 0;
  std::size_t failed_ = 0;
  std::size_t not_run_ = 0;
  nlohmann::ordered_json steps_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json breaches_ = nlohmann::ordered_json::array();
};

/// The report of a run that ended in another way than by its steps.
nlohmann::ordered_json broken_report(const Run& run, const std::string& why);

}  // namespace prd32::scenario
