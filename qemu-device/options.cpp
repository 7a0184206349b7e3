// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <exception>
#include <map>
#include <set>
#include <string>

namespace prd32 {
namespace {

/// An option whose text the model reads. What the model throws is a mistake of the user.
template <typename Value, typename Parse>
CLI::Option* add_parsed(CLI::App& app, const std::string& name, Value& value, Parse parse, const std::string& text) {
  return app.add_option_function<std::string>(
      name,
      [name, &value, parse](const std::string& word) {
        try {
          value = parse(word);
        } catch (const std::exception& error) {
          throw CLI::ValidationError(name, error.what());
        }
      },
      text);
}

void declare_model(CLI::App& app, Options& options) {
  app.add_option("--memory-size", options.memory_size, "card memory, e.g. 64M")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("SIZE")
      ->capture_default_str();
  std::string profiles;
  for (const Profile& profile : regs::kProfiles) {
    profiles += std::string(profile.name) + ", ";
  }
  add_parsed(app, "--profile", options.profile, load_profile,
             "what the card's rules are switched to: " + profiles + "or a TOML file (docs/datasheet.md, section 4)")
      ->type_name("NAME|FILE")
      ->default_str(std::string(regs::kProfiles.front().name));
  add_parsed(app, "--link", options.link, parse_link,
             "simulated time is that of a PCI Express link, for example gen=3,lanes=4,mps=256,mrrs=512,rcb=64,"
             "latency-ns=500,reads=32, which is also what is not said; nominal without this option")
      ->type_name("KEY=N,...");
  app.add_option("--wave", options.wave, "write registers, channels and interrupt lines to this file, a VCD")
      ->type_name("FILE.vcd")
      ->check([](const std::string& file) {
        return file.ends_with(".vcd") ? "" : "\"" + file + "\" does not end in .vcd";
      });
}

void declare(CLI::App& app, Options& options) {
  app.description("The prd32 card, served as a PCI function to a vfio-user client such as QEMU.");
  app.set_version_flag("--version", PRD32_VERSION_TEXT);
  app.footer(
      "QEMU 10.1 and later: -device "
      "'{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"PATH\"}}',\n"
      "with guest memory that is shared: -object memory-backend-memfd,id=ram,size=1G,share=on -machine "
      "memory-backend=ram\nSignals: SIGTERM and SIGINT end the program, SIGUSR1 writes --stats.");
  auto* place = app.add_option_group("socket", "where clients connect; one of these is needed");
  place->add_option("--socket", options.socket, "path of the UNIX socket to make")->type_name("PATH");
  place->add_option("--socket-fd", options.socket_fd, "a UNIX socket that listens already")->type_name("N");
  place->require_option(1);
  app.add_option("--ready-fd", options.ready_fd, "write a newline here and close it when clients can connect")
      ->type_name("N");
  declare_model(app, options);
  app.add_option("--violations", options.violations, "append each broken rule to this file, as one JSON line")
      ->type_name("FILE");
  app.add_option("--stats", options.stats, "write counters to this file as JSON, at the end and on SIGUSR1")
      ->type_name("FILE");
  app.add_option("--control", options.control, "make a UNIX socket here on which faults are asked for (docs/faults.md)")
      ->type_name("PATH");
  app.add_option("--injected", options.injected, "append each fault that was injected to this file, as one JSON line")
      ->type_name("FILE");
  app.add_option("--log-level", options.log_level, "what goes to standard error")
      ->check(CLI::IsMember(std::set<std::string>{"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.add_option("--spin-us", options.spin_us, "microseconds to look for the next message before sleeping; 0: none")
      ->check(CLI::Range(0U, 1000000U))
      ->capture_default_str();
  app.add_flag("!--no-msix", options.msix, "a function without MSI-X: MSI and INTx only");
  app.add_flag("!--no-memory-mapping", options.map_memory,
               "card memory is reached by messages alone: the client gets no descriptor of it");
  const std::map<std::string, DmaMode> modes = {
      {"auto", DmaMode::kAuto}, {"mmap", DmaMode::kMmap}, {"message", DmaMode::kMessage}, {"ask", DmaMode::kAsk}};
  app.add_option("--dma", options.dma,
                 "the way to guest memory: mmap takes file descriptors only, message asks QEMU for every access, auto "
                 "asks where there is no descriptor; ask lets QEMU decide about addresses that are not mapped, too, so "
                 "that the guest's IOMMU hears of them")
      ->transform(CLI::CheckedTransformer(modes))
      ->default_str("auto");
  app.add_option("--dma-timeout-ms", options.dma_timeout_ms,
                 "milliseconds that QEMU may take for such an access before it fails; 0: no limit")
      ->check(CLI::Range(0U, 3600000U))
      ->capture_default_str();
  app.add_flag("--once", options.once, "end when the first client disconnects");
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  ParsedOptions parsed;
  CLI::App app;
  declare(app, parsed.options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    parsed.done = app.exit(end);
  }
  return parsed;
}

}  // namespace prd32
