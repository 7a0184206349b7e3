// SPDX-License-Identifier: Apache-2.0
#include "outcome.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace prd32::oracle {

namespace {

std::string text(const Breach& breach) {
  return fmt::format("{} {} prd {} address {:#x}", regs::rule_of(breach.code), breach.error ? "error" : "warning",
                     breach.index, breach.address);
}

std::string text(const Answer& answer) {
  return answer.accepted ? fmt::format("{:#x}", answer.value) : "refused";
}

std::string text(unsigned lines) {
  return fmt::format("{:03b}", lines);
}

std::string name_of(const regs::Register& entry) {
  return entry.instance < 0 ? std::string(entry.name) : fmt::format("{}{}", entry.name, entry.instance);
}

template <typename T>
void compare(std::vector<std::string>& lines, const std::string& what, const std::vector<T>& model,
             const std::vector<T>& oracle) {
  constexpr std::size_t kEnough = 5;
  std::size_t shown = 0;
  for (std::size_t i = 0; i < std::max(model.size(), oracle.size()) && shown < kEnough; ++i) {
    const std::string left = i < model.size() ? text(model[i]) : "nothing";
    const std::string right = i < oracle.size() ? text(oracle[i]) : "nothing";
    if (left != right) {
      lines.push_back(fmt::format("{} {}: model {}, oracle {}", what, i, left, right));
      ++shown;
    }
  }
}

}  // namespace

Err code_of(std::string_view rule) {
  const auto* const found = std::ranges::find(regs::kRules, rule, &regs::Rule::name);
  return found == regs::kRules.end() ? Err::kNone : static_cast<Err>(found - regs::kRules.begin());
}

void Outcome::clear() {
  answers.clear();
  lines.clear();
  std::ranges::for_each(breaches, &std::vector<Breach>::clear);
  registers = {};
}

std::vector<std::string> differences(const Outcome& model, const Outcome& oracle) {
  std::vector<std::string> lines;
  if (model == oracle) {
    return lines;
  }
  compare(lines, "answer to access", model.answers, oracle.answers);
  compare(lines, "interrupt lines after run", model.lines, oracle.lines);
  for (std::size_t n = 0; n < model.breaches.size(); ++n) {
    compare(lines, fmt::format("channel {}: breach", n), model.breaches.at(n), oracle.breaches.at(n));
  }
  for (std::size_t i = 0; i < model.registers.size(); ++i) {
    if (model.registers.at(i) != oracle.registers.at(i)) {
      lines.push_back(fmt::format("register {}: model {:#x}, oracle {:#x}", name_of(regs::kTable.at(i)),
                                  model.registers.at(i), oracle.registers.at(i)));
    }
  }
  return lines;
}

std::string describe(const Outcome& outcome) {
  constexpr std::size_t kFirst = 20;
  constexpr std::size_t kLast = 5;
  std::string result = "  answers:";
  for (const Answer& answer : outcome.answers) {
    result += ' ' + text(answer);
  }
  result += "\n  interrupt lines after each run:";
  for (const unsigned lines : outcome.lines) {
    result += ' ' + text(lines);
  }
  for (std::size_t n = 0; n < outcome.breaches.size(); ++n) {
    const std::vector<Breach>& breaches = outcome.breaches.at(n);
    for (std::size_t i = 0; i < breaches.size(); ++i) {
      if (i == kFirst && breaches.size() > kFirst + kLast) {
        i = breaches.size() - kLast;
        result += fmt::format("\n  ... {} more ...", i - kFirst);
      }
      result += fmt::format("\n  channel {}: {}", n, text(breaches[i]));
    }
  }
  result += "\n  registers:";
  for (std::size_t i = 0; i < outcome.registers.size(); ++i) {
    if (outcome.registers.at(i) != regs::kTable.at(i).reset) {
      result += fmt::format(" {}={:#x}", name_of(regs::kTable.at(i)), outcome.registers.at(i));
    }
  }
  return result + '\n';
}

std::string name_of(std::uint32_t offset) {
  for (const regs::Register& entry : regs::kTable) {
    if (offset >= entry.offset && offset < entry.offset + entry.bytes) {
      const std::uint32_t byte = offset - entry.offset;
      return byte == 0 ? name_of(entry) : fmt::format("{}+{}", name_of(entry), byte);
    }
  }
  return fmt::format("{:#x}", offset);
}

}  // namespace prd32::oracle
