// SPDX-License-Identifier: Apache-2.0
// The program's one loop: the client's messages, simulated time, signals.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>

#include "dma_map.hpp"
#include "message_dma.hpp"
#include "pci_function.hpp"
#include "session.hpp"
#include "statistics.hpp"
#include "transport.hpp"

namespace prd32 {

/// The simulation as the loop sees it.
class Simulation {
 public:
  Simulation() = default;
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  virtual ~Simulation() = default;

  using Clock = std::chrono::steady_clock;

  /// Nothing will happen before the next access, or before resumes().
  [[nodiscard]] virtual bool quiet() = 0;
  /// When it will go on by itself, although it is quiet; nothing when it will not.
  [[nodiscard]] virtual std::optional<Clock::time_point> resumes() = 0;
  /// Lets what is due now happen, without time passing.
  virtual void settle() = 0;
  /// Lets a slice of simulated time pass, short enough that a client does not wait for it.
  virtual void advance() = 0;
};

struct LoopOptions {
  /// How long to look for the next message before sleeping in poll(). Waking up costs more than answering.
  std::chrono::microseconds spin{0};
  bool once = false;  ///< end after the first client
};

class EventLoop {
 public:
  /// Blocks SIGTERM, SIGINT and SIGUSR1, which it receives in turn. Throws std::runtime_error when the kernel refuses.
  EventLoop(const Listener& listener, PciFunction& function, DmaMap& dma, MessageDma& messages, Simulation& simulation,
            BridgeStatistics& statistics, LoopOptions options);

  /// Called on SIGUSR1.
  void on_report(std::function<void()> hook) { report_ = std::move(hook); }

  /// Serves something else, too: `serve`, which must not block, is called when the descriptor is readable. At most
  /// kMostAttended times.
  void attend(int fd, std::function<void()> serve);

  /// Serves one client at a time until SIGTERM or SIGINT, or the first client's end with `once`.
  void run();

  static constexpr std::size_t kMostAttended = 2;

 private:
  using Clock = Simulation::Clock;
  struct Attended {
    int fd = -1;
    std::function<void()> serve;
  };

  void accept();
  void end_session();
  [[nodiscard]] bool serve();
  void wait(bool block);
  [[nodiscard]] int poll_timeout() const;
  void handle_signal();

  const Listener& listener_;
  PciFunction& function_;
  DmaMap& dma_;
  MessageDma& messages_;
  Simulation& simulation_;
  BridgeStatistics& statistics_;
  LoopOptions options_;
  std::function<void()> report_;
  std::array<Attended, kMostAttended> attended_;
  UniqueFd signals_;
  std::optional<Session> session_;
  bool stop_ = false;
};

}  // namespace prd32
