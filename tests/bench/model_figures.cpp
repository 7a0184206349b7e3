// SPDX-License-Identifier: Apache-2.0
#include "model_figures.hpp"

#include <fmt/format.h>
#include <isa-l/crc.h>

#include <cstring>
#include <span>
#include <string>

#include "compare.hpp"
#include "footprint.hpp"
#include "processor.hpp"
#include "rig.hpp"
#include "table_check.hpp"

namespace prd32::bench {

namespace {

constexpr std::uint64_t kMib = std::uint64_t{1} << 20U;
constexpr std::uint64_t kWorkingSet = 64 * kMib;  // on either side: much more than a processor's caches
constexpr std::uint64_t kFullPiece = limits::kPrdMaxBytes;
constexpr std::uint64_t kPagePiece = 4096;
constexpr std::uint64_t kSmallPiece = 64;
constexpr double kGiga = 1e9;
constexpr double kMega = 1e6;
constexpr unsigned kAccesses = 1000;  // to registers, in one sample

constexpr Goal at_least(Goal::Of of, double bound) {
  return {.of = of, .side = Goal::Side::kAtLeast, .bound = bound};
}
constexpr Goal at_most(double bound) {
  return {.of = Goal::Of::kValue, .side = Goal::Side::kAtMost, .bound = bound};
}

const char* direction(bool to_host) {
  return to_host ? "to-host" : "from-host";
}

/// The same bytes between the same two buffers, without a card.
void copy(Rig& rig, std::uint64_t bytes, std::uint64_t piece, bool to_host) {
  std::uint8_t* const host = rig.host_data(bytes).data();
  std::uint8_t* const card = rig.card_data().data();
  for (std::uint64_t done = 0; done < bytes; done += piece) {
    std::memcpy((to_host ? host : card) + done, (to_host ? card : host) + done, piece);
  }
}

}  // namespace

struct Workbench::Parts {
  Rig direct{"direct", {.card = {.memory_size = kWorkingSet}, .data_bytes = kWorkingSet}};
  Rig plain{"plain", {.card = {.memory_size = kWorkingSet}, .data_bytes = kWorkingSet, .direct = false}};
  Rig linked{"linked",
             {.card = {.memory_size = kWorkingSet, .timing = {.link = LinkConfig{}}}, .data_bytes = kWorkingSet}};
  TableCheck table{"table"};
  Echo echo{"echo"};
};

namespace {

Figure transfer(const std::string& name, Rig& rig, std::uint64_t piece, bool to_host, std::optional<double> goal) {
  return {.name = fmt::format("{}/{}", name, direction(to_host)),
          .unit = "GB/s",
          .against = "memcpy in the same pieces",
          .goal = goal ? std::optional(at_least(Goal::Of::kRatio, *goal)) : std::nullopt,
          .run = [&rig, piece, to_host](benchmark::State& state) {
            const Tables tables = rig.describe(kWorkingSet, piece);
            compare(
                state, {static_cast<double>(kWorkingSet) / kGiga}, [&] { rig.run(tables, to_host); },
                [&] { copy(rig, kWorkingSet, piece, to_host); });
          }};
}

Figure whole(Rig& rig, bool to_host) {
  return {.name = fmt::format("data/64KiB/{}/one-memcpy", direction(to_host)),
          .unit = "GB/s",
          .against = "one memcpy of all bytes",
          .run = [&rig, to_host](benchmark::State& state) {
            const Tables tables = rig.describe(kWorkingSet, kFullPiece);
            compare(
                state, {static_cast<double>(kWorkingSet) / kGiga}, [&] { rig.run(tables, to_host); },
                [&] { copy(rig, kWorkingSet, kWorkingSet, to_host); });
          }};
}

Figure prd_rate(Rig& rig, bool to_host) {
  return {.name = fmt::format("prds/64B/{}", direction(to_host)),
          .unit = "million PRDs/s",
          .against = "memcpy in the same pieces",
          .goal = at_least(Goal::Of::kValue, 5),
          .run = [&rig, to_host](benchmark::State& state) {
            const Tables tables = rig.describe(kWorkingSet, kSmallPiece);
            compare(
                state, {static_cast<double>(tables.prds) / kMega}, [&] { rig.run(tables, to_host); },
                [&] { copy(rig, kWorkingSet, kSmallPiece, to_host); });
          }};
}

Figure command_rate(Rig& rig) {
  constexpr unsigned kCommands = 256;
  constexpr unsigned kTimes = 64;
  constexpr std::uint64_t kSector = 512;
  return {.name = "commands/512B/to-host",
          .unit = "million commands/s",
          .against = "the same transfers, each by START",
          .run = [&rig](benchmark::State& state) {
            const Tables tables = rig.describe_commands(kCommands, kSector);
            compare(
                state, {static_cast<double>(kCommands * kTimes) / kMega}, [&] { rig.run_queue(tables, kTimes); },
                [&] {
                  for (unsigned i = 0; i < kTimes; ++i) {
                    rig.run(tables, true);
                  }
                });
          }};
}

Figure table_check(TableCheck& table) {
  return {.name = "table/4096-entries", .unit = "us", .goal = at_most(100), .run = [&table](benchmark::State& state) {
            measure(state, {.amount = 1 / kMega, .rate = false}, [&] { return table.run(); });
          }};
}

Figure memory(const std::string& name, std::uint64_t card_memory, bool touched) {
  constexpr double kAllowance = 32;
  const double needed = touched ? static_cast<double>(card_memory) / kMib : 0;
  return {.name = "memory/" + name,
          .unit = "MiB",
          .goal = at_most(needed + kAllowance),
          .once = true,
          .run = [card_memory, touched](benchmark::State& state) {
            for ([[maybe_unused]] auto unused : state) {
              state.counters[kValue] = footprint_of_a_process(card_memory, touched);
              state.SetIterationTime(1);
            }
          }};
}

Figure latency(Rig& rig) {
  return {.name = "latency/start-to-interrupt", .unit = "us", .run = [&rig](benchmark::State& state) {
            const Tables tables = rig.describe(kSmallPiece, kSmallPiece);
            measure(state, {.amount = 1 / kMega, .rate = false}, [&] {
              rig.run(tables, true);
              return seconds(rig.interrupted() - rig.started());
            });
          }};
}

Figure register_access(const std::string& name, Rig& rig, Echo& echo, bool write) {
  return {.name = "register/" + name,
          .unit = "ns",
          .against = "a target that only keeps the value",
          .run = [&rig, &echo, write](benchmark::State& state) {
            const auto accesses = [write](auto& target) {
              return [&target, write] {
                for (std::uint32_t i = 0; i < kAccesses; ++i) {
                  if (write) {
                    target.write(regs::Scratch::kOffset, i);
                  } else {
                    benchmark::DoNotOptimize(target.read(regs::Scratch::kOffset));
                  }
                }
              };
            };
            compare(state, {.amount = kAccesses / kGiga, .rate = false}, accesses(rig.processor()),
                    accesses(echo.processor));
          }};
}

Figure pattern(const std::string& name, Rig& rig, regs::PatternKind kind) {
  return {.name = "pattern/" + name,
          .unit = "MB/s",
          .against = "memcpy in the same pieces",
          .run = [&rig, kind](benchmark::State& state) {
            const Tables tables = rig.describe(kWorkingSet, kFullPiece);
            compare(
                state, {static_cast<double>(kWorkingSet) / kMega},
                [&] { rig.run(tables, true, regs::Endpoint::kPattern, kind); },
                [&] { copy(rig, kWorkingSet, kFullPiece, true); });
          }};
}

Figure checksum(Rig& rig) {
  return {.name = "checksum/crc32c",
          .unit = "MB/s",
          .against = "the library's CRC of the same bytes",
          .run = [&rig](benchmark::State& state) {
            const Tables tables = rig.describe(kWorkingSet, kFullPiece);
            compare(
                state, {static_cast<double>(kWorkingSet) / kMega},
                [&] { rig.run(tables, false, regs::Endpoint::kChecksum); },
                [&] {
                  benchmark::DoNotOptimize(
                      crc32_iscsi(rig.host_data(kWorkingSet).data(), static_cast<int>(kWorkingSet), 0));
                });
          }};
}

}  // namespace

Workbench::Workbench() : parts_(std::make_unique<Parts>()) {}
Workbench::~Workbench() = default;

std::vector<Figure> Workbench::figures() {
  std::vector<Figure> all;
  Parts& p = *parts_;
  for (const bool to_host : {true, false}) {
    all.push_back(transfer("data/64KiB", p.direct, kFullPiece, to_host, 0.9));
  }
  for (const bool to_host : {true, false}) {
    all.push_back(transfer("data/4KiB", p.direct, kPagePiece, to_host, 0.6));
  }
  all.push_back(prd_rate(p.direct, true));
  all.push_back(prd_rate(p.direct, false));
  all.push_back(table_check(p.table));
  all.push_back(command_rate(p.direct));
  all.push_back(memory("64MiB-touched", limits::kMemoryDefault, true));
  all.push_back(memory("1GiB-untouched", limits::kMemoryMax, false));
  all.push_back(whole(p.direct, true));
  all.push_back(whole(p.direct, false));
  for (const bool to_host : {true, false}) {
    all.push_back(transfer("link/64KiB", p.linked, kFullPiece, to_host, std::nullopt));
    all.push_back(transfer("transactions/4KiB", p.plain, kPagePiece, to_host, std::nullopt));
  }
  all.push_back(latency(p.direct));
  all.push_back(register_access("read", p.direct, p.echo, false));
  all.push_back(register_access("write", p.direct, p.echo, true));
  all.push_back(pattern("prbs31", p.direct, regs::PatternKind::kPrbs31));
  all.push_back(pattern("counter", p.direct, regs::PatternKind::kCounter));
  all.push_back(checksum(p.direct));
  return all;
}

}  // namespace prd32::bench
