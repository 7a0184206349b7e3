// SPDX-License-Identifier: Apache-2.0
#include "prd32/rules.hpp"

#include <fmt/format.h>

#include <utility>

namespace prd32 {

using regs::Err;

namespace {

Fault fault(Err code, const Position& at, std::uint64_t address, std::string detail) {
  return {.code = code, .prd_index = at.index, .address = address, .detail = std::move(detail)};
}

}  // namespace

Rules::Rules(unsigned granule_log2, std::uint64_t memory_size)
    : granule_(std::uint64_t{1} << granule_log2), memory_size_(memory_size) {}

std::optional<Fault> Rules::check_table(std::uint64_t prdt) {
  if (prdt % limits::kPrdtAlign != 0) {
    return Fault{.code = Err::kPrdtAlign,
                 .address = prdt,
                 .detail = fmt::format("the PRDT at {:#x} is not {:#x} aligned", prdt, limits::kPrdtAlign)};
  }
  return std::nullopt;
}

std::optional<Fault> Rules::check_prd(const Prd& prd, const Position& at) const {
  // All sums are of numbers below 2^33, in 64 bits: nothing wraps here that wraps in the card's 32 bits.
  const std::uint64_t end = prd.base + prd.bytes;
  if (prd.reserved != 0) {
    return fault(Err::kPrdReserved, at, at.descriptor, fmt::format("reserved bits are {:#x}", prd.reserved));
  }
  if (prd.base % granule_ != 0 || prd.bytes % granule_ != 0) {
    return fault(Err::kPrdAlign, at, prd.base,
                 fmt::format("{} bytes at {:#x} are not in units of {}", prd.bytes, prd.base, granule_));
  }
  if (end > std::uint64_t{1} << limits::kAddressBits) {
    return fault(Err::kPrdWrap, at, prd.base,
                 fmt::format("{} bytes at {:#x} run past the last address", prd.bytes, prd.base));
  }
  if (prd.base / limits::kPrdBoundary != (end - 1) / limits::kPrdBoundary) {
    return fault(Err::kPrdCross, at, prd.base,
                 fmt::format("{} bytes at {:#x} cross a {:#x} boundary", prd.bytes, prd.base, limits::kPrdBoundary));
  }
  if (at.length != 0 && at.moved + prd.bytes > at.length) {
    return fault(Err::kLengthLong, at, at.descriptor,
                 fmt::format("{} bytes after {} are more than LENGTH {}", prd.bytes, at.moved, at.length));
  }
  if (at.card_offset + prd.bytes > memory_size_) {
    return fault(
        Err::kCardRange, at, at.card_offset,
        fmt::format("{} bytes at {:#x} of card memory run past its {:#x}", prd.bytes, at.card_offset, memory_size_));
  }
  return std::nullopt;
}

std::optional<Fault> Rules::check_end(const Position& at) {
  if (at.moved < at.length) {
    return fault(Err::kLengthShort, at, at.descriptor,
                 fmt::format("the table ends after {} of LENGTH {} bytes", at.moved, at.length));
  }
  return std::nullopt;
}

Fault Rules::missing_eot(const Position& at) {
  return fault(Err::kPrdtNoEot, at, at.descriptor, fmt::format("{} descriptors without EOT", at.index + 1));
}

}  // namespace prd32
