// SPDX-License-Identifier: Apache-2.0
// What calls of the library return: a value, or an error that says what was attempted.
//
// C++20 has no std::expected, and a header that programs include should not make them install another library.
#pragma once

#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace prd32 {

/// Why something was not done.
struct Error {
  int code = 0;      ///< an errno, positive
  std::string what;  ///< what was attempted, as "cannot open /dev/prd32-0"

  /// Both for people: "cannot open /dev/prd32-0: No such file or directory".
  [[nodiscard]] std::string text() const { return what + ": " + std::generic_category().message(code); }
};

/// A value, or the error that came instead.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return content_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  /// The value. Throws std::system_error with the error's code and text when there is none.
  [[nodiscard]] T& value() & { return expect(), std::get<0>(content_); }
  [[nodiscard]] const T& value() const& { return expect(), std::get<0>(content_); }
  [[nodiscard]] T&& value() && { return expect(), std::get<0>(std::move(content_)); }

  /// The value, which must be there: look first.
  [[nodiscard]] T& operator*() { return *std::get_if<0>(&content_); }
  [[nodiscard]] const T& operator*() const { return *std::get_if<0>(&content_); }
  [[nodiscard]] T* operator->() { return std::get_if<0>(&content_); }
  [[nodiscard]] const T* operator->() const { return std::get_if<0>(&content_); }

  /// The error, which must be there: look first.
  [[nodiscard]] const Error& error() const { return *std::get_if<1>(&content_); }

 private:
  void expect() const {
    if (!has_value()) {
      throw std::system_error(error().code, std::generic_category(), error().what);
    }
  }

  std::variant<T, Error> content_;
};

/// Done, or the error that came instead.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  [[nodiscard]] bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }

  /// Throws std::system_error with the error's code and text when there is one.
  void value() const {
    if (failed_) {
      throw std::system_error(error_.code, std::generic_category(), error_.what);
    }
  }
  /// The error, which must be there: look first.
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace prd32
