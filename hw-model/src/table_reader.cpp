// SPDX-License-Identifier: Apache-2.0
#include "prd32/table_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace prd32 {

using regs::Err;
using regs::Mode;

std::uint64_t TableReader::bytes_to_fetch(std::uint64_t descriptor) const {
  if (read_ahead(descriptor)) {
    return 0;
  }
  const std::uint64_t left = kPageBytes - descriptor % kPageBytes;
  return std::max<std::uint64_t>(left / prd::kBytes, 1) * prd::kBytes;  // one that straddles pages comes alone
}

std::optional<Fault> TableReader::read(const Position& at, Prd& prd, const std::function<bool()>& going) {
  if (const std::uint64_t bytes = bytes_to_fetch(at.descriptor); bytes != 0) {
    const auto burst = std::span(page_).first(bytes);
    start_ = at.descriptor;
    valid_ = bytes;
    if (!bus_.access(tlm::TLM_READ_COMMAND, at.descriptor, burst, DmaPurpose::kTableFetch, at.prd_index())) {
      if (!going()) {
        return std::nullopt;
      }
      const Fault fault{.code = Err::kPrdtFetch, .prd_index = at.prd_index(), .address = at.descriptor};
      if (breaches_.note(fault, [] { return "the bus refused the fetch of the descriptor"; }) == Mode::kError) {
        return fault;
      }
      valid_ = 0;
      std::ranges::fill(burst, std::uint8_t{0xff});  // a master abort reads all ones
    }
  }
  next_ = at.descriptor + prd::kBytes;
  prd = decode_prd(std::span(page_).subspan(at.descriptor - start_).first<prd::kBytes>());
  return std::nullopt;
}

std::optional<Fault> TableReader::examine_edit(const Position& at, Prd& prd) {
  const auto then = std::span(page_).subspan(at.descriptor - start_).first<prd::kBytes>();
  const std::uint8_t* const in_place = bus_.direct(at.descriptor, prd::kBytes);
  if (in_place != nullptr && std::memcmp(in_place, then.data(), prd::kBytes) == 0) {
    return std::nullopt;
  }
  std::array<std::uint8_t, prd::kBytes> now{};
  if (valid_ == 0 || breaches_.mode(Err::kPrdtEdited) == Mode::kOff || !bus_.peek(at.descriptor, now) ||
      std::memcmp(now.data(), then.data(), prd::kBytes) == 0) {
    return std::nullopt;
  }
  const Prd current = decode_prd(now);
  const Fault fault{.code = Err::kPrdtEdited, .prd_index = at.prd_index(), .address = at.descriptor};
  const Mode mode = breaches_.note(fault, [&] {
    return fmt::format("{} bytes at {:#x} when it was fetched, {} bytes at {:#x} now", prd.bytes, prd.base,
                       current.bytes, current.base);
  });
  if (mode == Mode::kError) {
    return fault;
  }
  prd = mode == Mode::kIgnore ? current : prd;
  return std::nullopt;
}

}  // namespace prd32
