// SPDX-License-Identifier: Apache-2.0
#include "contest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>

namespace prd32::oracle {

namespace {

constexpr std::size_t kLinked = 3;     // every third card has a link's time
constexpr std::uint64_t kAround = 64;  // bytes next to a write that are looked at too

std::string first_difference(std::string_view where, std::uint64_t address, std::span<const std::uint8_t> model,
                             std::span<const std::uint8_t> oracle) {
  const auto [left, right] = std::ranges::mismatch(model, oracle);
  const auto place = static_cast<std::uint64_t>(left - model.begin());
  return fmt::format("{} at {:#x}: model {:#04x}, oracle {:#04x}", where, address + place, *left, *right);
}

bool same(std::span<const std::uint8_t> left, std::span<const std::uint8_t> right) {
  return std::memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace

Contest::Contest(std::vector<CardKind> kinds) : kinds_(std::move(kinds)) {
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    players_.push_back(
        std::make_unique<Player>(fmt::format("player{}", i).c_str(), kinds_[i], i % kLinked == kLinked - 1));
    images_.emplace_back(kinds_[i].memory_size);
  }
}

Contest::Result Contest::compare(const Case& scene, const Question& question) {
  Result result;
  oracle_host_.build(scene);
  CardImage& image = images_.at(scene.card);
  result.undetermined = foretell(kinds_.at(scene.card), scene, question, oracle_host_, image, foretold_);
  if (!result.undetermined.empty()) {
    image.restore();
    return result;
  }
  model_host_.build(scene);
  try {
    players_.at(scene.card)->play(scene, model_host_, played_);
    result.differences = differences(played_, foretold_);
  } catch (const std::exception& failure) {
    result.differences.push_back(fmt::format("the model failed: {}", failure.what()));
  }
  compare_host(result.differences);
  compare_card(scene.card, result.differences);
  return result;
}

void Contest::compare_host(std::vector<std::string>& lines) const {
  for (const HostMemory::Stretch& stretch : model_host_.regions()) {
    const auto model = model_host_.bytes(stretch);
    const auto oracle = oracle_host_.bytes(stretch);
    if (!same(model, oracle)) {
      lines.push_back(first_difference("host memory", stretch.address, model, oracle));
    }
  }
}

// What the oracle says was written is compared and restored.
void Contest::compare_card(unsigned card, std::vector<std::string>& lines) {
  CardImage& image = images_.at(card);
  const std::span<std::uint8_t> memory = players_.at(card)->memory();
  bool equal = true;
  for (const auto& [first, end] : image.touched()) {
    const std::uint64_t from = first - std::min(first, kAround);
    const std::uint64_t bytes = std::min<std::uint64_t>(end + kAround, memory.size()) - from;
    const auto model = memory.subspan(from, bytes);
    const auto oracle = image.bytes().subspan(from, bytes);
    if (equal && !same(model, oracle)) {
      lines.push_back(first_difference("card memory", from, model, oracle));
      equal = false;
    }
  }
  for (const auto& [first, end] : image.touched()) {
    std::memcpy(&memory[first], &CardImage::pristine()[first], end - first);
  }
  image.restore();
  if (!equal) {
    players_.at(card)->restore();
  }
}

std::string Contest::stray_write(std::size_t card) {
  const std::span<std::uint8_t> memory = players_.at(card)->memory();
  const auto pristine = CardImage::pristine().first(memory.size());
  if (same(memory, pristine)) {
    return "";
  }
  std::string line = first_difference(fmt::format("memory of card {}", card), 0, memory, pristine);
  players_.at(card)->restore();
  return line;
}

}  // namespace prd32::oracle
