// SPDX-License-Identifier: Apache-2.0
// How fast the card is: sizes and queue depths, both directions, next to this machine's memcpy().
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "bench_run.hpp"
#include "card_file.hpp"
#include "commands.hpp"
#include "context.hpp"
#include "progress.hpp"

namespace prd32::ctl {
namespace {

constexpr double kMemcpySeconds = 0.1;  // settles sooner than the card

const std::map<std::string, std::optional<BufferKind>>& memories() {
  static const std::map<std::string, std::optional<BufferKind>> names = {{"user", std::nullopt},
                                                                         {"coherent", BufferKind::kCoherent},
                                                                         {"write-combine", BufferKind::kWriteCombine},
                                                                         {"cached", BufferKind::kCached},
                                                                         {"noncontiguous", BufferKind::kNonContiguous}};
  return names;
}

std::vector<Direction> directions(const BenchOptions& options) {
  if (options.direction == "both") {
    return {Direction::kFromHost, Direction::kToHost};
  }
  return {options.direction == "read" ? Direction::kToHost : Direction::kFromHost};
}

void check(const BenchOptions& options, const Info& card) {
  for (const unsigned depth : options.depths) {
    if (depth == 0 || depth > card.max_results) {
      throw std::invalid_argument(fmt::format("a depth is 1 to {}, not {}", card.max_results, depth));
    }
  }
  for (const std::uint64_t size : options.sizes) {
    if (size == 0 || size > std::min(card.memory_size, card.max_request) || size % card.granule != 0) {
      throw std::invalid_argument(fmt::format("a size is a multiple of {}, up to {} bytes, not {}", card.granule,
                                              std::min(card.memory_size, card.max_request), size));
    }
  }
}

// The bytes that the largest point can use, without taking more of the card than needed.
std::uint64_t wanted_area(const BenchOptions& options, const Info& card) {
  const std::uint64_t largest = *std::max_element(options.sizes.begin(), options.sizes.end());
  const unsigned deepest = *std::max_element(options.depths.begin(), options.depths.end());
  return std::max(largest, std::min(largest * deepest, card.memory_size / 4));
}

}  // namespace

Json run_bench(const Context& context, const BenchOptions& options) {
  const Device card = open_card(context.device);
  check(options, card.info());
  // Memory of its own: what others keep on the card stays as it is.
  const Area area = card.reserve(wanted_area(options, card.info())).value();
  Json memcpys = Json::array();
  Json points = Json::array();
  for (const std::uint64_t size : options.sizes) {
    memcpys.push_back(measure_memcpy(size, std::min(options.seconds, kMemcpySeconds)));
    for (const Direction direction : directions(options)) {
      for (const unsigned depth : options.depths) {
        points.push_back(measure(card, {.direction = direction,
                                        .size = size,
                                        .depth = depth,
                                        .kind = memories().at(options.memory),
                                        .card_address = area.address(),
                                        .card_bytes = area.size(),
                                        .seconds = options.seconds}));
      }
    }
  }
  return {{"device", context.device}, {"memory", options.memory}, {"memcpy", memcpys}, {"points", points}};
}

std::string show_bench(const Json& result) {
  std::map<std::uint64_t, double> memcpys;
  for (const Json& point : result["memcpy"]) {
    memcpys[point["size"]] = point["bytes_per_second"];
  }
  std::string text = fmt::format("{:<6} {:>10} {:>6} {:>10} {:>10} {:>12} {:>12} {:>10}\n", "", "size", "depth",
                                 "requests", "MiB/s", "median us", "p99 us", "of memcpy");
  for (const Json& point : result["points"]) {
    const double speed = point["bytes_per_second"];
    const std::uint64_t size = point["size"];
    text += fmt::format("{:<6} {:>10} {:>6} {:>10} {:>10.1f} {:>12.1f} {:>12.1f} {:>9.2f}%\n",
                        point["direction"].get<std::string>(), size, point["depth"].get<unsigned>(),
                        point["requests"].get<std::uint64_t>(), speed / (1U << 20U),
                        point["latency_us"]["median"].get<double>(), point["latency_us"]["p99"].get<double>(),
                        100 * speed / memcpys.at(size));
  }
  return text;
}

}  // namespace prd32::ctl
