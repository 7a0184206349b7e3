// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

namespace prd32::ctl {
namespace {

constexpr double kPatience = 0.5;  // seconds; work that takes less needs no line
constexpr double kEvery = 0.2;     // seconds

}  // namespace

Progress::Progress(const Context& context, std::string verb, std::uint64_t total)
    : verb_(std::move(verb)), total_(total), enabled_(!context.json && isatty(STDERR_FILENO) == 1), next_(kPatience) {}

Progress::~Progress() {
  if (shown_) {
    static_cast<void>(std::fputs("\r\033[K", stderr));
  }
}

void Progress::show(std::uint64_t done) {
  const double now = watch_.seconds();
  if (!enabled_ || now < next_) {
    return;
  }
  next_ = now + kEvery;
  shown_ = true;
  const auto mebibytes = [](std::uint64_t bytes) { return static_cast<double>(bytes) / (1U << 20U); };
  fmt::print(stderr, "\r\033[K{:.1f} of {:.1f} MiB {}, {:.1f} MiB/s", mebibytes(done), mebibytes(total_), verb_,
             mebibytes(done) / now);
  static_cast<void>(std::fflush(stderr));
}

}  // namespace prd32::ctl
