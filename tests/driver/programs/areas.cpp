// SPDX-License-Identifier: Apache-2.0
// Areas of card memory.
#include <limits>

#include "card.hpp"

namespace prd32::uapi_test {
namespace {

int allocate(const Card& card, std::uint64_t length, std::uint64_t* card_addr = nullptr) {
  auto argument = make<prd32_ioc_area_alloc>();
  argument.length = length;
  const int error = card.call(PRD32_IOC_AREA_ALLOC, argument);
  if (card_addr != nullptr) {
    *card_addr = argument.card_addr;
  }
  return error;
}

int release(const Card& card, std::uint64_t card_addr) {
  auto argument = make<prd32_ioc_area_free>();
  argument.card_addr = card_addr;
  return card.call(PRD32_IOC_AREA_FREE, argument);
}

// The largest area that is to be had, to a page.
std::uint64_t largest(const Card& card) {
  std::uint64_t fits = 0;
  std::uint64_t too_large = card.query().memory_size / kPage + 1;
  while (too_large - fits > 1) {
    const std::uint64_t middle = fits + (too_large - fits) / 2;
    std::uint64_t at = 0;
    const int error = allocate(card, middle * kPage, &at);
    expect(error == 0 || error == ENOSPC, "AREA_ALLOC");
    if (error == 0) {
      expect_ok(release(card, at), "AREA_FREE");
    }
    (error == 0 ? fits : too_large) = middle;
  }
  return fits * kPage;
}

void arguments(const Place& place) {
  const Card card(place.device);
  const Card other(place.device);
  expect_error(allocate(card, 0), EINVAL, "no length");
  expect_error(allocate(card, card.query().memory_size + 1), ENOSPC, "more than there is");
  expect_error(allocate(card, std::numeric_limits<std::uint64_t>::max()), ENOSPC, "very much more");
  std::uint64_t at = 0;
  expect_ok(allocate(card, 1, &at), "one byte");
  expect_error(release(card, at + 1), ENOENT, "freeing in the middle");
  expect_error(release(card, at + (1ULL << 32U)), ENOENT, "freeing beyond 32 bits");
  expect_error(release(other, at), ENOENT, "freeing another file's");
  expect_ok(release(card, at), "freeing");
  expect_error(release(card, at), ENOENT, "freeing twice");
}

void are_apart(const Place& place) {
  const Card card(place.device);
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  expect_ok(allocate(card, kPage + 1, &first), "the first");
  expect_ok(allocate(card, kPage, &second), "the second");
  expect_equal(first % kPage, 0U, "where the first begins");
  expect_equal(second % kPage, 0U, "where the second begins");
  expect(second >= first + 2 * kPage || first >= second + kPage, "they do not overlap");
}

void closing_frees(const Place& place) {
  const Card witness(place.device);
  const std::uint64_t before = largest(witness);
  expect(before > 0, "there is room");
  {
    const Card card(place.device);
    expect_ok(allocate(card, before), "all of it");
    expect_error(allocate(witness, before), ENOSPC, "the same again");
  }
  expect_equal(largest(witness), before, "what is free after the file was closed");
}

}  // namespace

std::vector<Case> area_cases() {
  return {{"area.arguments", arguments}, {"area.are_apart", are_apart}, {"area.closing_frees", closing_frees}};
}

}  // namespace prd32::uapi_test
