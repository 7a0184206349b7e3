// SPDX-License-Identifier: Apache-2.0
#include "steps.hpp"

#include <algorithm>
#include <stdexcept>

namespace prd32::scenario {

namespace {

constexpr std::uint32_t kAllOnes = ~std::uint32_t{0};

/// One step as it is being read.
struct Reader {
  Keys& keys;
  const StepContext& context;

  // ---- registers

  std::optional<unsigned> channel() {
    const auto number = keys.number("channel", limits::kChannels - 1);
    return number ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
  }

  /// The register, by name or offset, that the key says.
  Place place(std::string_view key) {
    const toml::node* const node = keys.node(key);
    constexpr std::uint64_t kMostBytes = 8;  // what a processor could try
    constexpr std::uint64_t kMostOffset = kAllOnes / 2;
    const auto bytes = static_cast<unsigned>(keys.number("bytes", kMostBytes).value_or(0));
    if (const auto name = node->value_exact<std::string>()) {
      try {
        return find_place(*name, channel(), bytes);
      } catch (const std::invalid_argument& error) {
        keys.refuse(key, "{}", error.what());
      }
    }
    const auto offset = to_number(keys.source(), *node, key, kMostOffset);
    if (bytes == 0 || keys.node("channel") != nullptr) {
      keys.refuse(key, "an access by offset needs bytes, 1..{}, and no channel", kMostBytes);
    }
    return {.name = fmt::format("{:#05x}", offset), .offset = static_cast<std::uint32_t>(offset), .bytes = bytes};
  }

  /// Runs what throws std::invalid_argument.
  template <typename Function>
  std::uint32_t named(std::string_view key, const Place& place, Function function) {
    if (place.reg == nullptr) {
      keys.refuse(key, "fields can be named where all of one register is accessed by its name");
    }
    try {
      return function(*place.reg, *keys.text(key));
    } catch (const std::invalid_argument& error) {
      keys.refuse(key, "{}", error.what());
    }
  }

  std::optional<std::uint32_t> value(std::string_view key, const Place& place) {
    const toml::node* const node = keys.node(key);
    if (node == nullptr) {
      return std::nullopt;
    }
    const auto text = node->value_exact<std::string>();
    if (text && !text->starts_with('@')) {
      return named(key, place, value_of_fields);
    }
    constexpr unsigned kByteBits = 8;
    const std::uint64_t most = place.bytes >= sizeof(std::uint32_t) ? kAllOnes : (1U << kByteBits * place.bytes) - 1;
    return static_cast<std::uint32_t>(to_address(keys.source(), *node, key, context.addresses, most));
  }

  Expectation expectation(const Place& place) {
    Expectation expected{
        .value = value("expect", place), .at_least = value("at_least", place), .at_most = value("at_most", place)};
    if (const toml::node* const mask = keys.node("mask")) {
      expected.mask = mask->is_string() ? named("mask", place, mask_of_fields)
                                        : static_cast<std::uint32_t>(*keys.number("mask", kAllOnes));
    }
    return expected;
  }

  Action write() {
    WriteRegister step{.place = place("write")};
    const auto given = value("value", step.place);
    if (!given) {
      keys.refuse("value", "a write needs a value");
    }
    step.value = *given;
    step.split = static_cast<unsigned>(keys.number("split", step.place.bytes).value_or(step.place.bytes));
    if (step.split == 0 || step.place.bytes % step.split != 0) {
      keys.refuse("split", "split must divide the {} bytes of the access", step.place.bytes);
    }
    step.refused = keys.flag("refused").value_or(false);
    return step;
  }

  Action read() {
    ReadRegister step{.place = place("read")};
    step.expectation = expectation(step.place);
    step.refused = keys.flag("refused").value_or(false);
    return step;
  }

  // ---- time

  Picoseconds within() {
    const Picoseconds time = keys.time("within").value_or(context.deadline);
    if (time.count() == 0) {
      keys.refuse("within", "within must be more than 0");
    }
    return time;
  }

  unsigned vector(std::string_view key) {
    const auto name = keys.text(key);
    const auto* const found = std::ranges::find(vectors::kNames, name.value_or(""));
    if (found == vectors::kNames.end()) {
      keys.refuse(key, "{} must be {}", key, one_of(vectors::kNames));
    }
    return static_cast<unsigned>(found - vectors::kNames.begin());
  }

  Action run() {
    const std::string what = keys.text("run").value_or("");
    if (what == "idle") {
      const auto one = channel();
      RunUntilIdle step{.channels = {}, .within = within()};
      for (unsigned number = 0; number < limits::kChannels; ++number) {
        if (!one || *one == number) {
          step.channels.push_back(number);
        }
      }
      return step;
    }
    if (what == "line") {
      return RunUntilLine{.vector = vector("line"), .within = within()};
    }
    if (what == "register") {
      if (keys.node("register") == nullptr) {
        keys.refuse("run", "register is missing: which one is waited for");
      }
      RunUntilRegister step{.place = place("register"), .expectation = {}, .within = within()};
      if (step.place.bytes > sizeof(std::uint32_t)) {
        keys.refuse("bytes", "at most {} bytes can be waited for", sizeof(std::uint32_t));
      }
      step.expectation = expectation(step.place);
      if (!step.expectation.value && !step.expectation.at_least && !step.expectation.at_most) {
        keys.refuse("run", "what is waited for is missing: expect, at_least or at_most");
      }
      return step;
    }
    if (!parse_quantity(what, kTimes)) {
      keys.refuse("run", R"(run = "{}": must be "idle", "line", "register", or a time, in {})", what, names_of(kTimes));
    }
    return RunFor{.time = *keys.time("run")};
  }

  // ---- memory

  Memory memory(std::string_view key) {
    static constexpr std::array<std::string_view, 2> kMemories{"host", "card"};
    return keys.choice(key, kMemories) == 0 ? Memory::kHost : Memory::kCard;
  }

  /// PutBytes or CheckBytes.
  template <typename Bytes>
  Bytes bytes(std::string_view key) {
    Bytes step{.memory = memory(key)};
    const bool host = step.memory == Memory::kHost;
    const std::uint64_t size = context.scenario.card.memory_size;
    step.address = host ? take_address(keys, "at", context.addresses, ~std::uint64_t{0}) : take_offset(size);
    auto contents = take_contents(keys, context.addresses, std::nullopt);
    if (!contents || contents->bytes.empty()) {
      keys.refuse(key, "the bytes are missing: hex, text, file, words, prds, fill or pattern");
    }
    step.bytes = std::move(contents->bytes);
    step.what = std::move(contents->what);
    const bool there = host ? in_a_region(step.address, step.bytes.size()) : step.bytes.size() <= size - step.address;
    if (!there) {
      keys.refuse("at", "{} bytes from {:#x} on are not all in {}", step.bytes.size(), step.address,
                  host ? "one region of memory" : "card memory");
    }
    return step;
  }

  std::uint64_t take_offset(std::uint64_t size) {
    const auto offset = keys.size("at", size);
    if (!offset) {
      keys.refuse("at", "at is missing: the offset into card memory");
    }
    return *offset;
  }

  bool in_a_region(std::uint64_t address, std::uint64_t bytes) const {
    return std::ranges::any_of(context.scenario.host.regions, [&](const Region& region) {
      return address >= region.at && address - region.at <= region.bytes.size() &&
             bytes <= region.bytes.size() - (address - region.at);
    });
  }

  std::string region(std::string_view key) {
    std::string name = keys.text(key).value_or("");
    std::vector<std::string_view> names;
    for (const Region& region : context.scenario.host.regions) {
      names.push_back(region.name);
    }
    if (std::ranges::find(names, name) == names.end()) {
      keys.refuse(key, "there is no region \"{}\"; there are {}", name, names.empty() ? "none" : one_of(names));
    }
    return name;
  }

  Action map() {
    static constexpr std::array<std::string_view, 3> kRights{"rw", "r", "w"};
    const std::size_t rights = keys.choice("rights", kRights);
    return SetRights{.region = region("map"), .rights = {.read = rights < 2, .write = rights % 2 == 0}};
  }

  // ---- what the card did

  Action check() {
    static constexpr std::array<std::string_view, 7> kWhat{"host",     "card",    "lines",     "rises",
                                                           "breaches", "elapsed", "throughput"};
    switch (keys.choice("check", kWhat)) {
      case 0:
      case 1:
        return bytes<CheckBytes>("check");
      case 2:
        return lines();
      case 3:
        return rises();
      case 4:
        return breaches();
      case 5:
        return CheckElapsed{.band = band(kTimes)};
      default:
        return throughput();
    }
  }

  Action lines() {
    static constexpr std::array<std::string_view, 2> kLevels{"low", "high"};
    CheckLines step;
    for (unsigned i = 0; i < vectors::kCount; ++i) {
      if (keys.node(vectors::kNames.at(i)) != nullptr) {
        step.high.at(i) = keys.choice(vectors::kNames.at(i), kLevels) == 1;
      }
    }
    if (std::ranges::none_of(step.high, [](const auto& level) { return level.has_value(); })) {
      keys.refuse("check", "at least one line must be said: {}", one_of(vectors::kNames));
    }
    return step;
  }

  Action rises() {
    CheckRises step;
    for (unsigned i = 0; i < vectors::kCount; ++i) {
      step.rises.at(i) = keys.number(vectors::kNames.at(i), kAllOnes);
    }
    if (std::ranges::none_of(step.rises, [](const auto& rises) { return rises.has_value(); })) {
      keys.refuse("check", "at least one line must be said: {}", one_of(vectors::kNames));
    }
    return step;
  }

  std::string rule(const toml::node& node) const {
    std::string name = node.value_or(std::string());
    if (name.empty() || std::ranges::find(regs::kRules, name, &regs::Rule::name) == regs::kRules.end()) {
      keys.source().refuse(node.source(), "there is no rule \"{}\"; docs/registers.md names them all", name);
    }
    return name;
  }

  ExpectedBreach breach(const toml::table& table) {
    Keys entry(keys.source(), table);
    if (entry.node("rule") == nullptr) {
      entry.refuse("rule", "rule is missing");
    }
    ExpectedBreach expected{.rule = rule(*entry.node("rule"))};
    static constexpr std::array<std::string_view, 2> kSeverities{severity::kError, severity::kWarning};
    if (entry.node("severity") != nullptr) {
      expected.severity = std::string(kSeverities.at(entry.choice("severity", kSeverities)));
    }
    if (const auto number = entry.number("channel", limits::kChannels - 1)) {
      expected.channel = static_cast<int>(*number);
    }
    if (const auto index = entry.number("prd_index", limits::kPrdtLastResort)) {
      expected.prd_index = static_cast<std::int64_t>(*index);
    }
    if (entry.node("address") != nullptr) {
      expected.address = take_address(entry, "address", context.addresses, ~std::uint64_t{0});
    }
    entry.finish();
    return expected;
  }

  Action breaches() {
    const toml::node* const list = keys.node("rules");
    if (list == nullptr || list->as_array() == nullptr) {
      keys.refuse("rules", "rules must be a list of the rules broken since the last such step; [] when none was");
    }
    CheckBreaches step;
    for (const toml::node& entry : *list->as_array()) {
      step.breaches.push_back(entry.as_table() != nullptr ? breach(*entry.as_table())
                                                          : ExpectedBreach{.rule = rule(entry)});
    }
    return step;
  }

  /// expect with a tolerance, or limits.
  Band band(std::span<const Unit> units) {
    const Band limits{.low = keys.quantity("at_least", units), .high = keys.quantity("at_most", units)};
    const auto expected = keys.quantity("expect", units);
    const double tolerance = keys.quantity("tolerance", kShares).value_or(0);
    if (expected) {
      if (limits.low || limits.high) {
        keys.refuse("expect", "either expect, with or without tolerance, or at_least and at_most");
      }
      return {.low = *expected * (1 - tolerance), .high = *expected * (1 + tolerance)};
    }
    if (!limits.low && !limits.high) {
      keys.refuse("check", "expect (with tolerance), at_least or at_most is missing");
    }
    return limits;
  }

  Action throughput() {
    static constexpr std::array<std::string_view, 2> kDirections{"to-host", "from-host"};
    CheckThroughput step{.direction =
                             keys.choice("direction", kDirections) == 0 ? Direction::kToHost : Direction::kFromHost};
    if (keys.node("expect") == nullptr || keys.text("expect") != "analytic") {
      step.band = band(kRates);
      return step;
    }
    if (std::ranges::any_of(context.scenario.timings, [](const auto& variant) { return !variant.timing.link; })) {
      keys.refuse("expect", "\"analytic\" is the formula of a link, and the card's timing is nominal");
    }
    constexpr double kUsual = 0.02;
    step.analytic = keys.quantity("tolerance", kShares).value_or(kUsual);
    return step;
  }

  Action stopwatch() {
    static constexpr std::array<std::string_view, 1> kStart{"start"};
    keys.choice("stopwatch", kStart);
    return StartStopwatch{};
  }

  Action reset() {
    static constexpr std::array<std::string_view, 1> kCard{"card"};
    keys.choice("reset", kCard);
    return ResetCard{};
  }
};

Action read_action(Reader& reader, std::string_view verb) {
  if (verb == "write") {
    return reader.write();
  }
  if (verb == "read") {
    return reader.read();
  }
  if (verb == "run") {
    return reader.run();
  }
  if (verb == "check") {
    return reader.check();
  }
  if (verb == "put") {
    return reader.bytes<PutBytes>("put");
  }
  if (verb == "map") {
    return reader.map();
  }
  if (verb == "unmap") {
    return SetRights{.region = reader.region("unmap"), .rights = kUnmapped};
  }
  return verb == "reset" ? reader.reset() : reader.stopwatch();
}

}  // namespace

Step read_step(const Source& source, const toml::table& table, const StepContext& context) {
  static constexpr std::array<std::string_view, 9> kVerbs{"write", "read",  "run",   "check",    "put",
                                                          "map",   "unmap", "reset", "stopwatch"};
  const auto* const verb = std::ranges::find_if(kVerbs, [&](std::string_view name) { return table.contains(name); });
  if (verb == kVerbs.end()) {
    source.refuse(table.source(), "a step must have one of {}", one_of(kVerbs));
  }
  Keys keys(source, table);
  keys.node(*verb);
  Reader reader{.keys = keys, .context = context};
  Step step{.line = keys.line(), .note = keys.text("note").value_or(""), .action = read_action(reader, *verb)};
  keys.finish();
  return step;
}

}  // namespace prd32::scenario
