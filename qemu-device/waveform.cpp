// SPDX-License-Identifier: Apache-2.0
#include "waveform.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace prd32 {

Waveform::Waveform(const std::string& path, const Card& card) {
  if (path.empty()) {
    return;
  }
  if (!std::ofstream(path)) {  // SystemC would end the program
    throw std::runtime_error(fmt::format("cannot write waveforms to {}: {}", path, std::strerror(errno)));
  }
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);  // it would tell the unit
  constexpr std::string_view kSuffix = ".vcd";                                        // which SystemC adds
  file_ = sc_core::sc_create_vcd_trace_file(path.substr(0, path.size() - kSuffix.size()).c_str());
  file_->set_time_unit(1, sc_core::SC_PS);
  card.trace(file_);
}

Waveform::~Waveform() {
  if (file_ != nullptr) {
    sc_core::sc_close_vcd_trace_file(file_);
  }
}

}  // namespace prd32
