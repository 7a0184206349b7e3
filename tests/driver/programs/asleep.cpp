// SPDX-License-Identifier: Apache-2.0
#include "asleep.hpp"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>

#include "check.hpp"

namespace prd32::uapi_test {

void expect_asleep(pid_t child, const std::source_location& at) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    std::string line;
    std::getline(std::ifstream("/proc/" + std::to_string(child) + "/stat"), line);
    const std::size_t name_end = line.rfind(") ");  // the state follows the program's name, proc(5)
    const char state = name_end == std::string::npos ? ' ' : line[name_end + 2];
    if (state == 'S' || state == 'D') {
      return;
    }
    usleep(1000);  // the kernel has no event for it
  }
  fail("the child sleeps", at);
}

}  // namespace prd32::uapi_test
