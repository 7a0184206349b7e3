// SPDX-License-Identifier: Apache-2.0
// prd32ctl: the card from the command line.
#include <fmt/core.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <system_error>

#include "command_line.hpp"

namespace {

using prd32::ctl::Chosen;
using prd32::ctl::Json;

// What people read: a line a value, and what belongs together indented.
void print_lines(const Json& result, int depth) {
  for (const auto& [name, value] : result.items()) {
    fmt::print("{:{}}{}:", "", 2 * depth, name);
    if (value.is_object()) {
      fmt::print("\n");
      print_lines(value, depth + 1);
    } else {
      fmt::print(" {}\n", value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
}

// A path need not be UTF-8, which JSON has to be.
std::string line_of(const Json& result) {
  return result.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void print(const Chosen& chosen, const Json& result) {
  if (result.is_null()) {
    return;
  }
  if (chosen.context.json) {
    fmt::print("{}", line_of(result));
  } else if (chosen.show) {
    fmt::print("{}", chosen.show(result));
  } else {
    print_lines(result, 0);
  }
}

// `code`: an errno, or 0.
int failed(const Chosen& chosen, int status, int code, const std::exception& error) {
  if (chosen.context.json) {
    const char* name = code != 0 ? strerrorname_np(code) : nullptr;
    const Json result = {
        {"error", error.what()}, {"errno", name != nullptr ? Json(name) : Json(nullptr)}, {"status", status}};
    fmt::print("{}", line_of(result));
  }
  fmt::print(stderr, "prd32ctl: {}\n", error.what());
  return status;
}

int run(Chosen& chosen) {
  try {
    print(chosen, chosen.run(chosen.context));
    if (std::fflush(stdout) != 0) {
      throw std::system_error(errno, std::generic_category(), "cannot print the result");
    }
    return chosen.context.status;
  } catch (const prd32::ctl::Failure& failure) {
    return failed(chosen, failure.status(), failure.code(), failure);
  } catch (const std::invalid_argument& wrong) {
    return failed(chosen, prd32::ctl::kUsage, 0, wrong);
  } catch (const std::system_error& error) {
    const bool permitted = error.code().value() != EACCES && error.code().value() != EPERM;
    return failed(chosen, permitted ? prd32::ctl::kFailed : prd32::ctl::kNotPermitted, error.code().value(), error);
  } catch (const std::exception& error) {
    return failed(chosen, prd32::ctl::kFailed, 0, error);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Chosen chosen;
    int status = prd32::ctl::kDone;
    return prd32::ctl::understand(argc, argv, chosen, status) ? run(chosen) : status;
  } catch (const std::exception& error) {  // of saying what went wrong
    static_cast<void>(std::fputs(error.what(), stderr));
    return prd32::ctl::kFailed;
  }
}
