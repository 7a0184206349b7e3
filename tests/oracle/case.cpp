// SPDX-License-Identifier: Apache-2.0
#include "case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "outcome.hpp"

namespace prd32::oracle {

namespace {

std::string describe(const regs::Profile& profile) {
  constexpr std::array<std::string_view, 4> kModes{"error", "silicon", "ignore", "off"};
  std::string result = fmt::format("profile {}: granule_log2 {}, prdt_align_log2 {}, entries_log2 {}{}{}{}{}",
                                   profile.name, profile.granule_log2, profile.prdt_align_log2, profile.entries_log2,
                                   profile.cyclic ? ", CYCLIC" : "", profile.writeback ? ", WRITEBACK" : "",
                                   profile.endpoints ? ", ENDPOINTS" : "", profile.queue ? ", QUEUE" : "");
  result += "\n  rules that are not \"error\":";
  for (std::size_t code = 1; code < profile.modes.size(); ++code) {
    if (profile.modes.at(code) != regs::Mode::kError) {
      result += fmt::format(" {}={}", regs::kRules.at(code).name,
                            kModes.at(static_cast<std::size_t>(profile.modes.at(code))));
    }
  }
  return result + '\n';
}

std::string describe(std::uint64_t raw) {
  const std::uint64_t reserved = regs::field_get(prd::kReserved, raw);
  return fmt::format("base {:#x} count {:#x}{}{}{}", regs::field_get(prd::kBase, raw),
                     regs::field_get(prd::kCount, raw), reserved != 0 ? fmt::format(" reserved {:#x}", reserved) : "",
                     (raw & prd::kMark) != 0 ? " MARK" : "", (raw & prd::kEot) != 0 ? " EOT" : "");
}

std::string describe(const CommandWords& words) {
  const std::uint32_t flags = words.at(command::kFlags / sizeof(std::uint32_t));
  const std::uint32_t reserved = flags & ~(command::kFlagsToHost | command::kFlagsEndpoint | command::kFlagsEntries);
  return fmt::format(
      "prdt {:#x} card {:#x} length {:#x} endpoint {} entries {}{}{}", words.at(command::kPrdt / sizeof(std::uint32_t)),
      words.at(command::kCardAddr / sizeof(std::uint32_t)), words.at(command::kLength / sizeof(std::uint32_t)),
      regs::field_get(command::kFlagsEndpoint, flags), regs::field_get(command::kFlagsEntries, flags),
      (flags & command::kFlagsToHost) != 0 ? " TO_HOST" : "",
      reserved != 0 ? fmt::format(" reserved {:#x}", reserved) : "");
}

std::string describe(const Step& step) {
  switch (step.action) {
    case Action::kRead:
      return fmt::format("read {} bytes at {}", step.bytes, name_of(step.offset));
    case Action::kWrite:
      return fmt::format("write {:#x}, {} bytes, at {}", step.value, step.bytes, name_of(step.offset));
    case Action::kRun:
      return "run until nothing moves";
    case Action::kReset:
      return "function-level reset";
    case Action::kPass:
      return fmt::format("{} ns pass", step.value);
    case Action::kStore:
      return fmt::format("command at {:#x}: {}", step.offset, describe(step.command));
  }
  return {};
}

}  // namespace

std::string describe(const Case& scene, const CardKind& kind) {
  constexpr std::size_t kShown = 20;  // descriptors of a table
  std::string result = describe(kind.profile);
  constexpr std::array<std::string_view, 3> kBusTimes{"takes no time", "tells its time", "waits"};
  result += fmt::format("card memory: {:#x} bytes; bus: {}, {} debug access, {}\n", kind.memory_size,
                        scene.direct ? "direct memory pointers" : "transactions", scene.debug ? "with" : "without",
                        kBusTimes.at(static_cast<std::size_t>(scene.bus_time)));
  for (const Region& region : scene.regions) {
    result += fmt::format("host memory {:#x}..{:#x} {}\n", region.address, region.address + region.bytes - 1,
                          region.writable ? "read-write" : "read-only");
  }
  for (const Table& table : scene.tables) {
    for (std::size_t i = 0; i < std::min(table.prds.size(), kShown); ++i) {
      result += fmt::format("descriptor at {:#x}: {}\n", std::uint32_t(table.address + i * prd::kBytes),
                            describe(table.prds[i]));
    }
    if (table.prds.size() > kShown) {
      result += fmt::format("  ... {} more ...\n", table.prds.size() - kShown);
    }
  }
  std::size_t accesses = 0;
  std::size_t runs = 0;
  for (const Step& step : scene.steps) {
    const bool access = step.action == Action::kRead || step.action == Action::kWrite;
    const std::string number = access                        ? fmt::format("access {}", accesses++)
                               : step.action == Action::kRun ? fmt::format("run {}", runs++)
                                                             : "";
    result += fmt::format("{:>10}: {}\n", number, describe(step));
  }
  return result;
}

}  // namespace prd32::oracle
