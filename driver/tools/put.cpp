// SPDX-License-Identifier: Apache-2.0
// A file goes to the card with write().
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "card_file.hpp"
#include "commands.hpp"
#include "copy.hpp"
#include "progress.hpp"

namespace prd32::ctl {
Json run_put(const Context& context, const CopyOptions& options) {
  const File source(options.file, O_RDONLY);
  struct stat status{};
  if (fstat(source.get(), &status) != 0) {
    fail("cannot look at " + options.file);
  }
  if (!S_ISREG(status.st_mode)) {
    throw std::invalid_argument(options.file + " is no regular file, so its size is not known; write --input takes it");
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const File card = open_card_file(context.device, O_WRONLY);
  if (options.splice) {
    return splice(options, source, card, card, size);
  }
  ScatteredBuffer buffer(static_cast<std::size_t>(std::min(size, kCopyBytes)));
  Total total;
  Progress progress(context, "written", size);
  std::uint64_t done = 0;
  while (done < size) {
    const ssize_t got = pread(source.get(), buffer.data().data(), buffer.data().size(), static_cast<off_t>(done));
    if (got < 0) {
      fail("cannot read " + options.file);
    }
    if (got == 0) {
      throw std::runtime_error(text(options.file, " ends ", size - done, " bytes early"));
    }
    write_card(card, buffer.data().first(static_cast<std::size_t>(got)), options.offset + done, total);
    done += static_cast<std::uint64_t>(got);
    progress.show(done);
  }
  return copy_result(options, size, buffer, total);
}

}  // namespace prd32::ctl
