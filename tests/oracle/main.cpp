// SPDX-License-Identifier: Apache-2.0
// prd32-oracle-test: random cases through the model and through the oracle.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <systemc>
#include <tlm>

#include "cases.hpp"
#include "contest.hpp"
#include "shrink.hpp"

namespace prd32::oracle {

namespace {

constexpr int kAgree = 0;
constexpr int kDiffer = 1;
constexpr int kUseless = 2;

// Card memory as a whole is looked at after so many cases.
constexpr std::uint64_t kBatch = 8192;
// The cards of the built-in profiles come first.
constexpr unsigned kStrict = 0;

struct Options {
  std::uint64_t cases = 20'000;
  std::uint64_t seed = 1;
  std::optional<std::uint64_t> only;
  std::size_t cards = 43;
  Err wrong = Err::kNone;
  bool prove = false;
  unsigned quantum_us = 0;
};

std::string repeat_command(const Options& options, std::uint64_t number) {
  std::string command = fmt::format("prd32-oracle-test --seed {} --cards {} --quantum {} --case {}", options.seed,
                                    options.cards, options.quantum_us, number);
  if (options.wrong != Err::kNone) {
    command += fmt::format(" --break {}", regs::rule_of(options.wrong));
  }
  return command;
}

class Run {
 public:
  Run(const Options& options, Contest& contest) : options_(options), contest_(contest) {}

  int one(std::uint64_t number) {
    const Case scene = make(number);
    const Contest::Result result = contest_.compare(scene, question(number, options_.wrong));
    fmt::print("{}", describe(scene, contest_.kinds().at(scene.card)));
    if (!result.undetermined.empty()) {
      fmt::print("the data sheet does not determine what comes out: {}\n", result.undetermined);
      return kAgree;
    }
    fmt::print("model\n{}oracle\n{}", describe(contest_.model()), describe(contest_.oracle()));
    std::vector<std::string> lines = result.differences;
    if (const std::string stray = contest_.stray_write(scene.card); !stray.empty()) {
      lines.push_back(stray);
    }
    return print_differences(lines) ? kDiffer : kAgree;
  }

  int all() {
    for (std::uint64_t number = 0; number < options_.cases; ++number) {
      const Contest::Result result = contest_.compare(make(number), question(number, options_.wrong));
      undetermined_[result.undetermined] += 1;
      if (!result.differences.empty()) {
        report(number);
        return kDiffer;
      }
      const bool batch_ends = (number + 1) % kBatch == 0 || number + 1 == options_.cases;
      if (batch_ends && any_stray_write()) {
        find_stray_write(number / kBatch * kBatch);
        return kDiffer;
      }
      tell_progress(number);
    }
    return summary();
  }

  // Each rule that the random cases are about: an oracle that is wrong about it must be caught, by a small case.
  int prove() {
    int status = kAgree;
    for (std::size_t code = 1; code < regs::kRules.size(); ++code) {
      const Err wrong{static_cast<std::uint8_t>(code)};
      if (wrong == Err::kPrdtEdited || wrong == Err::kPatternOverrun) {
        continue;  // they depend on time, and no random case breaks them
      }
      status = prove(wrong) ? status : kDiffer;
    }
    return status;
  }

 private:
  Case make(std::uint64_t number) const { return make_case(contest_.kinds(), options_.seed, number); }

  static Question question(std::uint64_t number, Err wrong) { return {.limits = limits_of(number), .wrong = wrong}; }

  static bool print_differences(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
      fmt::print("DIFFERENT {}\n", line);
    }
    return !lines.empty();
  }

  Case smallest(std::uint64_t number, Err wrong, bool whole_memory) {
    const Question asked = question(number, wrong);
    return shrink(make(number), kStrict, [&](const Case& scene) {
      const bool differs = !contest_.compare(scene, asked).differences.empty();
      return (whole_memory && !contest_.stray_write(scene.card).empty()) || differs;
    });
  }

  void print_smallest(std::uint64_t number, bool whole_memory) {
    const Case scene = smallest(number, options_.wrong, whole_memory);
    const Contest::Result result = contest_.compare(scene, question(number, options_.wrong));
    fmt::print("case {} of seed {}, made small:\n{}", number, options_.seed,
               describe(scene, contest_.kinds().at(scene.card)));
    fmt::print("model\n{}oracle\n{}", describe(contest_.model()), describe(contest_.oracle()));
    print_differences(result.differences);
    if (whole_memory) {
      fmt::print("DIFFERENT {}\n", contest_.stray_write(scene.card));
    }
    fmt::print("the whole case: {}\n", repeat_command(options_, number));
  }

  // What differs only after other cases, differs because one of them wrote where nobody looked.
  void report(std::uint64_t number) {
    any_stray_write();
    if (contest_.compare(make(number), question(number, options_.wrong)).differences.empty()) {
      find_stray_write(number / kBatch * kBatch);
    } else {
      print_smallest(number, false);
    }
  }

  // Afterwards there is none.
  bool any_stray_write() {
    bool any = false;
    for (std::size_t card = 0; card < contest_.kinds().size(); ++card) {
      any |= !contest_.stray_write(card).empty();
    }
    return any;
  }

  // A case of this batch wrote where nobody looked.
  void find_stray_write(std::uint64_t first) {
    for (std::uint64_t number = first; number < first + kBatch; ++number) {
      const Case scene = make(number);
      contest_.compare(scene, question(number, options_.wrong));
      if (!contest_.stray_write(scene.card).empty()) {
        print_smallest(number, true);
        return;
      }
    }
    fmt::print("some case from {} on differs, but none of them does alone\n", first);
  }

  bool prove(Err wrong) {
    constexpr std::size_t kSmall = 25;  // steps
    for (std::uint64_t number = 0; number < options_.cases; ++number) {
      if (contest_.compare(make(number), question(number, wrong)).differences.empty()) {
        continue;
      }
      const Case scene = smallest(number, wrong, false);
      fmt::print("{}: found by case {}, {} steps made {}\n", regs::rule_of(wrong), number, make(number).steps.size(),
                 scene.steps.size());
      return scene.steps.size() <= kSmall;
    }
    fmt::print("{}: not one of {} cases finds an oracle that is wrong about it\n", regs::rule_of(wrong),
               options_.cases);
    return false;
  }

  void tell_progress(std::uint64_t number) {
    constexpr std::chrono::seconds kPause{5};
    const auto now = std::chrono::steady_clock::now();
    if (now - told_ > kPause) {
      told_ = now;
      fmt::print(stderr, "{} of {} cases\n", number + 1, options_.cases);
    }
  }

  int summary() const {
    std::uint64_t compared = 0;
    for (const auto& [why, count] : undetermined_) {
      compared += why.empty() ? count : 0;
    }
    fmt::print("seed {}: {} cases, {} compared, all agree\n", options_.seed, options_.cases, compared);
    for (const auto& [why, count] : undetermined_) {
      if (!why.empty()) {
        fmt::print("  {} left out: {}\n", count, why);
      }
    }
    return compared * 2 > options_.cases ? kAgree : kUseless;
  }

  const Options& options_;
  Contest& contest_;
  std::map<std::string_view, std::uint64_t> undetermined_;
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--cases", options.cases, "how many cases")->capture_default_str();
  app.add_option("--seed", options.seed, "of the cases and of the random profiles")->capture_default_str();
  app.add_option("--case", options.only, "run this one alone, and print it with both results");
  app.add_option("--cards", options.cards, "cards: the built-in profiles, then random ones")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{1}, std::size_t{500}));
  const auto is_rule = [](const std::string& name) {
    return code_of(name) == Err::kNone ? "not a rule of docs/registers.md: " + name : std::string();
  };
  app.add_option_function<std::string>(
         "--break", [&options](const std::string& name) { options.wrong = code_of(name); },
         "the oracle shall be wrong about this rule")
      ->type_name("RULE")
      ->check(is_rule);
  app.add_flag("--prove", options.prove, "break the oracle for one rule after the other: each must be found");
  app.add_option("--quantum", options.quantum_us, "channels may run so many microseconds ahead of the simulation")
      ->capture_default_str();
  app.footer("exit status: 0 all agree, 1 a difference, 2 the cases say too little, others: wrong usage");
}

int play(const Options& options) {
  tlm::tlm_global_quantum::instance().set(sc_core::sc_time(options.quantum_us, sc_core::SC_US));
  Contest contest(card_kinds(options.seed, options.cards));
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  Run run(options, contest);
  if (options.only) {
    return run.one(*options.only);
  }
  return options.prove ? run.prove() : run.all();
}

}  // namespace

int run_program(int argc, char** argv) {
  Options options;
  CLI::App app("Random cases through the model of the card and through an oracle that only knows the data sheet.");
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    return play(options);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "{}\n", failure.what());
    return kUseless;
  }
}

}  // namespace prd32::oracle

int sc_main(int argc, char** argv) {
  return prd32::oracle::run_program(argc, argv);
}
