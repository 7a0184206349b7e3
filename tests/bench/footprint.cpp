// SPDX-License-Identifier: Apache-2.0
#include "footprint.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>

#include "rig.hpp"

namespace prd32::bench {

namespace {

constexpr double kKibPerMib = 1024;

std::string all_of(int fd) {
  std::string text;
  std::array<char, 64> piece{};
  for (ssize_t got = 0; (got = ::read(fd, piece.data(), piece.size())) > 0;) {
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

double footprint_of_a_process(std::uint64_t card_memory, bool touched) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe to the process whose memory is to be measured");
  }
  std::string program = "prd32-model-bench";
  std::string option = "--footprint";
  std::string size = std::to_string(card_memory);
  std::string touch = "--touch";
  const std::array<char*, 5> argv{program.data(), option.data(), size.data(), touched ? touch.data() : nullptr,
                                  nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  const std::string said = error == 0 ? all_of(ends[0]) : "";
  ::close(ends[0]);
  int status = 0;
  if (error != 0 || ::waitpid(child, &status, 0) != child || status != 0) {
    throw std::runtime_error("the process whose memory is to be measured failed");
  }
  return std::stod(said) / kKibPerMib;
}

void print_footprint(std::uint64_t card_memory, bool touched) {
  Rig rig("rig", {.card = {.memory_size = card_memory}, .data_bytes = limits::kPrdMaxBytes});
  if (touched) {
    std::ranges::fill(rig.card_data(), std::uint8_t{1});
  }
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  rig.run(rig.describe(limits::kPrdMaxBytes, limits::kPrdMaxBytes), true);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) {
      fmt::print("{}\n", std::stoull(line.substr(line.find(':') + 1)));
      return;
    }
  }
  throw std::runtime_error("/proc/self/status has no VmHWM");
}

}  // namespace prd32::bench
