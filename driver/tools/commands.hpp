// SPDX-License-Identifier: Apache-2.0
// What prd32ctl can do; each command is in the file of its name. A command takes its options and returns what it found,
// for people and machines alike (null: it has printed all there is to say); what goes wrong is thrown, with a text for
// people. Which words of a command line lead here, command_line.cpp says. show_*() makes a text of a result, where
// "name: value" lines are not good enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "context.hpp"
#include "range.hpp"

namespace prd32::ctl {

/// What the card and its driver are.
Json run_info(const Context& context);

struct ReadOptions {
  Range range{.offset = 0, .size = 256};
  std::string output;  ///< a file, "-" for standard output, empty for a dump
};
/// Card memory as a hex dump, or its bytes as they are.
Json run_read(const Context& context, const ReadOptions& options);

struct WriteOptions {
  std::uint64_t offset = 0;  ///< in card memory, bytes
  std::string hex;           ///< these bytes, as hexadecimal digits
  std::string text;          ///< then the bytes of this text
  std::string input;         ///< then those of this file, "-" for standard input
};
/// Bytes go to card memory.
Json run_write(const Context& context, const WriteOptions& options);

struct FillOptions {
  Range range;
  Content content;
};
/// Card memory is filled with a byte, or with the pattern that verify knows.
Json run_fill(const Context& context, const FillOptions& options);

struct VerifyOptions {
  Range range;
  Content content;
  std::string file;  ///< what is expected; empty: `content`
};
/// Card memory is compared. The context's status is kFailed when a byte is wrong.
Json run_verify(Context& context, const VerifyOptions& options);
std::string show_verify(const Json& result);

struct CopyOptions {
  std::string file;
  std::uint64_t offset = 0;  ///< in card memory, bytes
  std::uint64_t size = 0;    ///< get only, bytes
  bool splice = false;       ///< sendfile() instead: the driver gets kernel memory, not a user's
};
/// A file goes to the card with write().
Json run_put(const Context& context, const CopyOptions& options);
/// A file comes from the card with read().
Json run_get(const Context& context, const CopyOptions& options);

struct BenchOptions {
  std::vector<std::uint64_t> sizes = {4096, 65536, 1U << 20U};  ///< bytes of a request
  std::vector<unsigned> depths = {1, 4};                        ///< requests that are under way at a time
  std::string direction = "both";                               ///< read, write or both
  std::string memory = "user";                                  ///< user, or the kind of a buffer
  double seconds = 0.5;                                         ///< for each size, direction and depth
};
/// Throughput and latency, next to memcpy().
Json run_bench(const Context& context, const BenchOptions& options);
std::string show_bench(const Json& result);

struct WatchOptions {
  double interval = 1;  ///< seconds
  unsigned count = 0;   ///< reports; 0: for ever
};
/// What each channel does, as it does it. Prints.
Json run_watch(const Context& context, const WatchOptions& options);

/// What debugfs shows of the card's memory; `all`: of registers and channels, too.
Json run_addresses(const Context& context, bool all);
std::string show_addresses(const Json& result);

/// Function-level reset.
Json run_reset(const Context& context);

struct RoundtripOptions {
  std::uint64_t size = 0;         ///< bytes
  std::uint64_t card_offset = 0;  ///< bytes
  std::size_t page_offset = 0;    ///< of the user's buffers in their first page, bytes
  std::uint64_t seed = 1;
  unsigned iterations = 1;
};
/// A pattern goes to the card and must come back, in another buffer, with nothing around it touched.
Json run_roundtrip(const Context& context, const RoundtripOptions& options);

struct CallOptions {
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
Json run_call(const Context& context, const CallOptions& options);

struct PortsOptions {
  std::string pci;                     ///< the card's PCI address; empty: the only one
  std::uint32_t address = 0x12340004;  ///< what to program as the PRDT's address
  unsigned channel = 0;
};
/// Programs a bad PRDT address by hand, byte by byte, through the I/O ports, and returns what the card says.
Json run_ports_refuse(const PortsOptions& options);
/// The bus-master registers, as read through the I/O ports.
Json run_ports_status(const PortsOptions& options);

struct MemoryOptions {
  std::string pci;           ///< the card's PCI address; empty: the only one
  std::uint64_t offset = 0;  ///< in card memory, bytes; a multiple of width
  std::uint64_t size = 0;    ///< bytes, a multiple of width, not 0
  std::uint64_t seed = 1;    ///< of the pattern, which is that of call
  unsigned width = 8;        ///< bytes of one access: 1, 2, 4 or 8
  bool combining = false;    ///< map it as memory whose writes the processor may put together
};
/// The processor writes a pattern into card memory, through the mapped BAR.
Json run_memory_write(const MemoryOptions& options);
/// The processor reads card memory through the mapped BAR: how much of it is the pattern, and the first access's value.
Json run_memory_read(const MemoryOptions& options);

}  // namespace prd32::ctl
