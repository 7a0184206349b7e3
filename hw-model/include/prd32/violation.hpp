// SPDX-License-Identifier: Apache-2.0
// What the card saw that real silicon would get wrong, and where it is written down. No SystemC here.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace prd32 {

namespace severity {
inline constexpr std::string_view kError = "error";      ///< the transfer stopped
inline constexpr std::string_view kWarning = "warning";  ///< the access was ignored
}  // namespace severity

/// The time of day as ISO 8601 in UTC with microseconds, as log lines have it.
std::string wall_clock();

/// One breach of a rule.
struct Violation {
  std::string_view rule;        ///< the rule's name in the register map
  std::string_view severity;    ///< one of namespace severity
  int channel = -1;             ///< -1: no channel's doing
  std::int64_t prd_index = -1;  ///< descriptor at fault, counted from 0; -1: none is
  std::uint64_t address = 0;    ///< what is at fault, as the rule's entry in the register map says
  std::string detail{};         ///< one sentence for a human, with the numbers
};

/// Takes violations. A caller that wants them elsewhere than in a file implements this.
class ViolationLog {
 public:
  ViolationLog() = default;
  ViolationLog(const ViolationLog&) = delete;
  ViolationLog& operator=(const ViolationLog&) = delete;
  ViolationLog(ViolationLog&&) = delete;
  ViolationLog& operator=(ViolationLog&&) = delete;
  virtual ~ViolationLog() = default;

  virtual void record(const Violation& violation) = 0;
};

/// Writes each violation as one JSON line, flushed at once, so that nothing is lost when the program dies:
/// {"seq", "sim_ns", "wall", "rule", "severity", "channel", "prd_index", "address", "detail"}.
/// After a write that failed, the next line starts on a line of its own: a reader finds one line torn at the most.
/// A guest can breach rules in a loop, so the number of lines is bounded. The last line then says so, and every
/// violation that did not get a line of its own, for this or because the stream failed, is counted in lost().
class JsonViolationLog final : public ViolationLog {
 public:
  using SimulatedNanoseconds = std::function<std::uint64_t()>;

  static constexpr std::uint64_t kDefaultMaximum = 100'000;

  /// out must outlive the log. maximum is the largest number of violations written; one more line says that the log
  /// is full.
  JsonViolationLog(std::ostream& out, SimulatedNanoseconds clock, std::uint64_t maximum = kDefaultMaximum);

  void record(const Violation& violation) override;

  std::uint64_t recorded() const { return recorded_; }  ///< violations taken, written or lost
  std::uint64_t lost() const { return lost_; }          ///< violations that have no line of their own

 private:
  bool write(const Violation& violation, std::uint64_t sequence);

  std::ostream& out_;
  SimulatedNanoseconds clock_;
  std::uint64_t maximum_;
  std::uint64_t recorded_ = 0;
  std::uint64_t lost_ = 0;
  bool torn_ = false;  // the last write failed
};

}  // namespace prd32
