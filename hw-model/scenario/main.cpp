// SPDX-License-Identifier: Apache-2.0
// prd32-scenario: SystemC elaborates once a process, so that each run of several is a child process.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <vector>

#include "bench.hpp"
#include "keys.hpp"
#include "options.hpp"
#include "player.hpp"
#include "prd32/waveform.hpp"
#include "report.hpp"
#include "scenario.hpp"
#include "simulation.hpp"

namespace prd32::scenario {
namespace {

using Json = nlohmann::ordered_json;

/// What sc_main() is to do, and what came of it: SystemC's kernel stands between it and its caller.
struct Task {
  const Run& run;
  const Options& options;
  Json report;
};
Task* g_task = nullptr;

void play(Task& task) {
  const Scenario& scenario = task.run.scenario;
  std::ofstream file;
  std::optional<JsonViolationLog> written;
  if (!task.options.violations.empty()) {
    file.open(task.options.violations, std::ios::app);
    written.emplace(file, [] { return static_cast<std::uint64_t>(simulation::now().count() / 1000); });
  }
  BreachLog log(written ? &*written : nullptr);
  CardConfig config = scenario.card;
  config.timing = task.run.timing.timing;
  tlm::tlm_global_quantum::instance().set({static_cast<double>(scenario.quantum.count()), sc_core::SC_PS});
  Bench bench(config, scenario.host, log);
  Waveform wave(task.options.wave, bench.card);
  Report report(task.run, task.options.verbose);
  bench.host.on_access = [&report](const HostMemory::Access& access) { report.access(access); };
  log.on_breach = [&report](const Violation& breach) { report.breach(breach); };
  report.begin();
  Player(task.run, bench, log, report).play();
  task.report = report.finish(bench.card.statistics());
  wave.step();
  if (written && written->lost() != 0) {
    throw std::runtime_error(fmt::format("{} violations could not be written to {}: is the disk full?", written->lost(),
                                         task.options.violations));
  }
}

/// In this process.
Json play_here(const Run& run, const Options& options) {
  Task task{.run = run, .options = options, .report = broken_report(run, "the simulation ended early")};
  g_task = &task;
  std::array<char, 1> name{};
  std::array<char*, 2> argv{name.data(), nullptr};
  sc_core::sc_elab_and_sim(1, argv.data());
  g_task = nullptr;
  return task.report;
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// indent: spaces a level; -1 for a single line. A file's name may be no UTF-8.
std::string text_of(const Json& report, int indent) {
  return report.dump(indent, ' ', false, Json::error_handler_t::replace);
}

/// All that comes from the pipe until its other end is closed.
std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got == 0) {
      return text;
    }
    if (got > 0) {
      text.append(piece.data(), static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      fail("read");
    }
  }
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done >= 0) {
      text.remove_prefix(static_cast<std::size_t>(done));
    } else if (errno != EINTR) {
      fail("write");
    }
  }
}

/// In a child process, which inherits all that was read.
Json play_in_child(const Run& run, const Options& options) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) {
    fail("pipe");
  }
  (void)std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) {
    fail("fork");
  }
  if (child == 0) {
    ::close(ends[0]);
    write_all(ends[1], text_of(play_here(run, options), -1));
    (void)std::fflush(stdout);
    ::_exit(kOk);  // what was inherited is the parent's to take down
  }
  ::close(ends[1]);
  const std::string text = read_all(ends[0]);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != kOk || !Json::accept(text)) {
    const std::string why = WIFSIGNALED(status) ? fmt::format("the simulation was ended by signal {}", WTERMSIG(status))
                                                : "the simulation ended early";
    fmt::print("{}  FAILED: {}\n", run.scenario.file, why);
    return broken_report(run, why);
  }
  return Json::parse(text);
}

std::vector<Run> runs_of(const std::vector<Scenario>& scenarios) {
  std::vector<Run> runs;
  for (const Scenario& scenario : scenarios) {
    for (const TimingVariant& timing : scenario.timings) {
      runs.push_back({.scenario = scenario, .timing = timing});
    }
  }
  return runs;
}

/// Throws Mistake when the options do not go with what is to be run.
void examine(const Options& options, const std::vector<Run>& runs) {
  if (!options.wave.empty() && runs.size() > 1) {
    throw Mistake(fmt::format("--wave takes one scenario with one timing, and there are {} to run: run them one by one",
                              runs.size()));
  }
  if (!options.wave.empty() && runs.front().scenario.quantum.count() != 0) {
    throw Mistake(fmt::format("{}: --wave needs a quantum of 0, in which the time of everything shows",
                              runs.front().scenario.file));
  }
  for (const std::string& file : {options.json, options.violations, options.wave}) {
    if (!file.empty() && !std::ofstream(file)) {
      throw Mistake(std::system_error(errno, std::generic_category(), "cannot write " + file).what());
    }
  }
}

int run(const Options& options) {
  if (options.list_registers) {
    fmt::print("{}", list_registers());
    return kOk;
  }
  std::vector<Scenario> scenarios;
  scenarios.reserve(options.scenarios.size());
  for (const std::string& file : options.scenarios) {
    scenarios.push_back(load_scenario(file));
  }
  const std::vector<Run> runs = runs_of(scenarios);
  examine(options, runs);
  Json reports = Json::array();
  std::size_t ok = 0;
  for (const Run& one : runs) {
    reports.push_back(runs.size() == 1 ? play_here(one, options) : play_in_child(one, options));
    ok += reports.back()["ok"] == true ? 1 : 0;
  }
  if (runs.size() > 1) {
    fmt::print("{} of {} runs ok\n", ok, runs.size());
  }
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    const Json all{{"program", PRD32_VERSION_TEXT}, {"ok", ok == runs.size()}, {"runs", std::move(reports)}};
    file << text_of(all, 2) << '\n' << std::flush;
    if (!file) {
      throw Mistake("cannot write " + options.json);
    }
  }
  return ok == runs.size() ? kOk : kFailed;
}

}  // namespace
}  // namespace prd32::scenario

// SystemC's kernel calls this once it is set up.
int sc_main(int /*argc*/, char* /*argv*/[]) {
  namespace scenario = prd32::scenario;
  try {
    scenario::play(*scenario::g_task);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "prd32-scenario: %s\n", error.what());
    scenario::g_task->report = scenario::broken_report(scenario::g_task->run, error.what());
  }
  return EXIT_SUCCESS;
}

// SystemC brings a main() of its own, which would print its banner.
int main(int argc, char* argv[]) {
  namespace scenario = prd32::scenario;
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
  const auto [options, done] = scenario::parse_options(argc, argv);
  if (done) {
    return *done;
  }
  try {
    return scenario::run(options);
  } catch (const std::exception& error) {
    (void)std::fflush(stdout);
    (void)std::fprintf(stderr, "prd32-scenario: %s\n", error.what());
    return scenario::kMistaken;
  }
}
