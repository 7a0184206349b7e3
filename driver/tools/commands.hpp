// SPDX-License-Identifier: Apache-2.0
// What prd32ctl can do. Each command takes its options and returns what it found, for people and machines alike;
// what goes wrong is thrown, with a text for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace prd32::ctl {

using Json = nlohmann::ordered_json;

/// The card did something else than it should have.
class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What the card and its driver are.
Json info(const std::string& device);

struct CopyOptions {
  std::string device;
  std::string file;
  std::uint64_t offset = 0;  ///< in card memory, bytes
  std::uint64_t size = 0;    ///< get only, bytes
  bool splice = false;       ///< sendfile() instead: the driver gets kernel memory, not a user's
};
/// A file goes to the card with write().
Json put(const CopyOptions& options);
/// A file comes from the card with read().
Json get(const CopyOptions& options);

struct RoundtripOptions {
  std::string device;
  std::size_t size = 0;           ///< bytes
  std::uint64_t card_offset = 0;  ///< bytes
  std::size_t page_offset = 0;    ///< of the user's buffers in their first page, bytes
  std::uint64_t seed = 1;
  unsigned iterations = 1;
};
/// A pattern goes to the card and must come back, in another buffer, with nothing around it touched.
Json roundtrip(const RoundtripOptions& options);

struct CallOptions {
  std::string device;
  int descriptor = -1;              ///< use this open descriptor instead of opening the device
  bool write = false;               ///< else read
  std::int64_t offset = -1;         ///< in card memory; -1: at the file's position
  std::vector<std::size_t> sizes;   ///< one entry: read/write; several: readv/writev. Bytes
  std::size_t page_offset = 0;      ///< of the buffer in its first page, bytes
  std::int64_t unmapped_from = -1;  ///< the page that holds this byte of the buffer, and all behind it, are missing
  std::uint64_t seed = 1;
  bool nonblock = false;
};
/// Exactly one system call, and what came of it: result, errno, bytes that match the pattern, guards.
Json call(const CallOptions& options);

struct RefuseOptions {
  std::string pci;                     ///< the card's PCI address; empty: the only one
  std::uint32_t address = 0x12340004;  ///< what to program as the PRDT's address
  unsigned channel = 0;
};
/// Programs a bad PRDT address by hand, byte by byte, through the I/O ports, and returns what the card says.
Json ports_refuse(const RefuseOptions& options);
/// The bus-master registers of the card with this PCI address (empty: the only one), as read through the I/O ports.
Json ports_status(const std::string& pci);

struct MemoryOptions {
  std::string pci;           ///< the card's PCI address; empty: the only one
  std::uint64_t offset = 0;  ///< in card memory, bytes; a multiple of width
  std::size_t size = 0;      ///< bytes, a multiple of width, not 0
  std::uint64_t seed = 1;    ///< of the pattern, which is that of call
  unsigned width = 8;        ///< bytes of one access: 1, 2, 4 or 8
  bool combining = false;    ///< map it as memory whose writes the processor may put together
};
/// The processor writes a pattern into card memory, through the mapped BAR.
Json memory_write(const MemoryOptions& options);
/// The processor reads card memory through the mapped BAR: how much of it is the pattern, and the first access's value.
Json memory_read(const MemoryOptions& options);

}  // namespace prd32::ctl
