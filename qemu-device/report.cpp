// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <systemc>

namespace prd32 {
namespace {

/// A guest can break rules in a loop; the file has the rest.
constexpr std::uint64_t kMostLogged = 100;

std::uint64_t simulated_nanoseconds() {
  return static_cast<std::uint64_t>(sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_NS));
}

}  // namespace

ViolationReport::ViolationReport(const std::string& path) : path_(path) {
  if (path.empty()) {
    return;
  }
  file_.rdbuf()->pubsetbuf(nullptr, 0);  // a buffer would keep what the disk did not take, and write part of it twice
  file_.open(path, std::ios::app);
  if (!file_) {
    throw std::runtime_error(fmt::format("cannot write violations to {}: {}", path, std::strerror(errno)));
  }
  json_.emplace(file_, simulated_nanoseconds);
}

void ViolationReport::record(const Violation& violation) {
  if (json_) {
    write(violation);
  }
  if (++count_ <= kMostLogged) {
    SPDLOG_WARN("violation {}: {}", violation.rule, violation.detail);
  }
  if (count_ == kMostLogged) {
    SPDLOG_WARN("more violations are not logged here; see --violations");
  }
}

/// A file that takes no more is said once.
void ViolationReport::write(const Violation& violation) {
  const std::uint64_t lost_before = json_->lost();
  errno = 0;
  json_->record(violation);
  if (lost_before == 0 && json_->lost() != 0) {
    SPDLOG_ERROR("cannot write violations to {}: {}; from here on some are lost, --stats says how many", path_,
                 errno != 0 ? std::strerror(errno) : "it has as many as it may");
  }
}

std::string statistics_text(const CardStatistics& card, const std::vector<unsigned>& active,
                            const BridgeStatistics& bridge, const InterruptCounts& interrupts, const DmaMap& map,
                            const ViolationReport& violations) {
  nlohmann::json messages = nlohmann::json::object();
  for (std::uint16_t command = 0; command < wire::kCommands; ++command) {
    if (bridge.messages[command] != 0) {
      messages[wire::command_name(command)] = bridge.messages[command];
    }
  }
  const nlohmann::json text = {
      {"card",
       {{"active", active},
        {"tables", card.tables},
        {"errors", card.errors},
        {"stops", card.stops},
        {"prds", card.prds},
        {"bytes_to_host", card.bytes_to_host},
        {"bytes_from_host", card.bytes_from_host},
        {"interrupts", card.interrupts}}},
      {"bridge",
       {{"clients", bridge.clients},
        {"messages", messages},
        {"errors", bridge.errors},
        {"interrupts", {{"intx", interrupts.intx}, {"msi", interrupts.msi}, {"msix", interrupts.msix}}},
        {"dma",
         {{"read_bytes", bridge.dma_read_bytes},
          {"write_bytes", bridge.dma_write_bytes},
          {"refused", bridge.dma_refused},
          {"by_message",
           {{"reads", bridge.message_reads},
            {"writes", bridge.message_writes},
            {"read_bytes", bridge.message_read_bytes},
            {"write_bytes", bridge.message_write_bytes},
            {"messages", bridge.dma_messages},
            {"late_replies", bridge.late_replies}}}}},
        {"mappings", {{"now", map.size()}, {"most", map.most()}, {"by_message", map.by_message()}}}}},
      {"violations", violations.count()},
      {"violations_lost", violations.lost()},
      {"simulated_ns", simulated_nanoseconds()},
  };
  return text.dump(2) + "\n";
}

void write_atomically(const std::string& path, const std::string& text) {
  const std::string part = path + ".part";
  std::ofstream file(part, std::ios::trunc);
  file << text;
  file.close();
  if (!file || std::rename(part.c_str(), path.c_str()) != 0) {
    SPDLOG_ERROR("cannot write {}: {}", path, std::strerror(errno));
    (void)std::remove(part.c_str());
  }
}

}  // namespace prd32
