// SPDX-License-Identifier: Apache-2.0
// Card memory is compared with what fill has put there, or with a file.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "card_file.hpp"
#include "commands.hpp"
#include "progress.hpp"
#include "range.hpp"
#include "system.hpp"

namespace prd32::ctl {
namespace {

constexpr std::size_t kShown = 8;  // wrong bytes that are listed

// What should be on the card: the file's bytes, or the pattern's.
class Expected {
 public:
  Expected(const VerifyOptions& options, Range& range) : content_(options.content) {
    if (options.file.empty()) {
      return;
    }
    file_.emplace(options.file, O_RDONLY);
    struct stat status{};
    if (fstat(file_->get(), &status) != 0) {
      fail("cannot look at " + options.file);
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size == 0) {
      throw std::invalid_argument(options.file + " is empty: there is nothing to compare with");
    }
    if (range.size > size) {
      throw std::invalid_argument(fmt::format("{} has {} bytes; --size may be at most that", options.file, size));
    }
    range.size = range.size == 0 ? size : range.size;
    first_ = range.offset;
  }

  void read(std::span<std::byte> data, std::uint64_t offset) const {
    if (!file_) {
      return content_.fill(data, offset);
    }
    while (!data.empty()) {
      const ssize_t got = pread(file_->get(), data.data(), data.size(), static_cast<off_t>(offset - first_));
      if (got < 0) {
        fail("cannot read " + file_->name());
      }
      if (got == 0) {
        throw std::runtime_error(fmt::format("{} ends {} bytes early", file_->name(), data.size()));
      }
      offset += static_cast<std::uint64_t>(got);
      data = data.subspan(static_cast<std::size_t>(got));
    }
  }

 private:
  Content content_;
  std::optional<File> file_;
  std::uint64_t first_ = 0;  // offset on the card of the file's first byte
};

// What differs: how much of it, and the first few bytes.
struct Differences {
  std::uint64_t count = 0;
  Json first = Json::array();

  void add(std::span<const std::byte> found, std::span<const std::byte> expected, std::uint64_t offset) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i] == expected[i]) {
        continue;
      }
      if (count++ < kShown) {
        first.push_back({{"offset", offset + i},
                         {"expected", std::to_integer<unsigned>(expected[i])},
                         {"found", std::to_integer<unsigned>(found[i])}});
      }
    }
  }
};

}  // namespace

Json run_verify(Context& context, const VerifyOptions& options) {
  const Device card = open_card(context.device, OpenMode::kRead);
  Range range = options.range;
  const Expected wanted(options, range);
  range = range.within(card);
  Progress progress(context, "verified", range.size);
  Differences differences;
  std::vector<std::byte> found;
  std::vector<std::byte> expected;
  double seconds = 0;
  for_each_part(range, [&](std::uint64_t offset, std::size_t size) {
    found.resize(size);
    expected.resize(size);
    wanted.read(expected, offset);
    const Stopwatch watch;
    read_all(card, offset, found);
    seconds += watch.seconds();
    differences.add(found, expected, offset);
    progress.show(offset + size - range.offset);
  });
  context.status = differences.count == 0 ? kDone : kFailed;
  return {{"offset", range.offset},           {"bytes", range.size}, {"wrong", differences.count},
          {"first_wrong", differences.first}, {"seconds", seconds},  {"bytes_per_second", rate(range.size, seconds)}};
}

std::string show_verify(const Json& result) {
  if (result["wrong"] == 0) {
    return fmt::format("{} bytes at {} are as they should be\n", result["bytes"].dump(), result["offset"].dump());
  }
  std::string text = fmt::format("{} of {} bytes are wrong:\n", result["wrong"].dump(), result["bytes"].dump());
  for (const Json& byte : result["first_wrong"]) {
    text += fmt::format("  at {0:#x} ({0}): {1:#04x}, should be {2:#04x}\n", byte["offset"].get<std::uint64_t>(),
                        byte["found"].get<unsigned>(), byte["expected"].get<unsigned>());
  }
  return text + (result["wrong"] > kShown ? "  ...\n" : "");
}

}  // namespace prd32::ctl
