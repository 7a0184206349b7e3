// SPDX-License-Identifier: Apache-2.0
// Measuring on a machine that does other things too.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "figure.hpp"

namespace prd32::bench {

using Clock = std::chrono::steady_clock;

inline double seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

/// How long the work takes, seconds.
template <typename Work>
double seconds_of(Work& work) {
  const Clock::time_point began = Clock::now();
  work();
  return seconds(Clock::now() - began);
}

inline double median(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::ranges::nth_element(samples, middle);
  return *middle;
}

/// What a median time means: so much work a second, or so many seconds for so much work.
struct Scale {
  double amount;
  bool rate = true;

  double operator()(double time) const { return rate ? amount / time : time / amount; }
};

/// Runs subject and reference in turn, each a few milliseconds, so that whatever else the machine does hits both.
template <typename Subject, typename Reference>
void compare(benchmark::State& state, const Scale& scale, Subject subject, Reference reference) {
  std::vector<double> subjects;
  std::vector<double> references;
  bool subject_first = true;
  subject();  // the first run of all pays for memory that nobody touched yet
  reference();
  for ([[maybe_unused]] auto unused : state) {
    // The second of two finds the caches as the first left them, so they change places.
    if (subject_first) {
      subjects.push_back(seconds_of(subject));
    }
    references.push_back(seconds_of(reference));
    if (!subject_first) {
      subjects.push_back(seconds_of(subject));
    }
    subject_first = !subject_first;
    state.SetIterationTime(subjects.back() + references.back());
  }
  state.counters[kValue] = scale(median(subjects));
  state.counters[kReference] = scale(median(references));
  state.counters[kRatio] = scale(median(subjects)) / scale(median(references));
}

/// Runs the work, which returns its time in seconds, again and again.
template <typename Work>
void measure(benchmark::State& state, const Scale& scale, Work work) {
  std::vector<double> samples;
  work();
  for ([[maybe_unused]] auto unused : state) {
    samples.push_back(work());
    state.SetIterationTime(samples.back());
  }
  state.counters[kValue] = scale(median(samples));
}

}  // namespace prd32::bench
