// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <sstream>
#include <stdexcept>

#include "prd32/timing.hpp"

namespace prd32 {

namespace {

// What a TLP carries besides its payload, with a 32-bit address or as a completion: framing and sequence number 4,
// header 12, LCRC 4. (Generations 1 and 2 spend the 4 on STP, END and two bytes of sequence number.)
constexpr unsigned kTlpOverhead = 20;
constexpr double kNsPerSecond = 1e9;
constexpr unsigned kMaxLatencyNs = 1'000'000'000;
constexpr unsigned kMaxReads = 256;
// Bytes per second of one lane, after 8b/10b or 128b/130b coding.
constexpr std::array<double, 5> kLane{250e6, 500e6, 8e9 / 8 * 128 / 130, 16e9 / 8 * 128 / 130, 32e9 / 8 * 128 / 130};

bool power_of_two_in(unsigned value, unsigned low, unsigned high) {
  return std::has_single_bit(value) && value >= low && value <= high;
}

std::optional<std::string> refusal(const LinkConfig& link) {
  constexpr unsigned kSmallest = 128;
  constexpr unsigned kLargest = 4096;
  constexpr unsigned kLanes = 16;
  if (link.generation < 1 || link.generation > kLane.size()) {
    return fmt::format("gen={}: must be 1..{}", link.generation, kLane.size());
  }
  if (!power_of_two_in(link.lanes, 1, kLanes)) {
    return fmt::format("lanes={}: must be 1, 2, 4, 8 or {}", link.lanes, kLanes);
  }
  if (!power_of_two_in(link.max_payload, kSmallest, kLargest)) {
    return fmt::format("mps={}: must be a power of two, {}..{}", link.max_payload, kSmallest, kLargest);
  }
  if (!power_of_two_in(link.max_read_request, kSmallest, kLargest)) {
    return fmt::format("mrrs={}: must be a power of two, {}..{}", link.max_read_request, kSmallest, kLargest);
  }
  if (!power_of_two_in(link.completion_boundary, kSmallest / 2, kSmallest)) {
    return fmt::format("rcb={}: must be {} or {}", link.completion_boundary, kSmallest / 2, kSmallest);
  }
  if (link.latency_ns > kMaxLatencyNs) {
    return fmt::format("latency-ns={}: must be 0..{}", link.latency_ns, kMaxLatencyNs);
  }
  if (link.outstanding_reads < 1 || link.outstanding_reads > kMaxReads) {
    return fmt::format("reads={}: must be 1..{}", link.outstanding_reads, kMaxReads);
  }
  return std::nullopt;
}

double to_ns(const sc_core::sc_time& time) {
  return time.to_seconds() * kNsPerSecond;
}
sc_core::sc_time from_ns(double ns) {
  return {ns, sc_core::SC_NS};
}

/// How many bytes from address on there are to the next multiple of unit, a power of two, or to the end.
std::uint64_t piece(std::uint64_t address, std::uint64_t bytes, unsigned unit) {
  return std::min<std::uint64_t>(bytes, unit - address % unit);
}

}  // namespace

std::optional<std::string> refusal(const Timing& timing) {
  if (timing.start <= sc_core::SC_ZERO_TIME || !(timing.bytes_per_ns > 0)) {
    return "the engine's start time and speed must be positive";
  }
  return timing.link ? refusal(*timing.link) : std::nullopt;
}

LinkConfig parse_link(const std::string& text) {
  LinkConfig link;
  const std::array<std::pair<std::string_view, unsigned*>, 7> keys{{{"gen", &link.generation},
                                                                    {"lanes", &link.lanes},
                                                                    {"mps", &link.max_payload},
                                                                    {"mrrs", &link.max_read_request},
                                                                    {"rcb", &link.completion_boundary},
                                                                    {"latency-ns", &link.latency_ns},
                                                                    {"reads", &link.outstanding_reads}}};
  std::istringstream entries(text);
  for (std::string entry; std::getline(entries, entry, ',');) {
    const std::size_t equals = std::min(entry.find('='), entry.size());
    const auto* const key =
        std::ranges::find(keys, std::string_view(entry).substr(0, equals), [](const auto& pair) { return pair.first; });
    const char* const end = entry.data() + entry.size();
    const char* const number = entry.data() + std::min(equals + 1, entry.size());
    unsigned value = 0;
    const auto [rest, error] = std::from_chars(number, end, value);
    if (key == keys.end() || error != std::errc() || rest != end) {
      throw std::invalid_argument(
          fmt::format("\"{}\" is not one of gen, lanes, mps, mrrs, rcb, latency-ns, reads = a number", entry));
    }
    *key->second = value;
  }
  if (const auto reason = refusal(link)) {
    throw std::invalid_argument(*reason);
  }
  return link;
}

double link_bytes_per_second(const LinkConfig& link) {
  return kLane.at(link.generation - 1) * link.lanes;
}

double analytic_write_throughput(const LinkConfig& link) {
  return link_bytes_per_second(link) * link.max_payload / (link.max_payload + kTlpOverhead);
}

double analytic_read_throughput(const LinkConfig& link) {
  const double rate = link_bytes_per_second(link);
  const unsigned completion = std::min(link.completion_boundary, link.max_read_request);
  const double on_link = rate * completion / (completion + kTlpOverhead);
  const double round_trip = link.latency_ns / kNsPerSecond + kTlpOverhead / rate + link.max_read_request / on_link;
  return std::min(on_link, link.outstanding_reads * link.max_read_request / round_trip);
}

Link::Link(const LinkConfig& config) : config_(config), ns_per_byte_(kNsPerSecond / link_bytes_per_second(config)) {}

double Link::send(double& free, double now, std::uint64_t payload) const {
  free = std::max(free, now) + static_cast<double>(payload + kTlpOverhead) * ns_per_byte_;
  return free;
}

sc_core::sc_time Link::write(const sc_core::sc_time& now, std::uint64_t address, std::uint64_t bytes) {
  double sent = to_ns(now);
  while (bytes != 0) {
    const std::uint64_t payload = piece(address, bytes, config_.max_payload);
    sent = send(up_free_, sent, payload);
    address += payload;
    bytes -= payload;
  }
  return from_ns(sent);
}

Link::Read Link::read(const sc_core::sc_time& now, std::uint64_t address, std::uint64_t bytes) {
  double issued = to_ns(now);
  double arrived = issued;
  while (bytes != 0) {
    while (!under_way_.empty() && under_way_.front() <= issued) {
      under_way_.pop_front();
    }
    if (under_way_.size() == config_.outstanding_reads) {
      issued = under_way_.front();
      under_way_.pop_front();
    }
    std::uint64_t request = piece(address, bytes, config_.max_read_request);
    bytes -= request;
    issued = send(up_free_, issued, 0);
    arrived = issued + config_.latency_ns;
    while (request != 0) {
      const std::uint64_t payload = piece(address, request, config_.completion_boundary);
      arrived = send(down_free_, arrived, payload);
      address += payload;
      request -= payload;
    }
    under_way_.push_back(arrived);
  }
  return {.issued = from_ns(issued), .arrived = from_ns(arrived)};
}

}  // namespace prd32
