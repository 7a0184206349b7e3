// SPDX-License-Identifier: Apache-2.0
#include "figure.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace prd32::bench {

std::string Goal::text() const {
  return fmt::format("{} {} {:g}", of == Of::kValue ? kValue : kRatio, side == Side::kAtLeast ? ">=" : "<=", bound);
}

std::string json_line(const Figure& figure, const benchmark::UserCounters& measured) {
  const auto number = [&](const char* name) -> nlohmann::json {
    const auto found = measured.find(name);
    return found == measured.end() ? nlohmann::json() : nlohmann::json(found->second.value);
  };
  nlohmann::ordered_json line;
  line["suite"] = "model";
  line["name"] = figure.name;
  line["value"] = number(kValue);
  line["unit"] = figure.unit;
  line["against"] = figure.against.empty() ? nlohmann::json() : nlohmann::json(figure.against);
  line["reference"] = number(kReference);
  line["ratio"] = number(kRatio);
  line["goal"] = figure.goal ? nlohmann::json(figure.goal->text()) : nlohmann::json();
  line["met"] = nullptr;
  if (figure.goal) {
    const nlohmann::ordered_json& judged = line[figure.goal->of == Goal::Of::kValue ? kValue : kRatio];
    line["met"] = figure.goal->met(judged.get<double>());
  }
  return line.dump();
}

}  // namespace prd32::bench
