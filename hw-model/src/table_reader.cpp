// SPDX-License-Identifier: Apache-2.0
#include "prd32/table_reader.hpp"

#include <span>

namespace prd32 {

std::optional<Prd> TableReader::read(std::uint32_t index) {
  const std::uint32_t in_page = index % kPerPage;
  if (in_page == 0 && !bus_.copy_direct(tlm::TLM_READ_COMMAND, address(index), page_) &&
      !bus_.transport(tlm::TLM_READ_COMMAND, address(index), page_)) {
    return std::nullopt;
  }
  return decode_prd(std::span(page_).subspan(in_page * prd::kBytes).first<prd::kBytes>());
}

}  // namespace prd32
