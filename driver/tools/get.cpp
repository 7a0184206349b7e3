// SPDX-License-Identifier: Apache-2.0
// A file comes from the card with read().
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "card_file.hpp"
#include "commands.hpp"
#include "copy.hpp"
#include "progress.hpp"

namespace prd32::ctl {
Json run_get(const Context& context, const CopyOptions& options) {
  const File card = open_card_file(context.device, O_RDONLY);
  File target(options.file, O_WRONLY | O_CREAT | O_TRUNC);
  if (options.splice) {
    Json result = splice(options, card, target, card, options.size);
    target.finish();
    return result;
  }
  ScatteredBuffer buffer(static_cast<std::size_t>(std::min(options.size, kCopyBytes)));
  Total total;
  Progress progress(context, "read", options.size);
  for (std::uint64_t done = 0; done < options.size;) {
    const auto part = buffer.data().first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.data().size(), options.size - done)));
    read_card(card, part, options.offset + done, total);
    for (auto rest = std::span<const std::uint8_t>(part); !rest.empty();) {
      const ssize_t put_down = write(target.get(), rest.data(), rest.size());
      if (put_down <= 0) {
        fail("cannot write " + options.file);
      }
      rest = rest.subspan(static_cast<std::size_t>(put_down));
    }
    done += part.size();
    progress.show(done);
  }
  target.finish();
  return copy_result(options, options.size, buffer, total);
}

}  // namespace prd32::ctl
