// SPDX-License-Identifier: Apache-2.0
#include "prd32/rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace prd32 {

using regs::Err;
using regs::Mode;

namespace {

constexpr std::uint64_t kAddressEnd = std::uint64_t{1} << limits::kAddressBits;

constexpr std::uint64_t low_bits(unsigned count) {
  return (std::uint64_t{1} << count) - 1;
}

Fault fault_of(Err code, const Position& at, std::uint64_t address) {
  return {.code = code, .prd_index = at.prd_index(), .address = address};
}

}  // namespace

std::optional<Fault> Rules::examine_setup(Setup& setup) {
  for (const auto examine :
       {&Rules::examine_status_block, &Rules::examine_endpoint, &Rules::examine_table, &Rules::examine_told_entries}) {
    if (auto fault = (this->*examine)(setup)) {
      return fault;
    }
  }
  return std::nullopt;
}

std::optional<Fault> Rules::examine_status_block(Setup& setup) {
  const std::uint64_t astray = setup.writeback % limits::kWritebackBytes;
  if (!setup.write_back || astray == 0) {
    return std::nullopt;
  }
  const Fault fault{.code = Err::kWritebackAlign, .address = setup.writeback};
  const Mode mode = breaches_.note(fault, [&] {
    return fmt::format("the status block at {:#x} is not {} aligned", setup.writeback, limits::kWritebackBytes);
  });
  if (mode == Mode::kError) {
    setup.write_back = false;  // there is no place to write it to
    return fault;
  }
  setup.writeback -= mode == Mode::kSilicon ? astray : 0;
  return std::nullopt;
}

std::optional<Fault> Rules::examine_endpoint(Setup& setup) {
  setup.endpoint_missing = setup.endpoint == (setup.to_host ? regs::Endpoint::kChecksum : regs::Endpoint::kPattern);
  if (!setup.endpoint_missing) {
    return std::nullopt;
  }
  return breaches_.fault_if_error({.code = Err::kEndpointDirection, .address = regs::Control::at(channel_)}, [&] {
    return fmt::format("endpoint {} does not go {} the host", static_cast<unsigned>(setup.endpoint),
                       setup.to_host ? "to" : "from");
  });
}

std::optional<Fault> Rules::examine_table(Setup& setup) {
  const std::uint64_t astray = setup.table & low_bits(profile_.prdt_align_log2);
  if (astray == 0) {
    return std::nullopt;
  }
  const Fault fault{.code = Err::kPrdtAlign, .address = setup.table};
  const Mode mode = breaches_.note(fault, [&] {
    return fmt::format("the PRDT at {:#x} is not {:#x} aligned", setup.table, low_bits(profile_.prdt_align_log2) + 1);
  });
  setup.table -= mode == Mode::kSilicon ? astray : 0;
  return mode == Mode::kError ? std::optional(fault) : std::nullopt;
}

std::optional<Fault> Rules::examine_told_entries(Setup& setup) {
  if (setup.entries <= allowed_entries()) {
    return std::nullopt;
  }
  const Fault fault{.code = Err::kPrdtEntries, .address = setup.table};
  const Mode mode = breaches_.note(
      fault, [&] { return fmt::format("ENTRIES is {}, and {} are allowed", setup.entries, allowed_entries()); });
  setup.entries = mode == Mode::kSilicon ? setup.entries % allowed_entries() : setup.entries;
  return mode == Mode::kError ? std::optional(fault) : std::nullopt;
}

std::optional<Fault> Rules::locate(const Setup& setup, Position& at) {
  const auto address_of = [&](std::uint64_t index) { return (setup.table + index * prd::kBytes) % kAddressEnd; };
  const Mode entries = breaches_.mode(Err::kPrdtEntries);
  at.descriptor = address_of(at.index);
  const bool round = at.index != 0 && (at.index & low_bits(profile_.entries_log2)) == 0;
  if (round && (at.index == allowed_entries() || entries == Mode::kSilicon)) {
    if (auto fault = breaches_.fault_if_error(fault_of(Err::kPrdtEntries, at, at.descriptor), [&] {
          return fmt::format("the table goes on behind {} descriptors", at.index);
        })) {
      return fault;
    }
  }
  if (entries == Mode::kSilicon) {
    at.descriptor = address_of(at.index & low_bits(profile_.entries_log2));
  }
  return keep_in_block(setup, at);
}

std::optional<Fault> Rules::keep_in_block(const Setup& setup, Position& at) {
  const std::uint64_t block = setup.table / limits::kPrdBoundary;
  if (at.descriptor / limits::kPrdBoundary == block) {
    return std::nullopt;
  }
  const Fault fault = fault_of(Err::kPrdtCross, at, at.descriptor);
  const Mode mode = breaches_.note(fault, [&] {
    return fmt::format("the descriptor at {:#x} is not in the {:#x} bytes that the PRDT at {:#x} begins in",
                       at.descriptor, limits::kPrdBoundary, setup.table);
  });
  if (mode == Mode::kSilicon) {
    at.descriptor = block * limits::kPrdBoundary + at.descriptor % limits::kPrdBoundary;
  }
  return mode == Mode::kError ? std::optional(fault) : std::nullopt;
}

std::optional<Fault> Rules::examine(const Setup& setup, const Prd& prd, const Position& at, Region& region) {
  region = {.base = prd.base, .bytes = prd.bytes};
  if (auto fault = examine_fields(setup, prd, at, region)) {
    return fault;
  }
  region.head = region.bytes;
  if (auto fault = examine_boundaries(at, region)) {
    return fault;
  }
  return examine_length(setup, at, region);
}

std::optional<Fault> Rules::examine_fields(const Setup& setup, const Prd& prd, const Position& at, Region& region) {
  if (prd.reserved != 0 || (prd.mark && !setup.cyclic)) {
    if (auto fault = breaches_.fault_if_error(fault_of(Err::kPrdReserved, at, at.descriptor), [&] {
          return fmt::format("reserved bits are {:#x}, MARK is {:d} in a {} table", prd.reserved, prd.mark,
                             setup.cyclic ? "cyclic" : "plain");
        })) {
      return fault;
    }
  }
  if (((region.base | region.bytes) & low_bits(profile_.granule_log2)) != 0) {
    if (auto fault = examine_unit(Err::kPrdBaseAlign, at, region, region.base)) {
      return fault;
    }
    if (auto fault = examine_unit(Err::kPrdCountAlign, at, region, region.bytes)) {
      return fault;
    }
  }
  region.bytes = region.bytes == 0 ? limits::kPrdMaxBytes : region.bytes;  // a count of 0, as the card reads it
  if (region.bytes != limits::kPrdMaxBytes || breaches_.mode(Err::kPrdZero) == Mode::kOff) {
    return std::nullopt;
  }
  const Fault fault = fault_of(Err::kPrdZero, at, region.base);
  const Mode mode =
      breaches_.note(fault, [&] { return fmt::format("the count of the region at {:#x} is 0", region.base); });
  region.bytes = mode == Mode::kSilicon ? 0 : region.bytes;
  return mode == Mode::kError ? std::optional(fault) : std::nullopt;
}

/// That a value of the region, its base or its bytes, is a multiple of the granule.
std::optional<Fault> Rules::examine_unit(Err code, const Position& at, const Region& region, std::uint64_t& value) {
  const std::uint64_t low = value & low_bits(profile_.granule_log2);
  if (low == 0) {
    return std::nullopt;
  }
  const Fault fault = fault_of(code, at, region.base);
  const Mode mode = breaches_.note(fault, [&] {
    return fmt::format("{} bytes at {:#x} are not in units of {}", region.bytes, region.base,
                       low_bits(profile_.granule_log2) + 1);
  });
  value -= mode == Mode::kSilicon ? low : 0;
  return mode == Mode::kError ? std::optional(fault) : std::nullopt;
}

std::optional<Fault> Rules::examine_boundaries(const Position& at, Region& region) {
  const std::uint64_t boundary = (region.base / limits::kPrdBoundary + 1) * limits::kPrdBoundary;
  if (region.base + region.bytes <= boundary) {
    return std::nullopt;
  }
  region.rest_base = boundary;
  if (boundary == kAddressEnd) {  // 4 GiB is a multiple of 64 KiB: a region that wraps crosses as well
    const Fault fault = fault_of(Err::kPrdWrap, at, region.base);
    const Mode mode = breaches_.note(
        fault, [&] { return fmt::format("{} bytes at {:#x} run past the last address", region.bytes, region.base); });
    if (mode == Mode::kError) {
      return fault;
    }
    region.rest_base = mode == Mode::kSilicon ? 0 : boundary;
  }
  const Fault fault = fault_of(Err::kPrdCross, at, region.base);
  const Mode mode = breaches_.note(fault, [&] {
    return fmt::format("{} bytes at {:#x} cross a {:#x} boundary", region.bytes, region.base, limits::kPrdBoundary);
  });
  if (mode == Mode::kError) {
    return fault;
  }
  region.rest_base = mode == Mode::kSilicon ? boundary - limits::kPrdBoundary : region.rest_base;
  region.head = region.rest_base == boundary ? region.bytes : boundary - region.base;
  return std::nullopt;
}

std::optional<Fault> Rules::examine_length(const Setup& setup, const Position& at, Region& region) {
  if (setup.length != 0 && at.moved + region.bytes > setup.length && region.bytes != 0) {
    const Fault fault = fault_of(Err::kLengthLong, at, at.descriptor);
    const Mode mode = breaches_.note(fault, [&] {
      return fmt::format("{} bytes after {} are more than LENGTH {}", region.bytes, at.moved, setup.length);
    });
    if (mode == Mode::kError) {
      return fault;
    }
    if (mode != Mode::kSilicon) {
      region.bytes = setup.length - at.moved;
      region.head = std::min(region.head, region.bytes);
      region.last = true;
    }
  }
  const std::uint64_t offset = setup.card_offset + at.moved;
  if (setup.endpoint == regs::Endpoint::kMemory && region.bytes != 0 && offset + region.bytes > memory_size_) {
    const Fault fault = fault_of(Err::kCardRange, at, offset);
    return breaches_.fault_if_error(fault, [&] {
      return fmt::format("{} bytes at {:#x} of card memory run past its {:#x}", region.bytes, offset, memory_size_);
    });
  }
  return std::nullopt;
}

std::optional<Fault> Rules::examine_end(const Setup& setup, const Prd& prd, const Position& at, Next& next) {
  next = Next::kEndOfTable;
  if (prd.eot) {
    return examine_eot(setup, at);
  }
  const std::uint64_t done = at.index + 1;
  const std::uint64_t expected = setup.entries != 0 ? setup.entries : allowed_entries();
  if (done == expected || (done > expected && done % allowed_entries() == 0)) {
    const Fault fault = fault_of(Err::kPrdtNoEot, at, at.descriptor);
    const Mode mode = breaches_.note(fault, [&] { return fmt::format("{} descriptors without EOT", done); });
    if (mode == Mode::kError) {
      return fault;
    }
    if (mode != Mode::kSilicon) {
      return examine_eot(setup, at);
    }
  }
  if (done == limits::kPrdtLastResort) {
    return breaches_.force(fault_of(Err::kPrdtEntries, at, at.descriptor),
                           fmt::format("the card gives up after {} descriptors without EOT", done));
  }
  next = Next::kDescriptor;
  return std::nullopt;
}

std::optional<Fault> Rules::examine_eot(const Setup& setup, const Position& at) {
  if (at.index + 1 < setup.entries) {
    if (auto fault = breaches_.fault_if_error(fault_of(Err::kPrdtEarlyEot, at, at.descriptor), [&] {
          return fmt::format("the table ends after {} of {} descriptors", at.index + 1, setup.entries);
        })) {
      return fault;
    }
  }
  if (at.moved < setup.length) {
    return breaches_.fault_if_error(fault_of(Err::kLengthShort, at, at.descriptor), [&] {
      return fmt::format("the table ends after {} of LENGTH {} bytes", at.moved, setup.length);
    });
  }
  return std::nullopt;
}

}  // namespace prd32
