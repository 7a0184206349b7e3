// SPDX-License-Identifier: Apache-2.0
// How far long work is, for people at a terminal.
#pragma once

#include <cstdint>
#include <string>

#include "context.hpp"
#include "system.hpp"

namespace prd32::ctl {

/// A line on standard error, written over several times a second, and wiped at the end of its life. Nothing where
/// standard error is no terminal, with --json, and for work that ends soon.
class Progress {
 public:
  /// `verb`: as "written"; `total`: bytes that the work has.
  Progress(const Context& context, std::string verb, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::uint64_t done);

 private:
  std::string verb_;
  std::uint64_t total_;
  bool enabled_;
  bool shown_ = false;
  double next_;  // seconds after the beginning
  Stopwatch watch_;
};

}  // namespace prd32::ctl
