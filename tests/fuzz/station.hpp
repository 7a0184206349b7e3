// SPDX-License-Identifier: Apache-2.0
// A card with everything that it is connected to, and what must be true of it at any time.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <systemc>
#include <vector>

#include "host.hpp"
#include "prd32/card.hpp"
#include "witness.hpp"

namespace prd32::fuzz {

class Station : public sc_core::sc_module {
 public:
  /// witnessed: the rules that the witness holds the card to. Those of the card, or a witness that must find fault.
  Station(const sc_core::sc_module_name& name, const CardConfig& config, const Profile& witnessed);

  const Profile& profile() const { return profile_; }
  std::uint64_t memory_size() { return card_.memory().size(); }
  Complaints& complaints() { return complaints_; }

  /// An access by the host to the card's address space; data is what is written, or takes what is read.
  void access(tlm::tlm_command command, std::uint64_t offset, std::span<std::uint8_t> data);
  /// The same without an effect, as a debugger looks.
  void look(std::uint64_t offset, std::span<std::uint8_t> data);
  /// The register there, as a debugger sees it.
  std::uint32_t read(std::uint32_t offset);
  /// A whole register.
  void write(std::uint32_t offset, std::uint32_t value, unsigned bytes);
  /// An access by the host to card memory. bytes: at most kWindowMost; byte: what all of them are written as.
  void access_memory(bool write, std::uint64_t address, std::uint64_t bytes, std::uint8_t byte);
  static constexpr std::uint64_t kWindowMost = 8192;
  /// What the protocol has and the card does not: byte enables, a streaming width, commands that neither read nor
  /// write.
  void access_oddly(unsigned kind, bool memory, std::uint64_t address);
  void reset();
  /// Lets simulated time pass, and looks at everything that must be true after that.
  void run(const sc_core::sc_time& time);

  /// Ends everything, and looks whether it ends; then all is as after power-up.
  void settle(const sc_core::sc_time& longest_transaction);
  Host& host() { return host_; }
  /// As Host has it.
  void map(std::uint64_t address, std::uint64_t bytes, bool writable, bool direct);
  void unmap(std::size_t number);
  void set_habits(const BusHabits& habits);

 private:
  class Log final : public ViolationLog {
   public:
    explicit Log(Station& station) : station_(station) {}
    void record(const Violation& violation) override;

   private:
    Station& station_;
  };

  Progress progress(unsigned channel);
  Setup setup(unsigned channel);
  void note_commands(std::uint64_t offset, std::span<const std::uint8_t> data,
                     const std::array<bool, limits::kChannels>& were_active);
  void check_reserved(std::uint64_t offset, std::span<const std::uint8_t> data);
  void check_invariants();
  void check_lines();
  void complain(const std::string& text) { complaints_.add(text); }

  Profile profile_;
  Profile witnessed_;
  Complaints complaints_;
  Log log_{*this};
  Host host_;
  Card card_;
  Witness witness_;
  tlm_utils::simple_initiator_socket<Station> cpu_;
  tlm_utils::simple_initiator_socket<Station> window_;
  sc_core::sc_vector<sc_core::sc_signal<bool>> lines_;
  BusHabits habits_;
  tlm::tlm_generic_payload look_;      // made once, because there are so many looks
  std::uint64_t bytes_from_host_ = 0;  // that were in card memory when it was cleared
  bool memory_written_ = false;
};

}  // namespace prd32::fuzz
