// SPDX-License-Identifier: Apache-2.0
// prd32-fuzz-replay: plays scripts from files, as the fuzzer does.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <systemc>
#include <vector>

#include "mutate.hpp"
#include "player.hpp"

namespace prd32::fuzz {

namespace {

/// The files, and those in the folders, in the order of their names.
std::vector<std::filesystem::path> files_of(const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> files;
  for (const std::string& name : names) {
    if (std::filesystem::is_directory(name)) {
      const std::filesystem::directory_iterator folder(name);
      std::ranges::transform(begin(folder), end(folder), std::back_inserter(files),
                             [](const auto& entry) { return entry.path(); });
    } else {
      files.emplace_back(name);
    }
  }
  std::ranges::sort(files);
  return files;
}

std::vector<std::uint8_t> bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) {
    throw std::runtime_error(fmt::format("{}: cannot be read", path.string()));
  }
  return {bytes.begin(), bytes.end()};
}

struct Options {
  std::vector<std::string> names;
  std::uint64_t random = 0;
  unsigned seed = 1;
  std::string keep = "prd32-fuzz-finding";
  bool mistaken = false;
  bool verbose = false;
  bool longest = false;
};

/// Plays scripts and counts those with a complaint.
class Replay {
 public:
  explicit Replay(const Options& options) : options_(options), stations_(make_stations(options.mistaken)) {
    for (const auto& station : stations_) {
      station->complaints().tell_to(options.verbose ? stdout : nullptr);
    }
  }

  /// Returns whether all is well.
  bool play(const Script& script, const std::string& name) {
    const auto complaint = fuzz::play(script, stations_);
    ++played_;
    bad_ += complaint ? 1 : 0;
    if (complaint && !options_.mistaken) {
      fmt::print("{}: {}\n", name, *complaint);
    }
    return !complaint;
  }

  /// Random changes of the scripts; keeps the first one with a complaint.
  void play_random(const std::vector<Script>& scripts) {
    Random random(options_.seed);
    for (std::uint64_t i = 0; i < options_.random; ++i) {
      Script script = scripts.at(random() % scripts.size());
      constexpr unsigned kMostChanges = 6;
      for (auto changes = random() % kMostChanges + 1; changes > 0; --changes) {
        mutate(script, random);
      }
      if (!play(script, fmt::format("changed script {}, kept as {}", i, options_.keep)) && !options_.mistaken) {
        std::vector<std::uint8_t> bytes(kMaxBytes);
        bytes.resize(encode(script, bytes));
        std::ofstream(options_.keep, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return;
      }
    }
  }

  /// The exit status.
  int result() const {
    fmt::print("{} scripts, {} with a complaint\n", played_, bad_);
    return played_ != 0 && (bad_ != 0) == options_.mistaken ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  const Options& options_;
  Stations stations_;
  std::uint64_t played_ = 0;
  std::uint64_t bad_ = 0;
};

int run(const Options& options) {
  Replay replay(options);
  std::vector<Script> scripts;
  for (const std::filesystem::path& path : files_of(options.names)) {
    scripts.push_back(decode(bytes_of(path)));
    replay.play(scripts.back(), path.string());
  }
  if (!scripts.empty()) {
    replay.play_random(scripts);
  }
  return replay.result();
}

int parse_and_run(int argc, char** argv) {
  Options options;
  CLI::App app("Plays scripts on the model, and says what is wrong with it. Exit status: 0 nothing, 1 something.");
  app.add_option("files", options.names, "scripts, or folders of them")->check(CLI::ExistingPath);
  app.add_option("--random", options.random, "play so many random changes of them as well");
  app.add_option("--seed", options.seed, "of the changes")->capture_default_str();
  app.add_option("--keep", options.keep, "where the first changed script with a complaint goes")->capture_default_str();
  app.add_flag("--mistaken", options.mistaken,
               "hold every card to the rules of the first one: exit status 0 when that is noticed");
  app.add_flag("--verbose", options.verbose, "tell everything that happens");
  app.add_flag("--longest", options.longest, "print how many bytes a script has at most, and play nothing");
  CLI11_PARSE(app, argc, argv);
  if (options.longest) {
    fmt::print("{}\n", kMaxBytes);
    return EXIT_SUCCESS;
  }
  return run(options);
}

}  // namespace

}  // namespace prd32::fuzz

int sc_main(int argc, char** argv) {
  try {
    return prd32::fuzz::parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "prd32-fuzz-replay: {}\n", error.what());
    return EXIT_FAILURE;
  }
}

// SystemC brings a main() of its own, which would print its banner.
int main(int argc, char** argv) {
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
  return sc_core::sc_elab_and_sim(argc, argv);
}
