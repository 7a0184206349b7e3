// SPDX-License-Identifier: Apache-2.0
// Card memory is filled with a byte, or with the pattern that verify knows.
#include <vector>

#include "card_file.hpp"
#include "commands.hpp"
#include "progress.hpp"
#include "range.hpp"

namespace prd32::ctl {
Json run_fill(const Context& context, const FillOptions& options) {
  const Device card = open_card(context.device);
  const Range range = options.range.within(card);
  Progress progress(context, "filled", range.size);
  std::vector<std::byte> data;
  double seconds = 0;
  for_each_part(range, [&](std::uint64_t offset, std::size_t size) {
    data.resize(size);
    options.content.fill(data, offset);
    const Stopwatch watch;
    write_all(card, offset, data);
    seconds += watch.seconds();
    progress.show(offset + size - range.offset);
  });
  return {{"offset", range.offset},
          {"bytes", range.size},
          {"seconds", seconds},
          {"bytes_per_second", rate(range.size, seconds)}};
}

}  // namespace prd32::ctl
