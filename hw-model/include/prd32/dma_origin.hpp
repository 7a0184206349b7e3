// SPDX-License-Identifier: Apache-2.0
// What a transaction at the card's dma socket is part of: for analysers and interposers on the bus, as a trace of real
// silicon has it from the requester's tag. No target needs it.
#pragma once

#include <cstdint>
#include <tlm>

namespace prd32 {

/// kWriteback is a status block, or the status of a command of the queue. kOver is none of the card's: what an
/// interposer makes up, of a transfer that was told to be over.
enum class DmaPurpose : std::uint8_t { kTableFetch, kData, kWriteback, kCommand, kOver };

/// Accompanies each transaction that the card starts. It lives as long as the transaction.
class DmaOrigin final : public tlm::tlm_extension<DmaOrigin> {
 public:
  DmaOrigin(unsigned channel, DmaPurpose purpose, std::int64_t prd_index)
      : channel_(channel), purpose_(purpose), prd_index_(prd_index) {}

  unsigned channel() const { return channel_; }
  DmaPurpose purpose() const { return purpose_; }
  /// The descriptor that is fetched (the first, of a burst) or executed, counted from 0; -1: none is.
  std::int64_t prd_index() const { return prd_index_; }

  tlm::tlm_extension_base* clone() const override { return new DmaOrigin(*this); }
  void copy_from(const tlm::tlm_extension_base& other) override { *this = static_cast<const DmaOrigin&>(other); }
  void free() override {}  // it lies on the stack of whoever started the transaction

 private:
  unsigned channel_;
  DmaPurpose purpose_;
  std::int64_t prd_index_;
};

}  // namespace prd32
