// SPDX-License-Identifier: Apache-2.0
#include "prd32/waveform.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace prd32 {

namespace {
constexpr std::string_view kSuffix = ".vcd";  // which SystemC adds itself
}  // namespace

std::string Waveform::refusal(const std::string& path) {
  return path.ends_with(kSuffix) ? "" : fmt::format("\"{}\" does not end in {}", path, kSuffix);
}

Waveform::Waveform(const std::string& path, const Card& card) {
  if (path.empty()) {
    return;
  }
  if (!std::ofstream(path)) {  // SystemC would end the program, later
    throw std::system_error(errno, std::generic_category(), "cannot write " + path);
  }
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);  // it would tell the unit
  file_ = sc_core::sc_create_vcd_trace_file(path.substr(0, path.size() - kSuffix.size()).c_str());
  file_->set_time_unit(1, sc_core::SC_PS);
  card.trace(file_);
}

Waveform::~Waveform() {
  if (file_ != nullptr) {
    sc_core::sc_close_vcd_trace_file(file_);
  }
}

void Waveform::step() {
  if (file_ != nullptr) {
    sc_core::sc_start(1, sc_core::SC_PS);
  }
}

}  // namespace prd32
