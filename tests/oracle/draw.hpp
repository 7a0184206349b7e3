// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same on every machine: the standard fixes the engine, but not its distributions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <utility>

namespace prd32::oracle {

class Draw {
 public:
  /// Two numbers name a sequence: the run's seed and, for instance, the case's number.
  Draw(std::uint64_t seed, std::uint64_t number) : engine_(seed * 0x9e3779b97f4a7c15 + number) {}

  std::uint64_t bits() { return engine_(); }
  std::uint32_t word() { return static_cast<std::uint32_t>(engine_() >> 32U); }
  /// 0..end - 1; end is not 0.
  std::uint32_t below(std::uint64_t end) { return static_cast<std::uint32_t>(word() % end); }
  /// first..last.
  std::uint32_t within(std::uint32_t first, std::uint32_t last) {
    return first + below(std::uint64_t{last} - first + 1);
  }
  /// True once in so many times.
  bool one_in(std::uint32_t times) { return below(times) == 0; }
  template <typename T>
  T pick(std::initializer_list<T> list) {
    return list.begin()[below(list.size())];
  }
  template <typename List>
  auto& pick_from(List& list) {
    return list[below(list.size())];
  }
  template <typename List>
  void shuffle(List& list) {
    for (std::size_t i = list.size(); i > 1; --i) {
      std::swap(list[i - 1], list[below(i)]);
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace prd32::oracle
