// SPDX-License-Identifier: Apache-2.0
// One system call on the card, for those who want to see exactly what the driver answers.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "card_file.hpp"
#include "commands.hpp"
#include "context.hpp"
#include "scattered_buffer.hpp"
#include "system.hpp"

namespace prd32::ctl {
namespace {

File open_for(const std::string& device, const CallOptions& options) {
  if (options.descriptor >= 0) {
    return File::borrowed(options.descriptor);
  }
  return open_card_file(device, (options.write ? O_WRONLY : O_RDONLY) | (options.nonblock ? O_NONBLOCK : 0));
}

std::size_t total_of(const std::vector<std::size_t>& sizes) {
  std::size_t total = 0;
  for (const std::size_t size : sizes) {
    if (__builtin_add_overflow(total, size, &total)) {
      throw std::invalid_argument("these sizes are together more than there can be memory");
    }
  }
  return total;
}

// The elements lie end to end in the buffer.
std::vector<iovec> elements(const std::vector<std::size_t>& sizes, std::uint8_t* at) {
  std::vector<iovec> out;
  for (const std::size_t size : sizes) {
    out.push_back({at, size});
    at += size;
  }
  return out;
}

ssize_t one_call(const CallOptions& options, int card, const std::vector<iovec>& vectors) {
  const bool positioned = options.offset >= 0;
  const auto offset = static_cast<off_t>(options.offset);
  const auto count = static_cast<int>(vectors.size());
  if (vectors.size() == 1) {
    const auto [base, length] = vectors.front();
    if (options.write) {
      return positioned ? pwrite(card, base, length, offset) : write(card, base, length);
    }
    return positioned ? pread(card, base, length, offset) : read(card, base, length);
  }
  if (options.write) {
    return positioned ? pwritev(card, vectors.data(), count, offset) : writev(card, vectors.data(), count);
  }
  return positioned ? preadv(card, vectors.data(), count, offset) : readv(card, vectors.data(), count);
}

}  // namespace

Json run_call(const Context& context, const CallOptions& options) {
  const File card = open_for(context.device, options);
  const std::size_t size = total_of(options.sizes);
  const auto position = static_cast<std::uint64_t>(
      options.offset >= 0 ? options.offset : std::max<std::int64_t>(lseek(card.get(), 0, SEEK_CUR), 0));
  ScatteredBuffer buffer(size, options.page_offset);
  if (options.write) {
    fill_pattern(buffer.data(), options.seed, position);
  }
  const auto vectors = elements(options.sizes, buffer.data().data());

  // Unmapped only now, so that the elements behind the hole keep their addresses.
  std::uint8_t* hole = nullptr;
  if (options.unmapped_from >= 0) {
    const auto address = reinterpret_cast<std::uintptr_t>(buffer.data().data() + options.unmapped_from);
    hole = buffer.data().data() + options.unmapped_from - address % page_size();
    const auto rest = static_cast<std::size_t>(buffer.data().data() + size - hole);
    if (mprotect(hole, rest, PROT_NONE) != 0) {
      fail("cannot protect the end of the buffer");
    }
  }
  const ssize_t result = one_call(options, card.get(), vectors);
  const int error = result < 0 ? errno : 0;
  if (hole != nullptr &&
      mprotect(hole, static_cast<std::size_t>(buffer.data().data() + size - hole), PROT_READ | PROT_WRITE) != 0) {
    fail("cannot unprotect the end of the buffer");
  }

  Json out = {{"result", result},
              {"errno", error == 0 ? Json(nullptr) : Json(strerrorname_np(error))},
              {"position", lseek(card.get(), 0, SEEK_CUR)},
              {"guards_intact", buffer.guards_intact()}};
  if (!options.write) {
    out["matching"] = matching_pattern(buffer.data().first(static_cast<std::size_t>(std::max<ssize_t>(result, 0))),
                                       options.seed, position);
    // What the call did not claim to have read must still be there as it was.
    out["untouched"] = buffer.untouched_from(static_cast<std::size_t>(std::max<ssize_t>(result, 0)));
  }
  return out;
}

}  // namespace prd32::ctl
