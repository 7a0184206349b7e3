// SPDX-License-Identifier: Apache-2.0
// prd32ctl: the card from the command line.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <string>

#include "commands.hpp"

namespace {

using prd32::ctl::Json;

constexpr int kSuccess = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;

// A command line being put together: each command leaves in `run` what is to be done.
struct Program {
  CLI::App app{"Uses a prd32 card: copies files to and from its memory, checks it, and looks at it.", "prd32ctl"};
  std::string device = "/dev/prd32-0";
  bool json = false;
  std::function<Json()> run;
};

CLI::App* add(Program& program, CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->add_flag("--json", program.json, "print the result as one line of JSON");
  return command;
}

void add_device(Program& program, CLI::App* command) {
  command->add_option("--device", program.device, "the card's device node")->capture_default_str();
}

void add_info(Program& program) {
  CLI::App* command = add(program, program.app, "info", "say what the card and its driver are");
  add_device(program, command);
  command->callback([&program] { program.run = [&program] { return prd32::ctl::info(program.device); }; });
}

void add_copies(Program& program, prd32::ctl::CopyOptions& options) {
  const CLI::AsSizeValue size(false);
  CLI::App* put = add(program, program.app, "put", "write() a file to the card, from page-scattered memory");
  CLI::App* get = add(program, program.app, "get", "read() a file from the card, into page-scattered memory");
  put->add_option("file", options.file, "the file")->required()->check(CLI::ExistingFile);
  get->add_option("file", options.file, "the file; overwritten")->required();
  get->add_option("--size", options.size, "bytes, as 64M or 4096")->required()->transform(size);
  for (CLI::App* command : {put, get}) {
    add_device(program, command);
    command->add_option("--offset", options.offset, "offset in card memory, bytes")->transform(size);
    command->add_flag("--splice", options.splice, "with sendfile() instead, which moves kernel memory");
  }
  put->callback([&] {
    options.device = program.device;
    program.run = [&options] { return prd32::ctl::put(options); };
  });
  get->callback([&] {
    options.device = program.device;
    program.run = [&options] { return prd32::ctl::get(options); };
  });
}

void add_roundtrip(Program& program, prd32::ctl::RoundtripOptions& options) {
  const CLI::AsSizeValue size(false);
  CLI::App* command =
      add(program, program.app, "roundtrip", "write a pattern, read it back into other memory, compare, check guards");
  add_device(program, command);
  command->add_option("--size", options.size, "bytes, as 64M or 4096")->required()->transform(size);
  command->add_option("--card-offset", options.card_offset, "offset in card memory, bytes")->transform(size);
  command->add_option("--page-offset", options.page_offset, "offset of the buffers in their first page, bytes");
  command->add_option("--seed", options.seed, "chooses the pattern; one more each iteration")->capture_default_str();
  command->add_option("--iterations", options.iterations, "how often")->capture_default_str();
  command->callback([&] {
    options.device = program.device;
    program.run = [&options] { return prd32::ctl::roundtrip(options); };
  });
}

void add_call(Program& program, prd32::ctl::CallOptions& options) {
  CLI::App* parent = program.app.add_subcommand("call", "make exactly one system call, and say what came of it");
  parent->require_subcommand(1);
  for (const bool write : {false, true}) {
    CLI::App* command = add(program, *parent, write ? "write" : "read",
                            write ? "write(), pwrite(), writev() or pwritev() of a pattern"
                                  : "read(), pread(), readv() or preadv(), compared with a pattern");
    add_device(program, command);
    command->add_option("--fd", options.descriptor, "use this inherited descriptor instead of opening the device");
    command->add_option("--offset", options.offset, "offset in card memory, bytes; none: the file's position");
    command->add_option("--size", options.sizes, "bytes; several, separated by commas: a vector")
        ->required()
        ->delimiter(',');
    command->add_option("--page-offset", options.page_offset, "offset of the buffer in its first page, bytes");
    command->add_option("--unmapped-from", options.unmapped_from,
                        "from the page of this byte on, the buffer is inaccessible");
    command->add_option("--seed", options.seed, "chooses the pattern")->capture_default_str();
    command->add_flag("--nonblock", options.nonblock, "open with O_NONBLOCK");
    command->callback([&program, &options, write] {
      options.write = write;
      options.device = program.device;
      program.run = [&options] { return prd32::ctl::call(options); };
    });
  }
}

void add_ports(Program& program, prd32::ctl::RefuseOptions& options) {
  CLI::App* parent = program.app.add_subcommand("ports", "use the bus-master I/O ports by hand (root only)");
  parent->require_subcommand(1);
  parent->add_option("--pci", options.pci, "the card's PCI address, where there are several cards: 0000:01:00.0");
  CLI::App* refuse = add(program, *parent, "refuse",
                         "program a misaligned PRDT address byte by byte, start, and show how the card refuses it; "
                         "the driver is unbound meanwhile");
  refuse->add_option("--address", options.address, "the bad address")->capture_default_str();
  refuse->callback([&] { program.run = [&options] { return prd32::ctl::ports_refuse(options); }; });
  CLI::App* status = add(program, *parent, "status", "show the bus-master registers");
  status->callback([&] { program.run = [&options] { return prd32::ctl::ports_status(options.pci); }; });
}

void add_memory(Program& program, prd32::ctl::MemoryOptions& options) {
  const CLI::AsSizeValue size(false);
  CLI::App* parent = program.app.add_subcommand("memory", "reach card memory with the processor alone (root only)");
  parent->require_subcommand(1);
  for (const bool write : {false, true}) {
    CLI::App* command = add(program, *parent, write ? "write" : "read",
                            write ? "write a pattern through the memory BAR" : "read it, and compare with a pattern");
    command->add_option("--pci", options.pci, "the card's PCI address, where there are several cards: 0000:01:00.0");
    command->add_option("--offset", options.offset, "offset in card memory, bytes")->transform(size);
    command->add_option("--size", options.size, "bytes, as 64M or 4096")->required()->transform(size);
    command->add_option("--seed", options.seed, "chooses the pattern")->capture_default_str();
    command->add_option("--width", options.width, "bytes of one access")
        ->check(CLI::IsMember({1, 2, 4, 8}))
        ->capture_default_str();
    command->add_flag("--combining", options.combining, "the processor may put writes together");
    command->callback([&program, &options, write] {
      program.run = [&options, write] {
        return write ? prd32::ctl::memory_write(options) : prd32::ctl::memory_read(options);
      };
    });
  }
}

void print(const Json& result, bool as_json) {
  if (as_json) {
    std::cout << result.dump() << "\n";
    return;
  }
  for (const auto& [name, value] : result.items()) {
    std::cout << name << ": " << (value.is_string() ? value.get<std::string>() : value.dump()) << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  Program program;
  prd32::ctl::CopyOptions copy;
  prd32::ctl::RoundtripOptions roundtrip;
  prd32::ctl::CallOptions call;
  prd32::ctl::RefuseOptions refuse;
  prd32::ctl::MemoryOptions memory;
  try {
    program.app.require_subcommand(1);
    program.app.footer("Exit status: 0 done and good; 1 failed, or the card did something wrong; 2 wrong usage.");
    add_info(program);
    add_copies(program, copy);
    add_roundtrip(program, roundtrip);
    add_call(program, call);
    add_ports(program, refuse);
    add_memory(program, memory);
    program.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.app.exit(error) == 0 ? kSuccess : kUsage;
  }
  try {
    print(program.run(), program.json);
    return std::cout.flush() ? kSuccess : kFailed;
  } catch (const std::exception& error) {
    std::cerr << "prd32ctl: " << error.what() << "\n";
    return kFailed;
  }
}
