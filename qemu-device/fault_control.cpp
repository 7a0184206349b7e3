// SPDX-License-Identifier: Apache-2.0
#include "fault_control.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace prd32 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string text_of(const ordered_json& object) {
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// Requests name themselves by a number or a word; anything else is no id.
json id_of(const json& request) {
  const json id = request.is_object() ? request.value("id", json()) : json();
  return id.is_number_integer() || id.is_string() ? id : json();
}

ordered_json refused(const json& id, std::string_view why) {
  return {{"id", id}, {"ok", false}, {"error", why}};
}

std::optional<unsigned> rule_number(const json& request, Mistake& mistake) {
  if (!request.contains("rule")) {
    return std::nullopt;
  }
  return static_cast<unsigned>(
      number_at(request, "rule", 1, std::numeric_limits<unsigned>::max(), std::nullopt, mistake));
}

std::string_view name_of(Presence presence) {
  switch (presence) {
    case Presence::kAllOnes:
      return "all-ones";
    case Presence::kRemoved:
      return "removed";
    case Presence::kPresent:
      break;
  }
  return "present";
}

ordered_json described(const Transaction& transaction) {
  return {{"on", name_of(transaction.kind)},    {"channel", transaction.channel}, {"vector", transaction.vector},
          {"prd_index", transaction.prd_index}, {"address", transaction.address}, {"bytes", transaction.bytes}};
}

}  // namespace

FaultControl::FaultControl(FaultRules& rules, FaultyBus& bus, Card& card, std::string record)
    : rules_(rules), bus_(bus), card_(card), path_(std::move(record)) {
  bus_.on_injection([this](const Injection& injection) { injected(injection); });
  if (!path_.empty()) {
    record_.rdbuf()->pubsetbuf(nullptr, 0);  // a buffer would keep what the disk did not take, and write it again later
    record_.open(path_, std::ios::app);
    if (!record_) {
      throw std::runtime_error(fmt::format("cannot write injected faults to {}: {}", path_, std::strerror(errno)));
    }
  }
}

void FaultControl::listen(const std::string& path) {
  server_.emplace(
      path, [this](ControlServer::Client client, std::string_view line) { return answer(client, line); },
      [](std::string_view why) { return text_of(refused(nullptr, why)); });
}

std::string FaultControl::answer(ControlServer::Client client, std::string_view line) {
  const json request = json::parse(line, nullptr, false);
  const json id = id_of(request);
  if (request.is_discarded() || !request.is_object()) {
    return text_of(refused(id, "this is no JSON object"));
  }
  if (id.is_null()) {
    return text_of(refused(id, R"("id" must be there, an integer or a string)"));
  }
  Mistake mistake;
  ordered_json reply = {{"id", id}, {"ok", true}};
  reply.update(carry_out(client, request, mistake));
  return text_of(mistake.any() ? refused(id, mistake.text()) : reply);
}

FaultControl::Json FaultControl::carry_out(ControlServer::Client client, const json& request, Mistake& mistake) {
  const json name = request.value("command", json());
  const std::string command = name.is_string() ? name.get<std::string>() : std::string();
  const auto plain = [&] {
    expect_keys(request, {"id", "command"}, mistake);
    return !mistake.any();
  };
  if (command == "add") {
    return add(request, mistake);
  }
  if (command == "rules") {
    return plain() ? list() : Json::object();
  }
  if (command == "clear") {
    return clear(request, mistake);
  }
  if (command == "release") {
    return release(request, mistake);
  }
  if (command == "subscribe") {
    if (!plain()) {
      return Json::object();
    }
    std::erase_if(subscribers_, [this](ControlServer::Client old) { return !server_->connected(old); });
    subscribers_.insert(client);
    return Json::object();
  }
  if (command == "state") {
    return plain() ? state() : Json::object();
  }
  if (command == "interrupt") {
    return interrupt(request, mistake);
  }
  if (command == "all-ones") {
    return all_ones(request, mistake);
  }
  if (command == "remove") {
    return plain() ? remove() : Json::object();
  }
  mistake.note(R"("command" must be add, rules, clear, release, subscribe, state, interrupt, all-ones or remove)");
  return Json::object();
}

FaultControl::Json FaultControl::add(const json& request, Mistake& mistake) {
  expect_keys(request, {"id", "command", "rule"}, mistake);
  const FaultRule rule = rule_from(request.value("rule", json()), limits::kChannels, vectors::kCount, mistake);
  if (mistake.any()) {
    return Json::object();
  }
  const auto number = rules_.add(rule);
  if (!number) {
    mistake.note(fmt::format("there are {} rules already, which is the most", FaultRules::kMost));
    return Json::object();
  }
  rules_changed();
  SPDLOG_INFO("fault rule {}: {}", *number, text_of(to_json(rule)));
  return {{"rule", *number}};
}

FaultControl::Json FaultControl::list() const {
  Json rules = Json::array();
  for (const FaultRules::Entry& entry : rules_.entries()) {
    Json described_rule = {{"rule", entry.number}, {"matched", entry.matched}, {"fired", entry.fired}};
    described_rule.update(to_json(entry.rule));
    rules.push_back(std::move(described_rule));
  }
  return {{"rules", rules}};
}

FaultControl::Json FaultControl::clear(const json& request, Mistake& mistake) {
  expect_keys(request, {"id", "command", "rule"}, mistake);
  const auto number = rule_number(request, mistake);
  if (mistake.any()) {
    return Json::object();
  }
  if (!number) {
    rules_.clear();
  } else if (!rules_.remove(*number)) {
    mistake.note(fmt::format("there is no rule {}", *number));
  }
  rules_changed();
  return Json::object();
}

FaultControl::Json FaultControl::release(const json& request, Mistake& mistake) {
  expect_keys(request, {"id", "command", "rule"}, mistake);
  const auto number = rule_number(request, mistake);
  if (mistake.any()) {
    return Json::object();
  }
  return {{"released", bus_.release(number)}};
}

FaultControl::Json FaultControl::interrupt(const json& request, Mistake& mistake) {
  expect_keys(request, {"id", "command", "vector"}, mistake);
  const auto vector =
      static_cast<unsigned>(number_at(request, "vector", 0, vectors::kCount - 1, std::nullopt, mistake));
  if (mistake.any()) {
    return Json::object();
  }
  command("fired", FaultKind::kSpurious, static_cast<int>(vector));
  bus_.raise(vector);
  return Json::object();
}

FaultControl::Json FaultControl::all_ones(const json& request, Mistake& mistake) {
  expect_keys(request, {"id", "command", "on"}, mistake);
  const json on = request.value("on", json());
  if (!on.is_boolean()) {
    mistake.note(R"("on" must be true or false)");
  }
  if (bus_.presence() == Presence::kRemoved) {
    mistake.note("the card is removed, for good");
  }
  if (mistake.any()) {
    return Json::object();
  }
  command(on.get<bool>() ? "fired" : "ended", FaultKind::kAllOnes);
  bus_.set_presence(on.get<bool>() ? Presence::kAllOnes : Presence::kPresent);
  return Json::object();
}

FaultControl::Json FaultControl::remove() {
  command("fired", FaultKind::kRemoval);
  bus_.set_presence(Presence::kRemoved);
  return Json::object();
}

FaultControl::Json FaultControl::state() const {
  Json stalls = Json::array();
  for (const FaultyBus::Stall& stall : bus_.stalls()) {
    if (stall.ended_by.empty()) {
      Json told = {{"rule", stall.rule}, {"survives", prd32::name_of(stall.survives)}};
      told.update(described(stall.transaction));
      stalls.push_back(std::move(told));
    }
  }
  const CardStatistics& card = card_.statistics();
  return {{"presence", name_of(bus_.presence())},
          {"active", card_.active_channels()},
          {"stalls", stalls},
          {"rules", rules_.entries().size()},
          {"injections", injections_},
          {"tables", card.tables},
          {"errors", card.errors},
          {"stops", card.stops},
          {"prds", card.prds},
          {"bytes_to_host", card.bytes_to_host},
          {"bytes_from_host", card.bytes_from_host},
          {"interrupts", card.interrupts}};
}

void FaultControl::rules_changed() {
  bus_.rules_changed();
  if (!rules_.shorten()) {
    card_.on_descriptor({});
    return;
  }
  card_.on_descriptor([this](unsigned channel, const Position& at, const Region& region, bool to_host) {
    return bus_.shorten(channel, at, region, to_host);
  });
}

void FaultControl::command(std::string_view event, FaultKind fault, int vector) {
  std::optional<Transaction> transaction;
  if (vector >= 0) {
    transaction = Transaction{.kind = TransactionKind::kInterrupt, .vector = vector};
  }
  injected({.event = event, .rule = 0, .fault = fault, .transaction = transaction, .how = "command"});
}

void FaultControl::injected(const Injection& injection) {
  Json line = {{"seq", injections_++},
               {"sim_ns", static_cast<std::uint64_t>(sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_NS))},
               {"wall", wall_clock()},
               {"event", injection.event},
               {"rule", injection.rule},
               {"fault", prd32::name_of(injection.fault)}};
  if (injection.transaction) {
    line.update(described(*injection.transaction));
  }
  if (!injection.how.empty()) {
    line["how"] = injection.how;
  }
  const std::string text = text_of(line);
  write(text);
  for (const ControlServer::Client client : subscribers_) {
    server_->send(client, text);
  }
}

/// Each line at once, so that nothing is lost when the program dies. A disk that is full ends the record, and is said.
void FaultControl::write(const std::string& line) {
  if (!record_.is_open() || injections_ > kMostRecorded) {
    return;
  }
  const bool well = record_.good();
  record_ << line << '\n' << std::flush;
  if (well && !record_) {
    SPDLOG_ERROR("cannot write injected faults to {}: {}", path_, std::strerror(errno));
  }
}

}  // namespace prd32
