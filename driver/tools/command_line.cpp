// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "byte_count.hpp"
#include "commands.hpp"

namespace prd32::ctl {
namespace {

// The parser, and what it is to leave in `chosen`.
struct Parser {
  CLI::App app{"Uses a prd32 card: moves bytes to and from its memory, checks it, measures it, and looks at it.",
               "prd32ctl"};
  Chosen& chosen;
};

// Not CLI::AsSizeValue: to it 0x2b is two bytes, and 010 is eight.
const CLI::Validator& bytes() {
  static const CLI::Validator size(
      [](std::string& text) {
        try {
          text = std::to_string(byte_count(text));
        } catch (const std::invalid_argument& error) {
          return std::string(error.what());
        }
        return std::string();
      },
      "BYTES");
  return size;
}

// A variable of a script that is not set is no file, and not as good as no option.
const CLI::Validator& a_name() {
  static const CLI::Validator name(
      [](std::string& text) { return text.empty() ? std::string("the name is empty") : std::string(); }, "");
  return name;
}

// A command below `parent`. `card`: it opens the device.
CLI::App* add(Parser& parser, CLI::App& parent, const std::string& name, const std::string& description,
              bool card = true) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->add_flag("--json", parser.chosen.context.json, "print the result as one line of JSON");
  if (card) {
    command->add_option("--device", parser.chosen.context.device, "the card's device node")->capture_default_str();
  }
  return command;
}

// What the command does when it is the chosen one.
template <typename Run>
void runs(Parser& parser, CLI::App* command, Run run, std::function<std::string(const Json&)> show = {}) {
  command->callback([&parser, run, show] {
    parser.chosen.run = run;
    parser.chosen.show = show;
  });
}

void add_offset(CLI::App* command, std::uint64_t& offset) {
  command->add_option("--offset", offset, "offset in card memory, bytes")->transform(bytes());
}

void add_range(CLI::App* command, Range& range) {
  add_offset(command, range.offset);
  command->add_option("--size", range.size, "bytes; without it, to the end of card memory")->transform(bytes());
}

CLI::Option* add_seed(CLI::App* command, std::uint64_t& seed) {
  return command->add_option("--seed", seed, "chooses the pattern")->capture_default_str();
}

void add_content(CLI::App* command, Content& content) {
  CLI::Option* byte =
      command->add_option("--byte", content.byte, "every byte is this one, 0 to 255")->check(CLI::Range(255));
  add_seed(command, content.seed)->excludes(byte);
}

void add_pci(CLI::App* command, std::string& pci) {
  command->add_option("--pci", pci, "the card's PCI address, where there are several cards: 0000:01:00.0");
}

void add_info(Parser& parser) {
  CLI::App* command = add(parser, parser.app, "info", "say what the card and its driver are");
  runs(parser, command, [](Context& context) { return run_info(context); });
}

void add_read(Parser& parser) {
  CLI::App* command = add(parser, parser.app, "read", "show card memory as a hex dump, or give its bytes to a file");
  auto options = std::make_shared<ReadOptions>();
  add_offset(command, options->range.offset);
  command->add_option("--size", options->range.size, "bytes; 0: to the end of card memory")
      ->transform(bytes())
      ->capture_default_str();
  command->add_option("--output", options->output, "give the bytes to this file; - is standard output")
      ->check(a_name());
  runs(parser, command, [options](Context& context) { return run_read(context, *options); });
}

void add_write(Parser& parser) {
  CLI::App* command = add(parser, parser.app, "write", "write bytes to card memory");
  auto options = std::make_shared<WriteOptions>();
  add_offset(command, options->offset);
  CLI::Option_group* source = command->add_option_group("source", "one of these");
  source->add_option("--hex", options->hex, "bytes as hexadecimal digits, white space between them or not");
  source->add_option("--text", options->text, "the bytes of this text");
  source->add_option("--input", options->input, "the bytes of this file; - is standard input")->check(a_name());
  source->require_option(1);
  runs(parser, command, [options](Context& context) { return run_write(context, *options); });
}

void add_fill(Parser& parser) {
  CLI::App* command = add(parser, parser.app, "fill", "fill card memory with a byte or a pattern");
  auto options = std::make_shared<FillOptions>();
  add_offset(command, options->range.offset);
  command->add_option("--size", options->range.size, "bytes; 0: to the end of card memory")
      ->required()
      ->transform(bytes());
  add_content(command, options->content);
  runs(parser, command, [options](Context& context) { return run_fill(context, *options); });
}

void add_verify(Parser& parser) {
  CLI::App* command =
      add(parser, parser.app, "verify", "compare card memory with what fill has put there, or with a file");
  auto options = std::make_shared<VerifyOptions>();
  add_range(command, options->range);
  add_content(command, options->content);
  command->add_option("--file", options->file, "compare with this file")
      ->check(a_name())
      ->excludes("--byte")
      ->excludes("--seed");
  runs(parser, command, [options](Context& context) { return run_verify(context, *options); }, show_verify);
}

void add_copies(Parser& parser) {
  for (const bool put : {true, false}) {
    CLI::App* command = add(parser, parser.app, put ? "put" : "get",
                            put ? "write() a file to the card, from page-scattered memory"
                                : "read() a file from the card, into page-scattered memory");
    auto options = std::make_shared<CopyOptions>();
    CLI::Option* file = command->add_option("file", options->file, put ? "the file" : "the file; overwritten");
    file->required();
    if (put) {
      file->check(CLI::ExistingFile);
    } else {
      command->add_option("--size", options->size, "bytes")->required()->transform(bytes());
    }
    add_offset(command, options->offset);
    command->add_flag("--splice", options->splice, "with sendfile() instead, which moves kernel memory");
    runs(parser, command,
         [options, put](Context& context) { return put ? run_put(context, *options) : run_get(context, *options); });
  }
}

void add_bench(Parser& parser) {
  CLI::App* command = add(parser, parser.app, "bench", "measure throughput and latency, in card memory of its own");
  auto options = std::make_shared<BenchOptions>();
  command->add_option("--sizes", options->sizes, "bytes of a request; several, separated by commas")
      ->transform(bytes())
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--depths", options->depths, "requests that are under way at a time; several, likewise")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--direction", options->direction, "from the card, to the card, or both")
      ->check(CLI::IsMember({"read", "write", "both"}))
      ->capture_default_str();
  command->add_option("--memory", options->memory, "of the host: ordinary memory, or buffers of the driver")
      ->check(CLI::IsMember({"user", "coherent", "write-combine", "cached", "noncontiguous"}))
      ->capture_default_str();
  command->add_option("--seconds", options->seconds, "for each line of the result")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  runs(parser, command, [options](Context& context) { return run_bench(context, *options); }, show_bench);
}

void add_watch(Parser& parser) {
  CLI::App* command = add(parser, parser.app, "watch", "show what each channel does, as it does it");
  auto options = std::make_shared<WatchOptions>();
  command->add_option("--interval", options->interval, "seconds between reports")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  command->add_option("--count", options->count, "end after so many reports; without it, go on until interrupted");
  runs(parser, command, [options](Context& context) { return run_watch(context, *options); });
}

void add_addresses(Parser& parser) {
  CLI::App* command =
      add(parser, parser.app, "addresses", "show the buffers of the card's users with their addresses (root only)");
  auto all = std::make_shared<bool>(false);
  command->add_flag("--all", *all, "all that debugfs has: registers and channels, too");
  runs(parser, command, [all](Context& context) { return run_addresses(context, *all); }, show_addresses);
}

void add_reset(Parser& parser) {
  CLI::App* command = add(parser, parser.app, "reset", "reset the card, which keeps its memory's content (root only)");
  runs(parser, command, [](Context& context) { return run_reset(context); });
}

void add_roundtrip(Parser& parser) {
  CLI::App* command =
      add(parser, parser.app, "roundtrip", "write a pattern, read it back into other memory, compare, check guards");
  auto options = std::make_shared<RoundtripOptions>();
  command->add_option("--size", options->size, "bytes")->required()->transform(bytes());
  command->add_option("--card-offset", options->card_offset, "offset in card memory, bytes")->transform(bytes());
  command->add_option("--page-offset", options->page_offset, "offset of the buffers in their first page, bytes")
      ->transform(bytes());
  command->add_option("--seed", options->seed, "chooses the pattern; one more each iteration")->capture_default_str();
  command->add_option("--iterations", options->iterations, "how often")->capture_default_str();
  runs(parser, command, [options](Context& context) { return run_roundtrip(context, *options); });
}

void add_call(Parser& parser) {
  CLI::App* parent = parser.app.add_subcommand("call", "make exactly one system call, and say what came of it");
  parent->require_subcommand(1);
  for (const bool write : {false, true}) {
    CLI::App* command = add(parser, *parent, write ? "write" : "read",
                            write ? "write(), pwrite(), writev() or pwritev() of a pattern"
                                  : "read(), pread(), readv() or preadv(), compared with a pattern");
    auto options = std::make_shared<CallOptions>();
    options->write = write;
    command->add_option("--fd", options->descriptor, "use this inherited descriptor instead of opening the device");
    command->add_option("--offset", options->offset, "offset in card memory, bytes; none: the file's position")
        ->transform(bytes());
    command->add_option("--size", options->sizes, "bytes; several, separated by commas: a vector")
        ->required()
        ->transform(bytes())
        ->delimiter(',');
    command->add_option("--page-offset", options->page_offset, "offset of the buffer in its first page, bytes")
        ->transform(bytes());
    command
        ->add_option("--unmapped-from", options->unmapped_from,
                     "from the page of this byte on, the buffer is inaccessible")
        ->transform(bytes());
    add_seed(command, options->seed);
    command->add_flag("--nonblock", options->nonblock, "open with O_NONBLOCK");
    runs(parser, command, [options](Context& context) { return run_call(context, *options); });
  }
}

void add_ports(Parser& parser) {
  CLI::App* parent = parser.app.add_subcommand("ports", "use the bus-master I/O ports by hand (root only)");
  parent->require_subcommand(1);
  auto options = std::make_shared<PortsOptions>();
  add_pci(parent, options->pci);
  CLI::App* refuse = add(parser, *parent, "refuse",
                         "program a misaligned PRDT address byte by byte, start, and show how the card refuses it; "
                         "the driver is unbound meanwhile",
                         false);
  refuse->add_option("--address", options->address, "the bad address")->capture_default_str();
  runs(parser, refuse, [options](Context&) { return run_ports_refuse(*options); });
  CLI::App* status = add(parser, *parent, "status", "show the bus-master registers", false);
  runs(parser, status, [options](Context&) { return run_ports_status(*options); });
}

void add_memory(Parser& parser) {
  CLI::App* parent = parser.app.add_subcommand("memory", "reach card memory with the processor alone (root only)");
  parent->require_subcommand(1);
  for (const bool write : {false, true}) {
    CLI::App* command =
        add(parser, *parent, write ? "write" : "read",
            write ? "write a pattern through the memory BAR" : "read it, and compare with a pattern", false);
    auto options = std::make_shared<MemoryOptions>();
    add_pci(command, options->pci);
    add_offset(command, options->offset);
    command->add_option("--size", options->size, "bytes")->required()->transform(bytes());
    add_seed(command, options->seed);
    command->add_option("--width", options->width, "bytes of one access")
        ->check(CLI::IsMember({1, 2, 4, 8}))
        ->capture_default_str();
    command->add_flag("--combining", options->combining, "the processor may put writes together");
    runs(parser, command,
         [options, write](Context&) { return write ? run_memory_write(*options) : run_memory_read(*options); });
  }
}

}  // namespace

bool understand(int argc, char** argv, Chosen& chosen, int& status) {
  Parser parser{.chosen = chosen};
  parser.app.require_subcommand(1);
  parser.app.footer(
      "Sizes and offsets are in bytes: 4096, 64K, 16M, 0x1000. COMMAND --help says more, prd32ctl(1) all.\n"
      "Exit status: 0 done and good; 1 failed, or the card is not as it should be; 2 wrong usage; 3 no such card, or "
      "no "
      "driver for it; 4 not permitted.");
  for (const auto add : {add_info, add_read, add_write, add_fill, add_verify, add_copies, add_bench, add_watch,
                         add_addresses, add_reset, add_roundtrip, add_call, add_ports, add_memory}) {
    add(parser);
  }
  try {
    parser.app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    status = parser.app.exit(error) == 0 ? kDone : kUsage;
    return false;
  }
}

}  // namespace prd32::ctl
