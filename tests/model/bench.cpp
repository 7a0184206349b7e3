// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <stdexcept>

namespace prd32::test {

namespace {

constexpr std::uint64_t kPageBytes = 4096;
Benches g_benches{};
bool g_refused = false;

}  // namespace

Bench::Bench(const sc_core::sc_module_name& name, const CardConfig& config)
    : sc_module(name),
      cpu("cpu"),
      window("window"),
      host("host"),
      card("card", config, log),
      irq("irq", vectors::kCount),
      rises(vectors::kCount) {
  cpu.bind(card.mmio);
  window.bind(card.window);
  card.dma.bind(host.socket);
  for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
    card.irq[vector].bind(irq[vector]);
    sc_core::sc_spawn_options options;
    options.spawn_method();
    options.dont_initialize();
    options.set_sensitivity(&irq[vector].posedge_event());
    sc_core::sc_spawn(
        [this, vector] {
          ++rises[vector];
          if (on_rise) {
            on_rise(vector);
          }
        },
        nullptr, &options);
  }
}

void Bench::reset() {
  card.reset();
  on_rise = nullptr;
  host.hold = nullptr;
  host.release.notify(sc_core::SC_ZERO_TIME);
  sc_core::sc_start(1, sc_core::SC_US);
  host.clear();
  log.violations.clear();
  std::ranges::fill(rises, 0);
}

tlm::tlm_response_status Bench::access(tlm::tlm_command command, std::uint64_t offset, std::span<std::uint8_t> data) {
  tlm::tlm_generic_payload payload;
  payload.set_command(command);
  payload.set_address(offset);
  payload.set_data_ptr(data.data());
  payload.set_data_length(static_cast<unsigned>(data.size()));
  payload.set_streaming_width(static_cast<unsigned>(data.size()));
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  cpu->b_transport(payload, delay);
  return payload.get_response_status();
}

std::uint32_t Bench::read(std::uint32_t offset, unsigned bytes) {
  std::array<std::uint8_t, 4> data{};
  EXPECT_EQ(access(tlm::TLM_READ_COMMAND, offset, std::span(data).first(bytes)), tlm::TLM_OK_RESPONSE);
  return data[0] | std::uint32_t{data[1]} << 8U | std::uint32_t{data[2]} << 16U | std::uint32_t{data[3]} << 24U;
}

void Bench::write(std::uint32_t offset, std::uint32_t value, unsigned bytes) {
  std::array<std::uint8_t, 4> data{};
  for (std::uint8_t& byte : data) {
    byte = static_cast<std::uint8_t>(value);
    value >>= 8U;
  }
  EXPECT_EQ(access(tlm::TLM_WRITE_COMMAND, offset, std::span(data).first(bytes)), tlm::TLM_OK_RESPONSE);
}

void Bench::put_table(std::uint32_t address, const std::vector<Prd>& prds) {
  const std::uint64_t bytes = prds.size() * prd::kBytes;
  host.map(address, (bytes + kPageBytes - 1) / kPageBytes * kPageBytes);
  const auto memory = host.at(address, bytes);
  for (std::size_t i = 0; i < prds.size(); ++i) {
    encode_prd(prds[i], memory.subspan(i * prd::kBytes).first<prd::kBytes>());
  }
}

void Bench::start(const Request& setup) {
  const unsigned channel = setup.channel;
  write(regs::BmPrdt::at(channel), setup.table);
  write(regs::CardAddr::at(channel), setup.card_address);
  write(regs::Length::at(channel), setup.length);
  write(regs::Entries::at(channel), setup.entries);
  write(regs::WritebackAddr::at(channel), setup.writeback);
  write(regs::Control::at(channel), setup.control);
  write(regs::BmCommand::at(channel), regs::BmCommand::kStart | (setup.to_host ? regs::BmCommand::kToHost : 0), 1);
}

void Bench::run_until(const std::function<bool()>& condition, const char* what) {
  const sc_core::sc_time deadline = sc_core::sc_time_stamp() + sc_core::sc_time(1, sc_core::SC_SEC);
  while (!condition()) {
    ASSERT_LT(sc_core::sc_time_stamp(), deadline) << "not within a simulated second: " << what;
    sc_core::sc_start(1, sc_core::SC_US);
  }
}

regs::Err Bench::transfer(const Request& setup) {
  start(setup);
  run_until_idle(setup.channel);
  return static_cast<regs::Err>(read(regs::Error::at(setup.channel)));
}

Bench& bench() {
  return *g_benches.normal;
}
Bench& small_bench() {
  return *g_benches.small;
}
Bench& silicon_bench() {
  return *g_benches.silicon;
}
Bench& tolerant_bench() {
  return *g_benches.tolerant;
}
Bench& severe_bench() {
  return *g_benches.severe;
}
Bench& linked_bench() {
  return *g_benches.linked;
}
Bench& seed_bench() {
  return *g_benches.seed;
}
void set_benches(const Benches& benches) {
  g_benches = benches;
}

Profile switched(regs::Mode mode) {
  Profile profile = regs::kProfiles.front();
  profile.granule_log2 = 2;
  profile.entries_log2 = 3;
  for (std::size_t code = 1; code < regs::kRules.size(); ++code) {
    const regs::Rule& rule = regs::kRules[code];
    const bool can = mode == regs::Mode::kSilicon ? rule.silicon : mode == regs::Mode::kError || rule.ignore;
    profile.modes[code] = can ? mode : regs::Mode::kError;
  }
  return profile;
}

void try_impossible_card() {
  RecordingLog log;
  try {
    const Card card("impossible", {.memory_size = 0, .timing = {}}, log);
  } catch (const std::invalid_argument&) {
    g_refused = true;
  }
}
bool construction_was_refused() {
  return g_refused;
}

std::vector<std::uint8_t> pattern(std::size_t bytes, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> data(bytes);
  std::ranges::generate(data, [&] { return static_cast<std::uint8_t>(random()); });
  return data;
}

}  // namespace prd32::test
