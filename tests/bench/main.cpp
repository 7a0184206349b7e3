// SPDX-License-Identifier: Apache-2.0
// prd32-model-bench: measures the model, and prints a line of JSON for each figure as soon as it is known.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <regex>
#include <stdexcept>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "figure.hpp"
#include "footprint.hpp"
#include "model_figures.hpp"
#include "prd32/local_clock.hpp"

namespace prd32::bench {

namespace {

struct Options {
  std::string filter;
  int repetitions = 5;
  bool quick = false;
  bool list = false;
  std::uint64_t footprint = 0;
  bool touch = false;
};

/// Prints each figure when Google Benchmark has all repetitions of it.
class Lines final : public benchmark::BenchmarkReporter {
 public:
  explicit Lines(const std::vector<Figure>& figures) : figures_(figures) {}

  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const bool single = run.run_type == Run::RT_Iteration && run.repetitions <= 1;
      const auto figure = std::ranges::find(figures_, run.run_name.function_name, &Figure::name);
      if ((single || run.aggregate_name == "median") && figure != figures_.end()) {
        fmt::print("{}\n", json_line(*figure, run.counters));
        (void)std::fflush(stdout);
      }
    }
  }

 private:
  const std::vector<Figure>& figures_;
};

void measure(const std::vector<Figure>& figures, const Options& options) {
  const double seconds = options.quick ? 0.02 : 0.5;
  for (const Figure& figure : figures) {
    auto* const entry = benchmark::RegisterBenchmark(figure.name.c_str(), figure.run)->UseManualTime();
    if (figure.once) {
      entry->Iterations(1)->Repetitions(1);
    } else {
      entry->MinTime(seconds)->Repetitions(options.repetitions);
    }
  }
  Lines lines(figures);
  benchmark::RunSpecifiedBenchmarks(&lines);
  benchmark::ClearRegisteredBenchmarks();
}

void run(const Options& options) {
  if (options.footprint != 0) {
    print_footprint(options.footprint, options.touch);
    return;
  }
  // As the device program has it; without it each descriptor would wait for its own end.
  tlm::tlm_global_quantum::instance().set(sc_core::sc_time(prd32::kQuantumUs, sc_core::SC_US));
  Workbench workbench;
  std::vector<Figure> figures = workbench.figures();
  const std::regex wanted(options.filter);
  std::erase_if(figures, [&](const Figure& figure) { return !std::regex_search(figure.name, wanted); });
  if (figures.empty()) {
    throw std::runtime_error(fmt::format("no figure has a name that matches \"{}\"", options.filter));
  }
  if (options.list) {
    for (const Figure& figure : figures) {
      fmt::print("{}\n", figure.name);
    }
    return;
  }
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  measure(figures, options);
}

int parse_and_run(int argc, char** argv) {
  Options options;
  CLI::App app("Measures the model of the card. Each figure is a line of JSON: value, reference, ratio, goal, met.");
  app.add_option("--filter", options.filter, "only figures whose name has a match of this regular expression");
  app.add_option("--repetitions", options.repetitions, "how often each figure is measured; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--quick", options.quick, "measure each figure for a moment only: to see that it can be measured");
  app.add_flag("--list", options.list, "print the figures' names and measure nothing");
  app.add_option("--footprint", options.footprint, "only take memory for a card of so many bytes, and print how much")
      ->group("");
  app.add_flag("--touch", options.touch, "with --footprint: touch all of the card's memory")->group("");
  CLI11_PARSE(app, argc, argv);
  run(options);
  return EXIT_SUCCESS;
}

}  // namespace

}  // namespace prd32::bench

int sc_main(int argc, char** argv) {
  try {
    return prd32::bench::parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "prd32-model-bench: %s\n", error.what());
    return EXIT_FAILURE;
  }
}

// SystemC brings a main() of its own, which would print its banner.
int main(int argc, char** argv) {
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
  return sc_core::sc_elab_and_sim(argc, argv);
}
