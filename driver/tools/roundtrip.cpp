// SPDX-License-Identifier: Apache-2.0
// A pattern goes to the card and must come back, in another buffer, with nothing around it touched.
#include <fcntl.h>

#include "card_file.hpp"
#include "commands.hpp"
#include "copy.hpp"
#include "progress.hpp"

namespace prd32::ctl {
namespace {

void check(const ScatteredBuffer& buffer, const RoundtripOptions& options, std::uint64_t seed) {
  const std::size_t good = matching_pattern(buffer.data(), seed, options.card_offset);
  if (good != options.size) {
    throw Mismatch(text("byte ", good, " of ", options.size, " came back as ", hex(buffer.data()[good]), ", it was ",
                        hex(pattern_byte(seed, options.card_offset + good))));
  }
  if (!buffer.guards_intact()) {
    throw Mismatch("the data is good, but bytes next to the buffer were changed");
  }
}

}  // namespace

Json run_roundtrip(const Context& context, const RoundtripOptions& options) {
  const File card = open_card_file(context.device, O_RDWR);
  Total written;
  Total read_back;
  Json pieces;
  Progress progress(context, "done", options.size * options.iterations);
  for (unsigned i = 0; i < options.iterations; ++i) {
    const std::uint64_t seed = options.seed + i;
    {
      // Freed before the next is allocated, so that the size is limited by memory and not by half of it.
      ScatteredBuffer source(options.size, options.page_offset);
      fill_pattern(source.data(), seed, options.card_offset);
      write_card(card, source.data(), options.card_offset, written);
      check(source, options, seed);
    }
    ScatteredBuffer target(options.size, options.page_offset);
    read_card(card, target.data(), options.card_offset, read_back);
    check(target, options, seed);
    pieces = pieces_of(target);
    progress.show(options.size * (i + 1));
  }
  return {{"bytes", options.size},
          {"iterations", options.iterations},
          {"pieces", pieces},
          {"write_calls", written.calls},
          {"read_calls", read_back.calls},
          {"write_seconds", written.seconds},
          {"read_seconds", read_back.seconds}};
}

}  // namespace prd32::ctl
