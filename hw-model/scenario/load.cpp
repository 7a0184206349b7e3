// SPDX-License-Identifier: Apache-2.0
// A scenario file but for its steps: the card and the host.
#include <algorithm>
#include <filesystem>
#include <list>
#include <stdexcept>

#include "contents.hpp"
#include "keys.hpp"
#include "prd32/profile.hpp"
#include "scenario.hpp"
#include "steps.hpp"

namespace prd32::scenario {

namespace {

constexpr Picoseconds kUsualDeadline{1'000'000'000'000};  // a second
constexpr std::string_view kNominal = "nominal";
constexpr std::uint64_t kBusBytes = std::uint64_t{1} << 40U;
constexpr std::uint64_t kMostMemory = std::uint64_t{1} << 30U;

const toml::table& empty_table() {
  static const toml::table table;
  return table;
}

/// The table of that name; an empty one when there is none.
const toml::table& section(Keys& top, std::string_view name) {
  const toml::node* const node = top.node(name);
  if (node == nullptr) {
    return empty_table();
  }
  if (node->as_table() == nullptr) {
    top.refuse(name, "{} must be a table: [{}]", name, name);
  }
  return *node->as_table();
}

Profile read_profile(Keys& keys, std::string& name) {
  name = keys.text("profile").value_or(std::string(regs::kProfiles.front().name));
  // A file is looked for next to the scenario.
  const auto file = keys.source().folder / name;
  std::error_code unused;
  try {
    return load_profile(std::filesystem::is_regular_file(file, unused) ? file.string() : name);
  } catch (const std::runtime_error& error) {
    keys.refuse("profile", "{}", error.what());
  }
}

regs::Mode to_mode(const Source& source, const toml::node& node) {
  static constexpr std::array kModes{regs::Mode::kError, regs::Mode::kSilicon, regs::Mode::kIgnore, regs::Mode::kOff};
  const auto text = node.value_exact<std::string>();
  const auto* const found = std::ranges::find(kModes, text.value_or(""), mode_name);
  if (found == kModes.end()) {
    source.refuse(node.source(), R"(must be "error", "silicon", "ignore" or "off")");
  }
  return *found;
}

/// What the scenario switches itself, on top of its profile.
void read_rules(const Source& source, const toml::table& table, Profile& profile) {
  for (const auto& [name, node] : table) {
    const auto* const rule = std::ranges::find(regs::kRules, name.str(), &regs::Rule::name);
    if (name.empty() || rule == regs::kRules.end()) {
      source.refuse(name.source(), "there is no rule {}; docs/registers.md names them all", name.str());
    }
    profile.modes.at(static_cast<std::size_t>(rule - regs::kRules.begin())) = to_mode(source, node);
    if (const auto reason = refusal(profile)) {
      source.refuse(node.source(), "{}", *reason);
    }
  }
}

TimingVariant to_timing(const Source& source, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text) {
    source.refuse(node.source(), R"(timing must be "nominal", a link like "gen=3,lanes=4", or a list of such)");
  }
  TimingVariant variant{.text = *text, .timing = {}};
  if (*text != kNominal) {
    try {
      variant.timing.link = parse_link(*text);
    } catch (const std::invalid_argument& error) {
      source.refuse(node.source(), "timing is neither \"nominal\" nor a link: {}", error.what());
    }
  }
  return variant;
}

void read_card(Keys& top, Scenario& scenario) {
  Keys keys(top.source(), section(top, "card"));
  scenario.card.profile = read_profile(keys, scenario.profile);
  read_rules(top.source(), section(keys, "rules"), scenario.card.profile);
  scenario.card.memory_size = keys.size("memory", limits::kMemoryMax).value_or(limits::kMemoryDefault);
  if (const auto reason = refusal(scenario.card)) {
    keys.refuse("memory", "{}", *reason);
  }
  const toml::node* const timing = keys.node("timing");
  if (timing == nullptr) {
    scenario.timings.push_back({.text = std::string(kNominal), .timing = {}});
  } else if (timing->as_array() == nullptr) {
    scenario.timings.push_back(to_timing(top.source(), *timing));
  } else {
    for (const toml::node& entry : *timing->as_array()) {
      scenario.timings.push_back(to_timing(top.source(), entry));
    }
    if (scenario.timings.empty()) {
      keys.refuse("timing", "timing names none");
    }
  }
  scenario.quantum = keys.time("quantum").value_or(Picoseconds{});
  keys.finish();
}

// ---- the host's memory

bool overlap(const Region& a, const Region& b) {
  return a.at < b.at + b.bytes.size() && b.at < a.at + a.bytes.size();
}

/// All but what is in it.
Region read_region(Keys& keys, const std::vector<Region>& others) {
  const auto name = keys.text("name");
  if (!name || name->empty() || name->find_first_of("@+ ") != std::string::npos) {
    keys.refuse("name", "a region of memory needs a name without spaces, @ and +");
  }
  const auto at = keys.number("at", kBusBytes);
  const auto size = keys.size("size", kMostMemory);
  if (!at || !size || *size == 0) {
    keys.refuse(at ? "size" : "at", "{} needs at, its bus address, and size", *name);
  }
  static constexpr std::array<std::string_view, 4> kRights{"rw", "r", "w", "none"};
  const std::size_t rights = keys.choice("rights", kRights);
  Region region{.name = *name,
                .at = *at,
                .rights = {.read = rights < 2, .write = rights % 2 == 0},
                .bytes = std::vector<std::uint8_t>()};
  std::uint64_t total = *size;
  for (const Region& other : others) {
    total += other.bytes.size();
    if (other.name == region.name) {
      keys.refuse("name", "there is a region {} already", *name);
    }
  }
  if (total > kMostMemory) {
    keys.refuse("size", "all memory together is more than {}", with_unit(static_cast<double>(kMostMemory), kSizes));
  }
  region.bytes.resize(*size);
  for (const Region& other : others) {
    if (overlap(region, other)) {
      keys.refuse("at", "{} overlaps {}, which is {:#x}..{:#x}", *name, other.name, other.at,
                  other.at + other.bytes.size() - 1);
    }
  }
  return region;
}

void read_contents_of(Keys& keys, const Addresses& addresses, Region& region) {
  const auto contents = take_contents(keys, addresses, region.bytes.size());
  keys.finish();
  if (!contents) {
    return;
  }
  if (contents->bytes.size() > region.bytes.size()) {
    keys.refuse("size", "{} has {} bytes, and its contents {}", region.name, region.bytes.size(),
                contents->bytes.size());
  }
  std::ranges::copy(contents->bytes, region.bytes.begin());
}

Addresses read_host(Keys& top, HostConfig& host) {
  Keys keys(top.source(), section(top, "host"));
  host.latency = keys.time("latency").value_or(Picoseconds{});
  host.direct = keys.flag("direct").value_or(false);
  keys.finish();
  if (host.direct && host.latency.count() != 0) {
    keys.refuse("latency", "direct access has no latency");
  }
  // Contents come last, because they may name any region.
  std::list<Keys> tables;
  Addresses addresses;
  for (const toml::table* const table : top.tables("memory")) {
    host.regions.push_back(read_region(tables.emplace_back(top.source(), *table), host.regions));
    addresses[host.regions.back().name] = host.regions.back().at;
  }
  auto region = host.regions.begin();
  for (Keys& table : tables) {
    read_contents_of(table, addresses, *region++);
  }
  return addresses;
}

void read_play(Keys& top, const Addresses& addresses, Scenario& scenario) {
  Keys keys(top.source(), section(top, "play"));
  const Picoseconds deadline = keys.time("deadline").value_or(kUsualDeadline);
  if (deadline.count() == 0) {
    keys.refuse("deadline", "deadline must be more than 0");
  }
  for (const toml::table* const step : keys.tables("steps")) {
    scenario.steps.push_back(
        read_step(top.source(), *step, {.scenario = scenario, .addresses = addresses, .deadline = deadline}));
  }
  keys.finish();
  if (scenario.steps.empty()) {
    top.refuse("play", "[play] must have steps, at least one");
  }
}

Scenario read(const Source& source, const toml::table& table) {
  Keys top(source, table);
  Scenario scenario;
  scenario.file = source.name;
  scenario.title = top.text("title").value_or("");
  for (const std::string_view name : {"card", "host", "memory", "play"}) {
    top.node(name);
  }
  top.finish();
  read_card(top, scenario);
  const Addresses addresses = read_host(top, scenario.host);
  read_play(top, addresses, scenario);
  return scenario;
}

}  // namespace

Scenario load_scenario(const std::string& file) {
  const Source source{.name = file, .folder = std::filesystem::path(file).parent_path()};
  std::error_code unused;
  if (!std::filesystem::is_regular_file(file, unused)) {
    throw Mistake(fmt::format("{}: there is no such file", file));
  }
  try {
    return read(source, toml::parse_file(file));
  } catch (const toml::parse_error& error) {
    source.refuse(error.source(), "{}", error.description());
  }
}

}  // namespace prd32::scenario
