// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "simulation.hpp"

namespace prd32::scenario {

namespace {

constexpr double kPerNanosecond = 1000;

nlohmann::ordered_json head(const Run& run) {
  return {{"file", run.scenario.file},
          {"title", run.scenario.title},
          {"profile", run.scenario.profile},
          {"timing", run.timing.text}};
}

double now_ns() {
  return static_cast<double>(simulation::now().count()) / kPerNanosecond;
}

nlohmann::ordered_json to_json(const CardStatistics& statistics) {
  return {{"tables", statistics.tables},
          {"errors", statistics.errors},
          {"stops", statistics.stops},
          {"prds", statistics.prds},
          {"bytes_to_host", statistics.bytes_to_host},
          {"bytes_from_host", statistics.bytes_from_host},
          {"interrupts", statistics.interrupts}};
}

}  // namespace

Report::Report(const Run& run, bool verbose) : run_(run), verbose_(verbose) {}

/// What a verbose line begins with.
std::string Report::time() const {
  return verbose_ ? fmt::format("{:>14}", time_text(simulation::now())) : "";
}

void Report::begin() {
  const Scenario& scenario = run_.scenario;
  fmt::print("{}{}{}\n", scenario.file, scenario.title.empty() ? "" : ": ", scenario.title);
  if (verbose_ || scenario.timings.size() > 1) {
    fmt::print("  profile {}, timing {}\n", scenario.profile, run_.timing.text);
  }
}

void Report::step(unsigned line, const std::string& note, const std::string& text, const Outcome& outcome) {
  ++(outcome.ok ? ok_ : failed_);
  if (!note.empty()) {
    fmt::print("{}  # {}\n", time(), note);
  }
  fmt::print("{}  {}  {}:{}  {}{}\n", time(), outcome.ok ? "ok    " : "FAILED", run_.scenario.file, line, text,
             outcome.ok && !outcome.found.empty() ? " -> " + outcome.found : "");
  if (!outcome.ok) {
    fmt::print("            expected  {}\n            found     {}\n", outcome.expected, outcome.found);
  }
  nlohmann::ordered_json entry{
      {"line", line}, {"step", text}, {"verdict", outcome.ok ? "ok" : "failed"}, {"at_ns", now_ns()}};
  if (!note.empty()) {
    entry["note"] = note;
  }
  if (!outcome.ok || !outcome.found.empty()) {
    entry["expected"] = outcome.expected;
  }
  if (!outcome.found.empty()) {
    entry["found"] = outcome.found;
  }
  steps_.push_back(std::move(entry));
}

void Report::not_run(std::size_t steps) {
  not_run_ = steps;
}

void Report::access(const HostMemory::Access& access) const {
  if (verbose_) {
    fmt::print("{}          the card {} {} bytes at {:#x}{}\n", time(), access.write ? "writes" : "reads", access.bytes,
               access.address, access.taken ? "" : ", which is refused");
  }
}

void Report::breach(const Violation& breach) {
  if (verbose_) {
    fmt::print("{}          breach of {}, {}, channel {}: {}\n", time(), breach.rule, breach.severity, breach.channel,
               breach.detail);
  }
  if (breaches_.size() < BreachLog::kMost) {
    breaches_.push_back({{"at_ns", now_ns()},
                         {"rule", breach.rule},
                         {"severity", breach.severity},
                         {"channel", breach.channel},
                         {"prd_index", breach.prd_index},
                         {"address", breach.address},
                         {"detail", breach.detail}});
  }
}

nlohmann::ordered_json Report::finish(const CardStatistics& statistics) {
  const bool ok = failed_ == 0 && not_run_ == 0;
  fmt::print("  {}: {} steps ok{}{}, {} simulated\n", ok ? "ok" : "FAILED", ok_,
             failed_ == 0 ? "" : fmt::format(", {} failed", failed_),
             not_run_ == 0 ? "" : fmt::format(", {} not run", not_run_), time_text(simulation::now()));
  nlohmann::ordered_json report = head(run_);
  report["ok"] = ok;
  report["simulated_ns"] = now_ns();
  report["not_run"] = not_run_;
  report["steps"] = std::move(steps_);
  report["breaches"] = std::move(breaches_);
  report["statistics"] = to_json(statistics);
  return report;
}

nlohmann::ordered_json broken_report(const Run& run, const std::string& why) {
  nlohmann::ordered_json report = head(run);
  report["ok"] = false;
  report["broken"] = why;
  return report;
}

}  // namespace prd32::scenario
