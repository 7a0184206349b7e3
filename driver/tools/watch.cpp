// SPDX-License-Identifier: Apache-2.0
// What each channel does, as it does it.
#include <fmt/core.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "card_file.hpp"
#include "commands.hpp"
#include "context.hpp"
#include "system.hpp"

namespace prd32::ctl {
namespace {

constexpr unsigned kHeadEvery = 20;  // lines

using Snapshot = std::vector<Statistics>;  // by channel

Snapshot look(const Device& card) {
  Snapshot found;
  for (unsigned channel = 0; channel < card.info().channels; ++channel) {
    found.push_back(card.statistics(channel).value());
  }
  return found;
}

Json all_of(const Statistics& now) {
  return {{"requests", now.requests},
          {"failed", now.failed},
          {"bytes_to_host", now.bytes_to_host},
          {"bytes_from_host", now.bytes_from_host},
          {"tables", now.tables},
          {"prds", now.prds},
          {"interrupts", now.interrupts},
          {"polls", now.polls},
          {"lost", now.lost},
          {"timeouts", now.timeouts},
          {"stops", now.stops},
          {"channel_resets", now.channel_resets},
          {"function_resets", now.function_resets}};
}

// Totals, and what came since the last report: of the same names.
Json report(const Snapshot& before, const Snapshot& now, double seconds) {
  Json channels = Json::array();
  for (std::size_t i = 0; i < now.size(); ++i) {
    Json total = all_of(now[i]);
    const Json old = all_of(before[i]);
    Json since;
    for (const auto& [name, value] : total.items()) {
      since[name] = value.get<std::uint64_t>() - old[name].get<std::uint64_t>();
    }
    channels.push_back({{"channel", i}, {"total", total}, {"since", since}});
  }
  return {{"seconds", seconds}, {"channels", channels}};
}

void show(const Json& report, unsigned number) {
  if (number % kHeadEvery == 0) {
    fmt::print("{:>2} {:>10} {:>12} {:>12} {:>10} {:>8} {:>8} {:>8}\n", "ch", "requests/s", "to MiB/s", "from MiB/s",
               "irqs/s", "failed", "timeouts", "resets");
  }
  const double seconds = report["seconds"];
  for (const Json& channel : report["channels"]) {
    const auto rate = [&](const char* name) { return channel["since"][name].get<double>() / seconds; };
    const auto total = [&](const char* name) { return channel["total"][name].get<std::uint64_t>(); };
    constexpr double kMebibyte = 1U << 20U;
    fmt::print("{:>2} {:>10.0f} {:>12.2f} {:>12.2f} {:>10.0f} {:>8} {:>8} {:>8}\n", channel["channel"].get<unsigned>(),
               rate("requests"), rate("bytes_to_host") / kMebibyte, rate("bytes_from_host") / kMebibyte,
               rate("interrupts"), total("failed"), total("timeouts"),
               total("channel_resets") + total("function_resets"));
  }
}

}  // namespace

Json run_watch(const Context& context, const WatchOptions& options) {
  const Device card = open_card(context.device, OpenMode::kRead);
  const std::chrono::duration<double> interval(options.interval);
  Snapshot before = look(card);
  for (unsigned number = 0; options.count == 0 || number < options.count; ++number) {
    const Stopwatch watch;
    std::this_thread::sleep_for(interval);
    Snapshot now = look(card);
    const Json found = report(before, now, watch.seconds());
    if (context.json) {
      fmt::print("{}\n", found.dump());
    } else {
      show(found, number);
    }
    if (std::fflush(stdout) != 0) {
      fail("cannot print");
    }
    before = std::move(now);
  }
  return nullptr;
}

}  // namespace prd32::ctl
