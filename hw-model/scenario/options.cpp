// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <CLI/CLI.hpp>

#include "prd32/waveform.hpp"

namespace prd32::scenario {
namespace {

void declare(CLI::App& app, Options& options) {
  app.description(
      "Plays scenario files on the model of the prd32 card, without a guest: registers are written, time passes,\n"
      "and what the card did is compared with what was expected.");
  app.set_version_flag("--version", PRD32_VERSION_TEXT);
  app.footer(
      "Exit status: 0 all expectations hold, 1 one does not, 2 a mistake in a file or on the command line.\n"
      "hw-model/scenario/README.md describes the file, hw-model/scenario/examples has some.");
  app.add_option("SCENARIO", options.scenarios, "a TOML file; each one gets a card of its own");
  app.add_option("--json", options.json, "write the report to this file, as JSON")->type_name("FILE");
  app.add_option("--wave", options.wave, "write states, registers and interrupt lines of one run to this file, a VCD")
      ->type_name("FILE.vcd")
      ->check(Waveform::refusal);
  app.add_option("--violations", options.violations, "write each broken rule to this file, anew, as one JSON line")
      ->type_name("FILE");
  app.add_flag("--list-registers", options.list_registers, "show the names of registers, fields and codes, and end");
  app.add_flag("--verbose", options.verbose, "also show times, the card's bus accesses, and breaches as they happen");
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  ParsedOptions parsed;
  CLI::App app;
  declare(app, parsed.options);
  try {
    app.parse(argc, argv);
    if (parsed.options.scenarios.empty() && !parsed.options.list_registers) {
      throw CLI::RequiredError("SCENARIO");
    }
  } catch (const CLI::ParseError& end) {
    parsed.done = app.exit(end) == kOk ? kOk : kMistaken;
  }
  return parsed;
}

}  // namespace prd32::scenario
