// SPDX-License-Identifier: Apache-2.0
// The card as docs/datasheet.md describes it, in the order of that text: no time, no bus, no line of the model.
// Where the text leaves something to the order of two channels, or to how far the card has read ahead, the paper card
// says so instead of guessing: undetermined().
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "case.hpp"
#include "memory.hpp"
#include "outcome.hpp"
#include "streams.hpp"

namespace prd32::oracle {

using regs::Endpoint;

/// What the paper card does not do further.
struct Limits {
  std::uint64_t descriptors = 1500;  ///< in one case
  std::uint64_t bytes = 400 * 1024;  ///< moved in one case
  std::uint64_t commands = 200;      ///< taken from queues in one case
};

class PaperCard {
 public:
  /// wrong: a rule that this card deliberately does not know; Err::kNone for a right card.
  PaperCard(const regs::Profile& profile, HostMemory& host, CardImage& memory, Outcome& outcome, const Limits& limits,
            Err wrong);

  Answer read(std::uint32_t offset, unsigned bytes);
  Answer write(std::uint32_t offset, unsigned bytes, std::uint64_t value);
  /// Until nothing moves any more.
  void run();
  /// Some time: nobody knows how far the channels are then, until they come to rest.
  void pass() { under_way_ = true; }
  /// The case ends: all is looked at.
  void finish() { look_for_haste(false); }
  void reset_function();
  /// Software writes to host memory.
  void store(const Step& step);

  std::uint32_t value(std::size_t index) const;  ///< of the register in regs::kTable
  unsigned lines() const;                        ///< bit n is the level of vector n
  /// Why the text does not say what comes out; empty when it does.
  std::string_view undetermined() const { return undetermined_; }

 private:
  /// The registers that START takes.
  struct Setup {
    std::uint32_t prdt = 0;
    std::uint32_t card_addr = 0;
    std::uint32_t length = 0;
    std::uint32_t entries = 0;
    std::uint32_t writeback_addr = 0;
    std::uint32_t rate = 0;
    bool to_host = false;
    bool cyclic = false;
    bool writeback = false;
    Endpoint endpoint = Endpoint::kMemory;
  };
  struct Fault {
    Err code = Err::kNone;
    std::int64_t index = -1;
    std::uint64_t address = 0;
  };
  /// Bytes in a row in host memory.
  struct Part {
    std::uint64_t address = 0;
    std::uint32_t bytes = 0;
  };
  struct Descriptor {
    std::uint32_t index = 0;
    std::uint32_t address = 0;
    std::uint64_t raw = 0;
    std::uint32_t base = 0;
    std::uint32_t bytes = 0;
    bool last = false;  // cut by length-long
    std::array<Part, 2> parts{};
  };
  struct Channel {
    bool active = false;
    bool queued = false;   // what it does comes from its queue
    bool fetched = false;  // the command was, and lies at:
    std::uint64_t command = 0;
    std::uint32_t since_interrupt = 0;  // commands done
    bool examined = false;              // the setup was
    Setup setup;
    std::uint32_t index = 0;        // of the next descriptor, in this lap
    std::uint64_t lap_bytes = 0;    // moved in this lap
    bool entries_examined = false;  // in this lap
    std::optional<Descriptor> waiting;
    std::optional<Fault> ending;  // a write while active was in error
    PatternStream pattern;
    Crc32c crc;
  };
  /// Bytes in a row in card memory, or behind its end.
  struct CardPiece {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    bool there = false;
  };
  enum class Space : std::uint8_t { kHost, kCard, kLoopback };
  struct Touch {
    Space space;
    std::uint64_t first;
    std::uint64_t end;
    bool writing;
  };

  // ---- registers (paper_registers.cpp)
  void reset();
  std::uint32_t& reg(std::uint32_t offset);
  std::uint32_t reg(std::uint32_t offset) const;
  std::uint32_t causes(unsigned n) const;
  void write_register(std::size_t index, std::uint32_t reached, std::uint32_t data);
  void write_command(unsigned n, std::uint32_t data);
  void write_control(unsigned n, std::uint32_t reached, std::uint32_t data);
  bool locked(std::size_t index, std::uint32_t reached, std::uint32_t data);
  bool refuses(unsigned n, Err lock, std::uint32_t offset);
  void clear_report(unsigned n);
  void begin(unsigned n);
  void stop(unsigned n);
  void reset_channel(unsigned n);

  // ---- rules (paper_rules.cpp)
  regs::Mode mode(Err code) const;
  void note(unsigned n, const Fault& fault, bool error);
  /// note(), unless the rule is off.
  regs::Mode record(unsigned n, const Fault& fault);
  /// record(), and the end of the transfer when the mode is error.
  regs::Mode judge(unsigned n, const Fault& fault);
  void end(unsigned n, const std::optional<Fault>& fault, bool block = true);
  void end_by_write(unsigned n, const Fault& fault);
  void report_error(unsigned n, const Fault& fault);
  bool write_block(unsigned n, std::uint32_t status, Err code);

  // ---- a transfer (paper_transfer.cpp); what returns bool returns false when the transfer has ended
  bool advance(unsigned n);
  bool examine_setup(unsigned n);
  bool move(unsigned n, const Descriptor& prd);
  bool move_from_host(unsigned n, const Descriptor& prd);
  bool move_to_host(unsigned n, const Descriptor& prd);
  void count(unsigned n, const Descriptor& prd);
  bool mark(unsigned n, const Descriptor& prd);
  bool end_of_table(unsigned n, const Descriptor& prd);
  bool go_on(unsigned n, const Descriptor& prd);
  bool endpoint_is_ready(unsigned n, const Descriptor& prd) const;
  void to_endpoint(unsigned n, std::span<const std::uint8_t> data);
  void from_endpoint(unsigned n, std::span<std::uint8_t> data);
  std::array<CardPiece, 2> card_pieces(unsigned n, std::uint64_t bytes, bool writing);

  // ---- descriptors (paper_descriptor.cpp)
  bool fetch(unsigned n, Descriptor& prd);
  bool read_prd(unsigned n, Descriptor& prd);
  bool examine(unsigned n, Descriptor& prd);
  bool examine_base_and_count(unsigned n, Descriptor& prd);
  bool examine_place(unsigned n, Descriptor& prd);
  bool examine_length(unsigned n, Descriptor& prd);

  // ---- the command queue (paper_queue.cpp)
  void write_tail(unsigned n, std::uint32_t reached, std::uint32_t data);
  void write_seen(unsigned n, std::uint32_t reached, std::uint32_t data);
  std::uint32_t commands_an_interrupt(unsigned n) const;
  void turn_to_command(unsigned n);
  bool take_command(unsigned n);
  bool find_command(unsigned n);
  bool fetch_command(unsigned n, std::span<std::uint8_t> half);
  bool write_status(unsigned n, const std::optional<Fault>& fault);
  void end_command(unsigned n, const std::optional<Fault>& fault);
  /// record(), and the end of the queue when the mode is error.
  regs::Mode judge_queue(unsigned n, const Fault& fault);
  void halt(unsigned n, const Fault& fault);

  // ---- what the text does not determine (paper_order.cpp)
  void touch(unsigned n, const Touch& touch);
  bool wrote(unsigned n, std::uint64_t address, std::uint64_t bytes) const;
  static void note_pages(std::vector<std::uint64_t>& pages, std::uint64_t address, std::uint64_t bytes);
  static bool on_pages(const std::vector<std::uint64_t>& pages, std::uint64_t address, std::uint64_t bytes);
  void look_for_haste(bool harmless);
  bool harmless_doorbell(std::uint32_t offset, std::uint64_t tail) const;
  void begin_looking_for_races();
  void look_for_races();
  void give_up(std::string_view why) { undetermined_ = undetermined_.empty() ? why : undetermined_; }

  const regs::Profile& profile_;
  HostMemory& host_;
  CardImage& memory_;
  Outcome& outcome_;
  const Limits limits_;
  const Err wrong_;
  const std::uint64_t allowed_;  // descriptors in a table
  std::array<std::uint32_t, regs::kTable.size()> values_{};
  std::uint32_t cause_ = 0;
  std::array<Channel, limits::kChannels> channels_;
  Loopback loopback_;
  std::vector<std::uint8_t> bytes_;
  std::array<std::vector<Touch>, limits::kChannels> touches_;          // since the card was idle
  std::array<std::vector<std::uint64_t>, limits::kChannels> written_;  // pages of host memory, since START
  std::array<std::vector<std::uint64_t>, limits::kChannels> tables_;   // the same, where descriptors were read
  std::uint64_t descriptors_done_ = 0;
  bool under_way_ = false;                       // since pass()
  std::array<bool, limits::kChannels> hasty_{};  // a doorbell came meanwhile
  std::uint64_t bytes_done_ = 0;
  std::uint64_t commands_done_ = 0;
  std::string_view undetermined_;
};

}  // namespace prd32::oracle
