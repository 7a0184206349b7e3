// SPDX-License-Identifier: Apache-2.0
#include "oracle.hpp"

namespace prd32::oracle {

std::string_view foretell(const CardKind& kind, const Case& scene, const Question& question, HostMemory& host,
                          CardImage& memory, Outcome& outcome) {
  outcome.clear();
  PaperCard card(kind.profile, host, memory, outcome, question.limits, question.wrong);
  for (const Step& step : scene.steps) {
    switch (step.action) {
      case Action::kRead:
        outcome.answers.push_back(card.read(step.offset, step.bytes));
        break;
      case Action::kWrite:
        outcome.answers.push_back(card.write(step.offset, step.bytes, step.value));
        break;
      case Action::kRun:
        card.run();
        outcome.lines.push_back(card.lines());
        break;
      case Action::kReset:
        card.reset_function();
        break;
      case Action::kPass:
        card.pass();
        break;
      case Action::kStore:
        card.store(step);
        break;
    }
    if (!card.undetermined().empty()) {
      return card.undetermined();
    }
  }
  card.finish();
  for (std::size_t i = 0; i < outcome.registers.size(); ++i) {
    outcome.registers.at(i) = card.value(i);
  }
  return card.undetermined();
}

}  // namespace prd32::oracle
