// SPDX-License-Identifier: Apache-2.0
// Card memory as the processor sees it: loads and stores through the memory BAR, of a width that the user chooses.
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "commands.hpp"
#include "context.hpp"
#include "pci_card.hpp"
#include "scattered_buffer.hpp"
#include "system.hpp"

namespace prd32::ctl {
namespace {

// Volatile, so that the compiler neither merges accesses nor makes other ones of them.
template <typename Word>
void store(std::uint8_t* card, std::span<const std::uint8_t> data) {
  for (std::size_t at = 0; at < data.size(); at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, data.data() + at, sizeof word);
    *reinterpret_cast<volatile Word*>(card + at) = word;
  }
}

template <typename Word>
void load(const std::uint8_t* card, std::span<std::uint8_t> data) {
  for (std::size_t at = 0; at < data.size(); at += sizeof(Word)) {
    const Word word = *reinterpret_cast<const volatile Word*>(card + at);
    std::memcpy(data.data() + at, &word, sizeof word);
  }
}

void store(unsigned width, std::uint8_t* card, std::span<const std::uint8_t> data) {
  switch (width) {
    case 1:
      return store<std::uint8_t>(card, data);
    case 2:
      return store<std::uint16_t>(card, data);
    case 4:
      return store<std::uint32_t>(card, data);
    default:
      return store<std::uint64_t>(card, data);
  }
}

void load(unsigned width, const std::uint8_t* card, std::span<std::uint8_t> data) {
  switch (width) {
    case 1:
      return load<std::uint8_t>(card, data);
    case 2:
      return load<std::uint16_t>(card, data);
    case 4:
      return load<std::uint32_t>(card, data);
    default:
      return load<std::uint64_t>(card, data);
  }
}

MappedMemory map(const MemoryOptions& options) {
  if (options.size == 0 || (options.offset | options.size) % options.width != 0) {
    throw std::invalid_argument(text("offset and size must be multiples of the accesses' ", options.width, " bytes"));
  }
  if (options.size > SIZE_MAX - options.offset) {
    throw std::invalid_argument(text(options.size, " bytes at ", options.offset, " are not inside of card memory"));
  }
  return {PciCard::find(options.pci), static_cast<std::size_t>(options.offset + options.size), options.combining};
}

Json result(const MemoryOptions& options, double seconds) {
  return {{"offset", options.offset}, {"bytes", options.size}, {"width", options.width}, {"seconds", seconds}};
}

}  // namespace

Json run_memory_write(const MemoryOptions& options) {
  const MappedMemory card = map(options);
  std::vector<std::uint8_t> data(options.size);
  fill_pattern(data, options.seed, options.offset);
  const Stopwatch watch;
  store(options.width, card.data() + options.offset, data);
  return result(options, watch.seconds());
}

Json run_memory_read(const MemoryOptions& options) {
  const MappedMemory card = map(options);
  std::vector<std::uint8_t> data(options.size);
  const Stopwatch watch;
  load(options.width, card.data() + options.offset, data);
  Json found = result(options, watch.seconds());
  std::uint64_t first = 0;
  std::memcpy(&first, data.data(), options.width);
  found["first"] = hex(first);
  found["matching"] = matching_pattern(data, options.seed, options.offset);
  return found;
}

}  // namespace prd32::ctl
