// SPDX-License-Identifier: Apache-2.0
// Cases of the test program, and what they expect. A case that returns has passed; expect...() throw.
#pragma once

#include <cerrno>
#include <functional>
#include <source_location>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace prd32::uapi_test {

/// What a case did not find as it expected.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Where the case runs, as the command line says.
struct Place {
  std::string device = "/dev/prd32-0";
  std::string other = "/dev/prd32-1";  ///< of a second card, where there is one
  std::string pci;                     ///< the card's PCI address, for cases that unbind it
};

/// A named case. Cases of one name up to the dot are in one file.
struct Case {
  std::string_view name;
  std::function<void(const Place&)> run;
};

std::vector<Case> argument_cases();
std::vector<Case> area_cases();
std::vector<Case> mapping_cases();
std::vector<Case> request_cases();
std::vector<Case> wait_cases();
std::vector<Case> dma_buf_cases();
std::vector<Case> edge_cases();
std::vector<Case> async_cases();
std::vector<Case> large_cases();
std::vector<Case> lifetime_cases();
std::vector<Case> fault_cases();

[[noreturn]] inline void fail(std::string_view what, const std::source_location& at) {
  std::ostringstream text;
  text << at.file_name() << ":" << at.line() << ": " << what;
  throw Failure(text.str());
}

inline void expect(bool holds, std::string_view what,
                   const std::source_location& at = std::source_location::current()) {
  if (!holds) {
    fail(what, at);
  }
}

template <typename Actual, typename Expected>
void expect_equal(const Actual& actual, const Expected& expected, std::string_view what,
                  const std::source_location& at = std::source_location::current()) {
  if (!(actual == static_cast<Actual>(expected))) {
    std::ostringstream text;
    text << what << ": " << +actual << ", not " << +static_cast<Actual>(expected);
    fail(text.str(), at);
  }
}

/// Compares errno values, 0 for success.
void expect_error(int actual, int expected, std::string_view what,
                  const std::source_location& at = std::source_location::current());

inline void expect_ok(int error, std::string_view what,
                      const std::source_location& at = std::source_location::current()) {
  expect_error(error, 0, what, at);
}

}  // namespace prd32::uapi_test
