// SPDX-License-Identifier: Apache-2.0
// Section 4 of the data sheet, and how transfers end (sections 3 and 8).

#include "paper_card.hpp"

namespace prd32::oracle {

regs::Mode PaperCard::mode(Err code) const {
  if (code == wrong_) {
    // A rule that cannot be ignored is kept, but nobody hears of it: see record().
    return regs::kRules.at(number_of(code)).ignore ? regs::Mode::kOff : regs::Mode::kSilicon;
  }
  return profile_.modes.at(number_of(code));
}

void PaperCard::note(unsigned n, const Fault& fault, bool error) {
  outcome_.breaches.at(n).push_back(
      {.code = fault.code, .error = error, .index = fault.index, .address = fault.address});
  using regs::Breach;
  std::uint32_t& breach = reg(Breach::at(n));
  if (breach == 0) {
    breach = regs::field_put(Breach::kCode, static_cast<std::uint32_t>(fault.code));
    reg(regs::BreachIndex::at(n)) = fault.index < 0 ? 0 : static_cast<std::uint32_t>(fault.index);
    reg(regs::BreachAddr::at(n)) = static_cast<std::uint32_t>(fault.address);
  }
  constexpr std::uint32_t kMost = regs::field_get(Breach::kCount, Breach::kCount);
  breach += regs::field_get(Breach::kCount, breach) < kMost ? regs::field_put(Breach::kCount, 1U) : 0;
}

regs::Mode PaperCard::record(unsigned n, const Fault& fault) {
  const regs::Mode result = mode(fault.code);
  if (result != regs::Mode::kOff && fault.code != wrong_) {
    note(n, fault, result == regs::Mode::kError);
  }
  return result;
}

regs::Mode PaperCard::judge(unsigned n, const Fault& fault) {
  const regs::Mode result = record(n, fault);
  if (result == regs::Mode::kError) {
    end(n, fault);
  }
  return result;
}

// Of a transfer, or of a command. block: one is written if asked for.
void PaperCard::end(unsigned n, const std::optional<Fault>& fault, bool block) {
  Channel& channel = channels_.at(n);
  if (channel.queued) {
    end_command(n, fault);
    return;
  }
  std::optional<Fault> reason = fault;
  if (channel.setup.writeback && block) {
    const std::uint32_t status = causes(n) | regs::BmStatus::kInterrupt | (reason ? regs::BmStatus::kError : 0);
    if (!write_block(n, status, reason ? reason->code : Err::kNone)) {
      const Fault refused{.code = Err::kWritebackRefused, .index = -1, .address = channel.setup.writeback_addr};
      if (record(n, refused) == regs::Mode::kError && !reason) {
        reason = refused;
      }
    }
  }
  reg(regs::BmCommand::at(n)) &= ~regs::BmCommand::kStart;
  channel.active = false;
  channel.ending.reset();
  cause_ |= regs::IrqCause::kCh0 << n;
  if (reason) {
    report_error(n, *reason);
  }
}

void PaperCard::report_error(unsigned n, const Fault& fault) {
  cause_ |= regs::IrqCause::kErr0 << n;
  reg(regs::Error::at(n)) = static_cast<std::uint32_t>(fault.code);
  reg(regs::ErrorIndex::at(n)) = fault.index < 0 ? 0 : static_cast<std::uint32_t>(fault.index);
  reg(regs::ErrorAddr::at(n)) = static_cast<std::uint32_t>(fault.address);
}

// The engine hears of it in the next run; the first such write counts.
void PaperCard::end_by_write(unsigned n, const Fault& fault) {
  std::optional<Fault>& ending = channels_.at(n).ending;
  if (!ending) {
    ending = fault;
  }
}

bool PaperCard::write_block(unsigned n, std::uint32_t status, Err code) {
  Channel& channel = channels_.at(n);
  const std::uint32_t sequence = reg(regs::Sequence::at(n)) + 1;
  const std::array<std::uint32_t, 4> words{status, static_cast<std::uint32_t>(code), reg(regs::Residual::at(n)),
                                           sequence};
  std::array<std::uint8_t, limits::kWritebackBytes> block{};
  for (std::size_t i = 0; i < block.size(); ++i) {
    block.at(i) = static_cast<std::uint8_t>(words.at(i / 4) >> (i % 4 * 8));
  }
  const std::uint64_t address = channel.setup.writeback_addr;
  touch(n, {.space = Space::kHost, .first = address, .end = address + block.size(), .writing = true});
  if (!host_.write(address, block)) {
    return false;
  }
  reg(regs::Sequence::at(n)) = sequence;
  return true;
}

}  // namespace prd32::oracle
