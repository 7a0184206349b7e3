// SPDX-License-Identifier: Apache-2.0
// Knows what a card may do on the bus, from what software wrote and what the card was given to read, and complains of
// anything else. It knows docs/datasheet.md and the register map, and nothing of the model.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <systemc>
#include <utility>
#include <vector>

#include "host.hpp"
#include "prd32/registers.hpp"

namespace prd32::fuzz {

/// What is wrong; the first complaint counts.
class Complaints {
 public:
  /// Where everything that happens is told, a line each; nowhere to begin with.
  void tell_to(std::FILE* out) { out_ = out; }
  /// text, called only when somebody listens, is what happened.
  template <typename Text>
  void tell(Text text) {
    if (out_ != nullptr) {
      (void)std::fprintf(out_, "%14.3f ns  %s\n", sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_NS),
                         std::string(text()).c_str());
    }
  }
  void add(const std::string& text) {
    tell([&] { return "WRONG: " + text; });
    if (!first_) {
      first_ = text;
    }
  }
  /// The first one, and forgets it.
  std::optional<std::string> take() { return std::exchange(first_, std::nullopt); }

 private:
  std::FILE* out_ = nullptr;
  std::optional<std::string> first_;
};

/// What START took.
struct Setup {
  std::uint64_t table = 0;
  std::uint64_t card_address = 0;
  std::uint64_t length = 0;
  std::uint64_t writeback = 0;
  regs::Endpoint endpoint = regs::Endpoint::kMemory;
  bool to_host = false;
  bool cyclic = false;
  bool write_back = false;
};

/// How far a channel is, as its registers say.
struct Progress {
  bool active = false;
  std::uint64_t prds = 0;
  std::uint64_t moved = 0;
};

class Witness {
 public:
  /// profile: the rules that the card is held to. progress asks the card; unseen says whether the card can read those
  /// bytes without the witness hearing of it.
  struct Connections {
    const regs::Profile& profile;
    std::uint64_t memory_size;
    Complaints& complaints;
    std::function<Progress(unsigned channel)> progress;
    std::function<bool(std::uint64_t address, std::uint64_t bytes)> unseen;
  };

  explicit Witness(Connections card) : card_(std::move(card)) {}

  // ---- what software does
  void started(unsigned channel, const Setup& setup);
  /// The queue runs. What its commands say the witness does not follow: while it runs, anything is due.
  void queue_began(unsigned channel);
  bool queue_runs(unsigned channel) const {
    return transfers_.at(channel).queued && transfers_.at(channel).state == State::kGoing;
  }
  /// Stopped or reset: nothing new begins on the bus.
  void ended(unsigned channel) { transfers_.at(channel).state = State::kEnded; }

  /// Memory is about to appear or vanish. What the card did before with what vanishes, nobody saw.
  void memory_changes();

  // ---- what the card does
  /// It recorded a breach.
  void recorded(std::string_view rule, bool error, int channel);
  void begins(bool write, std::uint64_t address, std::uint64_t bytes);
  void was_read(std::uint64_t address, std::span<const std::uint8_t> data, bool ok);
  void was_peeked(std::uint64_t address, std::span<const std::uint8_t> data);
  /// What the card may have written since it was asked last, where nobody saw it.
  std::vector<Stretch> may_have_changed() const;

 private:
  enum class State : std::uint8_t { kEnded, kGoing, kInError };

  /// What the card got when it fetched descriptors.
  struct Burst {
    std::uint64_t address;
    std::vector<std::uint8_t> data;
    bool operator==(const Burst&) const = default;
  };

  struct Transfer {
    State state = State::kEnded;
    Setup setup;
    bool ended_by_a_write = false;  ///< to a locked register
    bool queued = false;            ///< it is the run of a queue
    bool was_blind = false;         ///< its table may have been read unseen
    std::vector<Burst> read;
    std::optional<std::uint64_t> fetching;  ///< a burst under way
    Progress lap;                           ///< when the present lap of a cyclic table began
    bool lap_is_known = true;
  };

  /// What a descriptor lets the card touch: two stretches of memory, of which one or both may be empty.
  using Region = std::array<Stretch, 2>;

  regs::Mode mode(regs::Err code) const { return card_.profile.modes.at(static_cast<std::size_t>(code)); }
  bool refuses(regs::Err code) const { return mode(code) == regs::Mode::kError; }
  bool like_silicon(regs::Err code) const { return mode(code) == regs::Mode::kSilicon; }

  std::uint64_t table_of(const Setup& setup) const;
  std::optional<std::uint64_t> descriptor_at(const Setup& setup, std::uint64_t index) const;
  bool fetch_is_due(unsigned channel, std::uint64_t address, std::uint64_t bytes) const;
  void fetch(std::uint64_t address, std::span<const unsigned> channels, bool certain);
  Region blocks_of(const Transfer& transfer) const;
  bool data_is_due(unsigned channel, std::uint64_t address, std::uint64_t bytes) const;
  std::uint64_t index(unsigned channel) const;
  std::optional<std::uint64_t> moved(unsigned channel) const;
  bool may_hold_a_descriptor(const Setup& setup, std::uint64_t address) const;
  bool is_blind(const Transfer& transfer) const;
  Region region_of(const Setup& setup, std::uint64_t prd, std::optional<std::uint64_t> moved) const;
  Region split(std::uint64_t base, std::uint64_t bytes) const;

  Connections card_;
  std::array<Transfer, limits::kChannels> transfers_;
};

}  // namespace prd32::fuzz
