// SPDX-License-Identifier: Apache-2.0
// Model against oracle, case by case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "case.hpp"
#include "oracle.hpp"
#include "player.hpp"

namespace prd32::oracle {

class Contest {
 public:
  /// Builds the cards; before the simulation starts.
  explicit Contest(std::vector<CardKind> kinds);

  struct Result {
    std::string_view undetermined;         ///< why the model was not asked; "" when it was
    std::vector<std::string> differences;  ///< one line each; empty when both agree
  };
  /// Plays the case on both. Of card memory only what either should have written, and some bytes around, is compared,
  /// because it is large: stray_write() looks at the rest.
  Result compare(const Case& scene, const Question& question);
  /// A line when the card's memory is not as after power-up, else "". Then it is.
  std::string stray_write(std::size_t card);

  const std::vector<CardKind>& kinds() const { return kinds_; }
  /// What the last compare() saw.
  const Outcome& model() const { return played_; }
  const Outcome& oracle() const { return foretold_; }

 private:
  void compare_host(std::vector<std::string>& lines) const;
  void compare_card(unsigned card, std::vector<std::string>& lines);

  std::vector<CardKind> kinds_;
  std::vector<std::unique_ptr<Player>> players_;
  std::vector<CardImage> images_;
  HostMemory model_host_;
  HostMemory oracle_host_;
  Outcome played_;
  Outcome foretold_;
};

}  // namespace prd32::oracle
