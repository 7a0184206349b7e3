// SPDX-License-Identifier: Apache-2.0
#include "prd32/breaches.hpp"

#include <algorithm>
#include <utility>

namespace prd32 {

Fault Breaches::force(const Fault& fault, const std::string& detail) {
  latch(fault);
  record(fault, regs::Mode::kError, detail);
  return fault;
}

void Breaches::latch(const Fault& fault) {
  using regs::Breach;
  const std::uint32_t before = registers_.get(Breach::at(channel_));
  const std::uint32_t count = regs::field_get(Breach::kCount, before);
  std::uint32_t code = before & Breach::kCode;
  if (count == 0) {
    code = regs::field_put(Breach::kCode, static_cast<std::uint32_t>(fault.code));
    registers_.set(regs::BreachIndex::at(channel_),
                   static_cast<std::uint32_t>(std::max<std::int64_t>(fault.prd_index, 0)));
    registers_.set(regs::BreachAddr::at(channel_), static_cast<std::uint32_t>(fault.address));
  }
  constexpr std::uint32_t kMost = regs::field_get(Breach::kCount, Breach::kCount);
  registers_.set(Breach::at(channel_), code | regs::field_put(Breach::kCount, std::min(count + 1, kMost)));
}

void Breaches::record(const Fault& fault, regs::Mode mode, std::string detail) {
  log_.record({.rule = rule_of(fault.code),
               .severity = mode == regs::Mode::kError ? severity::kError : severity::kWarning,
               .channel = static_cast<int>(channel_),
               .prd_index = fault.prd_index,
               .address = fault.address,
               .detail = std::move(detail)});
}

}  // namespace prd32
