// SPDX-License-Identifier: Apache-2.0
// What a tester says on the control socket, and what is told of the faults: docs/faults.md.
#pragma once

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "control_server.hpp"
#include "fault_json.hpp"
#include "fault_rules.hpp"
#include "faulty_bus.hpp"
#include "prd32/card.hpp"

namespace prd32 {

class FaultControl {
 public:
  /// Lines of the record; more are only counted.
  static constexpr std::uint64_t kMostRecorded = 100'000;

  /// `record`: a file that gets a line for each fault; empty: none. `card`: for on_descriptor(), and to look at. All
  /// outlive it. Throws std::runtime_error when the file cannot be opened.
  FaultControl(FaultRules& rules, FaultyBus& bus, Card& card, std::string record);

  /// Serves clients at this path from now on. Throws std::runtime_error with a text for the user.
  void listen(const std::string& path);
  /// Null before listen().
  [[nodiscard]] ControlServer* server() { return server_ ? &*server_ : nullptr; }

 private:
  using Json = nlohmann::ordered_json;

  std::string answer(ControlServer::Client client, std::string_view line);
  Json carry_out(ControlServer::Client client, const nlohmann::json& request, Mistake& mistake);
  Json add(const nlohmann::json& request, Mistake& mistake);
  Json list() const;
  Json clear(const nlohmann::json& request, Mistake& mistake);
  Json release(const nlohmann::json& request, Mistake& mistake);
  Json interrupt(const nlohmann::json& request, Mistake& mistake);
  Json all_ones(const nlohmann::json& request, Mistake& mistake);
  Json remove();
  Json state() const;
  void rules_changed();
  void injected(const Injection& injection);
  void write(const std::string& line);
  /// A command that is a fault itself.
  void command(std::string_view event, FaultKind fault, int vector = -1);

  FaultRules& rules_;
  FaultyBus& bus_;
  Card& card_;
  std::string path_;
  std::ofstream record_;
  std::uint64_t injections_ = 0;
  std::set<ControlServer::Client> subscribers_;
  std::optional<ControlServer> server_;
};

}  // namespace prd32
