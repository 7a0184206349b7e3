// SPDX-License-Identifier: Apache-2.0
// What the program tells about itself: violations as they happen, counters on request.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "dma_map.hpp"
#include "interrupts.hpp"
#include "prd32/statistics.hpp"
#include "prd32/violation.hpp"
#include "statistics.hpp"

namespace prd32 {

/// Logs the first violations and writes all of them to a file, if there is one.
class ViolationReport final : public ViolationLog {
 public:
  /// An empty path: no file. Throws std::runtime_error when the file cannot be opened.
  explicit ViolationReport(const std::string& path);

  void record(const Violation& violation) override;
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Those of them that have no line in the file: it is full at 100000 of them, or the disk is.
  [[nodiscard]] std::uint64_t lost() const { return json_ ? json_->lost() : 0; }

 private:
  void write(const Violation& violation);

  std::string path_;
  std::ofstream file_;
  std::optional<JsonViolationLog> json_;
  std::uint64_t count_ = 0;
};

/// All counters as JSON text. `active`: the card's channels that are at work now.
[[nodiscard]] std::string statistics_text(const CardStatistics& card, const std::vector<unsigned>& active,
                                          const BridgeStatistics& bridge, const InterruptCounts& interrupts,
                                          const DmaMap& map, const ViolationReport& violations);

/// Replaces the file, so that a reader sees the old or the new text, never a part. Logs a failure.
void write_atomically(const std::string& path, const std::string& text);

}  // namespace prd32
