// SPDX-License-Identifier: Apache-2.0
#include "table_check.hpp"

#include <stdexcept>

#include "prd32/prd.hpp"

namespace prd32::bench {

namespace {

constexpr std::uint64_t kPiece = 64;
constexpr std::uint64_t kData = 0x20000000;
constexpr std::uint64_t kTableBytes = limits::kPrdtMaxEntries * prd::kBytes;

}  // namespace

TableCheck::TableCheck(const sc_core::sc_module_name& name)
    : sc_module(name),
      socket_("socket"),
      host_("host", kTableBytes, true),
      bus_(socket_),
      port_(bus_),
      breaches_(0, profile_, registers_, log_),
      rules_(0, profile_, limits::kMemoryDefault, breaches_),
      reader_(port_, breaches_) {
  socket_.bind(host_.socket);
  for (std::uint64_t i = 0; i < limits::kPrdtMaxEntries; ++i) {
    encode_prd({.base = kData + i * kPiece, .bytes = kPiece, .eot = i + 1 == limits::kPrdtMaxEntries},
               host_.at(FlatHost::kBase + i * prd::kBytes, prd::kBytes).first<prd::kBytes>());
  }
  sc_core::sc_spawn([this] { work(); }, "work");
}

double TableCheck::run() {
  go_.notify(sc_core::SC_ZERO_TIME);
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  return seconds_;
}

void TableCheck::work() {
  for (;;) {
    sc_core::wait(go_);
    const Clock::time_point began = Clock::now();
    examine_table();
    seconds_ = seconds(Clock::now() - began);
  }
}

// In the order of Channel::prepare().
void TableCheck::examine_table() {
  Setup setup{.table = FlatHost::kBase,
              .length = limits::kPrdtMaxEntries * kPiece,
              .entries = limits::kPrdtMaxEntries,
              .to_host = true};
  const std::function<bool()> going = [] { return true; };
  bool bad = rules_.examine_setup(setup).has_value();
  reader_.forget();
  Next next = Next::kDescriptor;
  Position at;
  for (; next == Next::kDescriptor && !bad; ++at.index) {
    Prd prd;
    Region region;
    bad = rules_.locate(setup, at) || reader_.read(at, prd, going) || reader_.examine_edit(at, prd) ||
          rules_.examine(setup, prd, at, region);
    at.moved += region.bytes;
    bad = bad || rules_.examine_end(setup, prd, at, next);
  }
  if (bad || at.index != limits::kPrdtMaxEntries) {
    throw std::logic_error("a table that breaks no rule was refused");
  }
}

}  // namespace prd32::bench
