// SPDX-License-Identifier: Apache-2.0
// What all commands share, and how they end.
#pragma once

#include <nlohmann/json.hpp>
#include <prd32/device.hpp>
#include <stdexcept>
#include <string>

namespace prd32::ctl {

using Json = nlohmann::ordered_json;

/// How the program ends.
enum Status : int {
  kDone = 0,
  kFailed = 1,        ///< or the card, or what is on it, is not as it should be
  kUsage = 2,         ///< the command line, or values that do not go together
  kNoCard = 3,        ///< no such card, or no driver for it
  kNotPermitted = 4,  ///< this user may not
};

/// A failure that ends the program with a status of its own. Any other exception ends it with kFailed, and
/// std::invalid_argument with kUsage.
class Failure : public std::runtime_error {
 public:
  /// `code`: the errno that it came of, if any.
  Failure(Status status, const std::string& text, int code = 0)
      : std::runtime_error(text), status_(status), code_(code) {}
  [[nodiscard]] Status status() const { return status_; }
  [[nodiscard]] int code() const { return code_; }

 private:
  Status status_;
  int code_;
};

/// The card did something else than it should have.
class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a command is given besides its own options.
struct Context {
  std::string device = kDefaultDevice;  ///< path of the card's device node
  bool json = false;                    ///< results are JSON, one line each
  Status status = kDone;                ///< of a command that has a result, and yet did not find what it should
};

}  // namespace prd32::ctl
