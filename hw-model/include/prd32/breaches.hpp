// SPDX-License-Identifier: Apache-2.0
// What becomes of a broken rule: it is looked up what the rule is switched to, latched, and recorded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "prd32/profile.hpp"
#include "prd32/register_file.hpp"
#include "prd32/violation.hpp"

namespace prd32 {

/// Why a transfer stops: what ERROR, ERROR_INDEX and ERROR_ADDR report.
struct Fault {
  regs::Err code = regs::Err::kNone;
  std::int64_t prd_index = -1;  ///< -1: no descriptor is at fault
  std::uint64_t address = 0;    ///< as the code's entry in the register map says
};

/// The record of one channel.
class Breaches {
 public:
  Breaches(unsigned channel, const Profile& profile, RegisterFile& registers, ViolationLog& log)
      : channel_(channel), profile_(profile), registers_(registers), log_(log) {}

  regs::Mode mode(regs::Err code) const { return mode_of(profile_, code); }

  /// A rule was broken. detail, called unless the rule is off, is one sentence for a human, with the numbers. Returns
  /// what the rule is switched to.
  template <typename Detail>
  regs::Mode note(const Fault& fault, Detail detail) {
    const regs::Mode switched = mode(fault.code);
    if (switched != regs::Mode::kOff) {
      latch(fault);
      record(fault, switched, detail());
    }
    return switched;
  }

  /// As note(), where the rule as silicon and as ignore come to the same: the fault when it is in error.
  template <typename Detail>
  std::optional<Fault> fault_if_error(const Fault& fault, Detail detail) {
    return note(fault, detail) == regs::Mode::kError ? std::optional(fault) : std::nullopt;
  }

  /// As note(), in error whatever the rule is switched to.
  Fault force(const Fault& fault, const std::string& detail);

 private:
  void latch(const Fault& fault);
  void record(const Fault& fault, regs::Mode mode, std::string detail);

  unsigned channel_;
  const Profile& profile_;
  RegisterFile& registers_;
  ViolationLog& log_;
};

}  // namespace prd32
