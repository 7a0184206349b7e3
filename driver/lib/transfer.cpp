// SPDX-License-Identifier: Apache-2.0
#include <prd32/transfer.hpp>

namespace prd32 {
namespace {

Transfer with_memory(Direction direction, Endpoint endpoint, std::span<const std::byte> memory) {
  Transfer made;
  made.direction = direction;
  made.endpoint = endpoint;
  made.length = memory.size();
  made.memory = const_cast<std::byte*>(memory.data());  // the direction says who writes
  return made;
}

Transfer with_slice(Direction direction, Endpoint endpoint, const Slice& slice) {
  Transfer made;
  made.direction = direction;
  made.endpoint = endpoint;
  made.length = slice.length;
  made.slice = slice;
  return made;
}

Transfer at(std::uint64_t card_address, Transfer transfer) {
  transfer.card_address = card_address;
  return transfer;
}

Transfer with_pattern(const Pattern& pattern, Transfer transfer) {
  transfer.pattern = pattern;
  return transfer;
}

}  // namespace

Transfer Transfer::to_card(std::uint64_t card_address, std::span<const std::byte> from) {
  return at(card_address, with_memory(Direction::kFromHost, Endpoint::kMemory, from));
}

Transfer Transfer::to_card(std::uint64_t card_address, const Slice& from) {
  return at(card_address, with_slice(Direction::kFromHost, Endpoint::kMemory, from));
}

Transfer Transfer::from_card(std::uint64_t card_address, std::span<std::byte> to) {
  return at(card_address, with_memory(Direction::kToHost, Endpoint::kMemory, to));
}

Transfer Transfer::from_card(std::uint64_t card_address, const Slice& to) {
  return at(card_address, with_slice(Direction::kToHost, Endpoint::kMemory, to));
}

Transfer Transfer::checksum(std::span<const std::byte> from) {
  return with_memory(Direction::kFromHost, Endpoint::kChecksum, from);
}

Transfer Transfer::checksum(const Slice& from) {
  return with_slice(Direction::kFromHost, Endpoint::kChecksum, from);
}

Transfer Transfer::generate(const Pattern& pattern, std::span<std::byte> to) {
  return with_pattern(pattern, with_memory(Direction::kToHost, Endpoint::kPattern, to));
}

Transfer Transfer::generate(const Pattern& pattern, const Slice& to) {
  return with_pattern(pattern, with_slice(Direction::kToHost, Endpoint::kPattern, to));
}

Transfer Transfer::to_loopback(std::span<const std::byte> from) {
  return with_memory(Direction::kFromHost, Endpoint::kLoopback, from);
}

Transfer Transfer::from_loopback(std::span<std::byte> to) {
  return with_memory(Direction::kToHost, Endpoint::kLoopback, to);
}

}  // namespace prd32
