// SPDX-License-Identifier: Apache-2.0
// Small owners of what the operating system hands out. Each throws std::system_error with a text that says what failed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>

namespace prd32::ctl {

/// The parts one after the other, as operator<< writes them.
template <typename... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}
/// A number as 0x12ab.
std::string hex(std::uint64_t value);

/// Throws std::system_error for errno.
[[noreturn]] void fail(const std::string& what);

/// A file descriptor, closed at the end of its life unless it was only borrowed.
class File {
 public:
  /// Opens `path` with the flags of open(2); a file that is created gets mode 0644.
  File(const std::string& path, int flags);
  /// Uses a descriptor that somebody else closes.
  static File borrowed(int descriptor) { return File(descriptor); }
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;

  /// Closes a file that was written: some file systems say only then that they have no room. Nothing for a borrowed
  /// one.
  void finish();

  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  explicit File(int descriptor) : descriptor_(descriptor), name_("fd " + std::to_string(descriptor)), owned_(false) {}
  int descriptor_;
  std::string name_;
  bool owned_ = true;
};

/// A mapping, unmapped at the end of its life.
class Mapping {
 public:
  /// As mmap(2), at an address of the kernel's choice.
  Mapping(std::size_t bytes, int protection, int flags, int descriptor, const std::string& what);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] std::uint8_t* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::uint8_t* data_;
  std::size_t size_;
};

/// The size of a page, bytes.
std::size_t page_size();
/// The content of a small text file without trailing white space, as sysfs has them.
std::string read_text(const std::string& path);
/// Writes a small text file that exists already, as sysfs has them.
void write_text(const std::string& path, std::string_view text);

/// Time since its construction.
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace prd32::ctl
