// SPDX-License-Identifier: Apache-2.0
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <bit>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <systemc>

#include "bridge.hpp"
#include "event_loop.hpp"
#include "fault_control.hpp"
#include "faulty_bus.hpp"
#include "options.hpp"
#include "prd32/card.hpp"
#include "prd32/waveform.hpp"
#include "report.hpp"
#include "simulation.hpp"

namespace prd32 {
namespace {

BarDescription description(const pci::Bar& bar, const Options& options, const Card& card) {
  switch (bar.kind) {
    case pci::BarKind::kMemory32:
      return {.index = bar.index, .kind = BarKind::kMemory32, .size = bar.size, .window = bar.window};
    case pci::BarKind::kIo:
      return {.index = bar.index, .kind = BarKind::kIo, .size = bar.size, .window = bar.window};
    case pci::BarKind::kMemory64:
      break;
  }
  BarDescription memory{.index = bar.index,
                        .kind = BarKind::kMemory64,
                        .size = std::bit_ceil(options.memory_size),
                        .space = CardSpace::kMemory,
                        .filled = options.memory_size};
  if (options.map_memory) {
    memory.file = BarFile{.fd = card.memory_fd()};
  }
  return memory;
}

FunctionDescription description(const Options& options, const Card& card) {
  FunctionDescription function{.vendor_id = pci::kVendorId,
                               .device_id = pci::kDeviceId,
                               .subsystem_vendor_id = pci::kSubsystemVendorId,
                               .subsystem_id = pci::kSubsystemId,
                               .revision_id = pci::kRevisionId,
                               .class_code = pci::kClassCode,
                               .bars = {},
                               .vectors = vectors::kCount,
                               .msix = MsixDescription{.bar = pci::kMsixBar,
                                                       .size = pci::kMsixSize,
                                                       .table_offset = pci::kMsixTableOffset,
                                                       .pba_offset = pci::kMsixPbaOffset}};
  for (const pci::Bar& bar : pci::kBars) {
    function.bars.push_back(description(bar, options, card));
  }
  if (!options.msix) {
    function.msix.reset();
  }
  return function;
}

std::unique_ptr<Listener> listen(const Options& options) {
  return options.socket.empty() ? std::make_unique<Listener>(UniqueFd(options.socket_fd))
                                : std::make_unique<Listener>(options.socket);
}

void tell_ready(int fd) {
  if (fd < 0) {
    return;
  }
  const UniqueFd owned(fd);
  if (::write(owned.get(), "\n", 1) != 1) {
    SPDLOG_WARN("nobody reads --ready-fd {}", fd);
  }
}

/// Builds everything, connects it and runs until told to end.
void run(const Options& options) {
  ViolationReport violations(options.violations);
  BridgeStatistics statistics;
  DmaMap map(options.dma);
  MessageDma messages(std::chrono::milliseconds(options.dma_timeout_ms), statistics);
  Card card("card", {.memory_size = options.memory_size, .profile = options.profile, .timing = {.link = options.link}},
            violations);
  FaultRules rules;
  Timers timers;
  FaultyBus faults("faults", vectors::kCount, rules, timers);
  Waveform waveform(options.wave, card);
  const auto reset_card = [&] {
    waveform.step();
    faults.reset();
    card.reset();
  };
  Bridge bridge("bridge", vectors::kCount, reset_card, map, messages, statistics, violations);
  PciFunction function(description(options, card), bridge, violations);
  bridge.connect(function);
  bridge.watch_channels([&card](unsigned channel) { return card.active(channel); });
  faults.on_presence([&function](Presence presence) { function.set_presence(presence); });
  // Any of the card's processes may drive a line, hence many writers.
  using Line = sc_core::sc_signal<bool, sc_core::SC_MANY_WRITERS>;
  sc_core::sc_vector<Line> card_lines("card_lines", vectors::kCount);
  sc_core::sc_vector<Line> lines("lines", vectors::kCount);
  bridge.mmio.bind(faults.mmio);
  faults.card_mmio.bind(card.mmio);
  bridge.memory.bind(card.window);
  card.dma.bind(faults.card_dma);
  faults.dma.bind(bridge.dma);
  card.irq.bind(card_lines);
  faults.card_irq.bind(card_lines);
  faults.irq.bind(lines);
  bridge.irq.bind(lines);
  const unsigned quantum = options.wave.empty() ? kQuantumUs : 0;
  tlm::tlm_global_quantum::instance().set(sc_core::sc_time(quantum, sc_core::SC_US));
  FaultControl control(rules, faults, card, options.injected);
  if (!options.control.empty()) {
    control.listen(options.control);
  }
  SystemCSimulation simulation;

  const std::unique_ptr<Listener> listener = listen(options);
  EventLoop loop(*listener, function, map, messages, simulation, statistics,
                 {.spin = std::chrono::microseconds(options.spin_us), .once = options.once});
  const auto report = [&] {
    if (!options.stats.empty()) {
      write_atomically(options.stats, statistics_text(card.statistics(), card.active_channels(), statistics,
                                                      function.interrupts().counts(), map, violations));
    }
  };
  loop.on_report(report);
  if (control.server() != nullptr) {
    loop.attend(control.server()->fd(), [&control] { control.server()->serve(); });
    loop.attend(timers.fd(), [&timers] { timers.run(); });
  }
  tell_ready(options.ready_fd);
  SPDLOG_INFO("ready for clients at {}", options.socket.empty() ? "--socket-fd" : options.socket.c_str());
  loop.run();
  waveform.step();
  report();
}

void set_up_log(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_logger_st("prd32-device"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%f %l %v");
  spdlog::set_level(spdlog::level::from_str(level));
}

}  // namespace
}  // namespace prd32

// SystemC's kernel calls this once it is set up.
int sc_main(int argc, char* argv[]) {
  const auto [options, done] = prd32::parse_options(argc, argv);
  if (done) {
    return *done;
  }
  prd32::set_up_log(options.log_level);
  // A log or a --ready-fd that nobody reads any more is no reason to end.
  (void)std::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow further is a write that fails, like any full disk.
  (void)std::signal(SIGXFSZ, SIG_IGN);
  try {
    prd32::run(options);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "prd32-device: %s\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

// SystemC brings a main() of its own, which would print its banner into our log.
int main(int argc, char* argv[]) {
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
  return sc_core::sc_elab_and_sim(argc, argv);
}
