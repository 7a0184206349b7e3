// SPDX-License-Identifier: Apache-2.0
#include "prd32/violation.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

namespace prd32 {

std::string wall_clock() {
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%FT%T}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (now - seconds).count());
}

JsonViolationLog::JsonViolationLog(std::ostream& out, SimulatedNanoseconds clock, std::uint64_t maximum)
    : out_(out), clock_(std::move(clock)), maximum_(maximum) {}

void JsonViolationLog::record(const Violation& violation) {
  const std::uint64_t sequence = recorded_++;
  if (sequence < maximum_) {
    if (!write(violation, sequence)) {
      ++lost_;
    }
    return;
  }
  if (sequence == maximum_) {
    // When even this line fails, lost() still tells.
    (void)write(Violation{.rule = "log-full",
                          .severity = severity::kWarning,
                          .detail = fmt::format("{} violations are logged, later ones are only counted", maximum_)},
                sequence);
  }
  ++lost_;
}

bool JsonViolationLog::write(const Violation& violation, std::uint64_t sequence) {
  nlohmann::ordered_json line;
  line["seq"] = sequence;
  line["sim_ns"] = clock_();
  line["wall"] = wall_clock();
  line["rule"] = violation.rule;
  line["severity"] = violation.severity;
  line["channel"] = violation.channel;
  line["prd_index"] = violation.prd_index;
  line["address"] = violation.address;
  line["detail"] = violation.detail;
  out_.clear();  // a full disk may have room again
  // The line that failed last may be there in part; this one must not become a part of it.
  out_ << (torn_ ? "\n" : "") + line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"
       << std::flush;
  torn_ = !out_.good();
  return !torn_;
}

}  // namespace prd32
