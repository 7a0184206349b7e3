// SPDX-License-Identifier: Apache-2.0
#include "system.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace prd32::ctl {

std::string hex(std::uint64_t value) {
  std::ostringstream out;
  out << "0x" << std::hex << value;
  return out.str();
}

void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

File::File(const std::string& path, int flags) : descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0644)), name_(path) {
  if (descriptor_ < 0) {
    fail("cannot open " + path);
  }
}

File::File(File&& other) noexcept
    : descriptor_(other.descriptor_), name_(std::move(other.name_)), owned_(std::exchange(other.owned_, false)) {}

void File::finish() {
  if (std::exchange(owned_, false) && close(descriptor_) != 0) {
    fail("cannot write to " + name_);
  }
}

File::~File() {
  if (owned_) {
    close(descriptor_);
  }
}

Mapping::Mapping(std::size_t bytes, int protection, int flags, int descriptor, const std::string& what) : size_(bytes) {
  void* address = mmap(nullptr, bytes, protection, flags, descriptor, 0);
  if (address == MAP_FAILED) {
    fail("cannot map " + what);
  }
  data_ = static_cast<std::uint8_t*>(address);
}

Mapping::~Mapping() {
  munmap(data_, size_);
}

std::size_t page_size() {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::string read_text(const std::string& path) {
  const File file(path, O_RDONLY);
  std::array<char, 4096> buffer{};
  const ssize_t got = read(file.get(), buffer.data(), buffer.size());
  if (got < 0) {
    fail("cannot read " + path);
  }
  std::string text(buffer.data(), static_cast<std::size_t>(got));
  text.erase(text.find_last_not_of(" \n\t") + 1);
  return text;
}

void write_text(const std::string& path, std::string_view text) {
  const File file(path, O_WRONLY);
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    fail("cannot write to " + path);
  }
}

}  // namespace prd32::ctl
