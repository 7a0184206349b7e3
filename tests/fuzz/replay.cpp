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

int run(const std::vector<std::string>& names, bool mistaken, bool verbose) {
  Stations stations = make_stations(mistaken);
  for (const auto& station : stations) {
    station->complaints().tell_to(verbose ? stdout : nullptr);
  }
  const std::vector<std::filesystem::path> files = files_of(names);
  std::size_t bad = 0;
  for (const std::filesystem::path& path : files) {
    if (const auto complaint = play(decode(bytes_of(path)), stations)) {
      ++bad;
      if (!mistaken) {
        fmt::print("{}: {}\n", path.string(), *complaint);
      }
    }
  }
  fmt::print("{} scripts, {} with a complaint\n", files.size(), bad);
  if (files.empty()) {
    return EXIT_FAILURE;
  }
  return (bad != 0) == mistaken ? EXIT_SUCCESS : EXIT_FAILURE;
}

int parse_and_run(int argc, char** argv) {
  std::vector<std::string> names;
  bool mistaken = false;
  bool verbose = false;
  bool longest = false;
  CLI::App app("Plays scripts on the model, and says what is wrong with it. Exit status: 0 nothing, 1 something.");
  app.add_option("files", names, "scripts, or folders of them")->check(CLI::ExistingPath);
  app.add_flag("--mistaken", mistaken,
               "hold every card to the rules of the first one: exit status 0 when that is noticed");
  app.add_flag("--verbose", verbose, "tell everything that happens");
  app.add_flag("--longest", longest, "print how many bytes a script has at most, and play nothing");
  CLI11_PARSE(app, argc, argv);
  if (longest) {
    fmt::print("{}\n", kMaxBytes);
    return EXIT_SUCCESS;
  }
  return run(names, mistaken, verbose);
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
