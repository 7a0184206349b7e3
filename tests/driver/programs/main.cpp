// SPDX-License-Identifier: Apache-2.0
// prd32-uapi-test: runs cases by name and prints KTAP. Exits with 1 when one did not pass.
#include <algorithm>
#include <cstring>
#include <exception>
#include <iostream>
#include <iterator>

#include "check.hpp"

namespace {

using prd32::uapi_test::Case;
using prd32::uapi_test::Place;

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto group :
       {prd32::uapi_test::argument_cases, prd32::uapi_test::area_cases, prd32::uapi_test::mapping_cases,
        prd32::uapi_test::request_cases, prd32::uapi_test::wait_cases, prd32::uapi_test::dma_buf_cases,
        prd32::uapi_test::edge_cases, prd32::uapi_test::async_cases, prd32::uapi_test::large_cases,
        prd32::uapi_test::lifetime_cases, prd32::uapi_test::fault_cases}) {
    std::ranges::move(group(), std::back_inserter(all));
  }
  return all;
}

// "mmap" names all cases that begin with "mmap.".
bool named(std::string_view name, std::string_view word) {
  return name == word || (name.starts_with(word) && name.substr(word.size()).starts_with('.'));
}

bool run(const Case& each, std::size_t number, const Place& place) {
  try {
    each.run(place);
    std::cout << "ok " << number << " " << each.name << std::endl;
    return true;
  } catch (const std::exception& error) {
    std::cout << "# " << error.what() << "\nnot ok " << number << " " << each.name << std::endl;
    return false;
  }
}

int usage() {
  std::cout
      << "prd32-uapi-test [--device PATH] [--other PATH] [--pci ADDRESS] --list | CASE...\n"
         "Calls the card's character device in many ways; prints KTAP. CASE may be a group: all before the dot.\n";
  return 2;
}

int run_all(const std::vector<Case>& wanted, const Place& place) {
  std::cout << "KTAP version 1\n1.." << wanted.size() << std::endl;
  bool passed = true;
  for (std::size_t index = 0; index < wanted.size(); ++index) {
    passed &= run(wanted[index], index + 1, place);
  }
  return passed ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string_view> arguments(words + 1, words + count);
  const std::vector<Case> all = all_cases();
  std::vector<Case> wanted;
  Place place;
  for (std::size_t index = 0; index < arguments.size(); ++index) {
    const std::string_view word = arguments[index];
    const bool more = index + 1 < arguments.size();
    if (word == "--list") {
      std::ranges::for_each(all, [](const Case& each) { std::cout << each.name << "\n"; });
      return 0;
    }
    if (word == "--device" && more) {
      place.device = arguments[++index];
    } else if (word == "--other" && more) {
      place.other = arguments[++index];
    } else if (word == "--pci" && more) {
      place.pci = arguments[++index];
    } else {
      const std::size_t before = wanted.size();
      std::ranges::copy_if(all, std::back_inserter(wanted), [&](const Case& each) { return named(each.name, word); });
      if (wanted.size() == before) {
        return usage();
      }
    }
  }
  return wanted.empty() ? usage() : run_all(wanted, place);
}
