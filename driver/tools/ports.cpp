// SPDX-License-Identifier: Apache-2.0
// The bus-master block as a driver of the 1990s would use it: from I/O ports, byte by byte.
#include <prd32/registers.hpp>

#include "commands.hpp"
#include "context.hpp"
#include "pci_card.hpp"
#include "system.hpp"

namespace prd32::ctl {
namespace {

using regs::BmCommand;
using regs::BmPrdt;
using regs::BmStatus;

constexpr double kDeadline = 5.0;  // seconds; the card answers at once, so anything longer is a card that hangs

// Polls until the channel is idle. The address of the table is bad, so no time for a transfer has to be allowed.
std::uint8_t wait_idle(const BusMasterPorts& ports, unsigned channel) {
  const Stopwatch watch;
  for (;;) {
    const std::uint8_t status = ports.read(BmStatus::at(channel));
    if ((status & BmStatus::kActive) == 0) {
      return status;
    }
    if (watch.seconds() > kDeadline) {
      ports.write(BmCommand::at(channel), 0);
      throw Mismatch(text("the channel is still active after ", kDeadline, " s (status ", hex(status), "); stopped"));
    }
  }
}

void write_prdt(const BusMasterPorts& ports, unsigned channel, std::uint32_t address) {
  for (unsigned byte = 0; byte < sizeof(address); ++byte) {
    ports.write(BmPrdt::at(channel) + byte, static_cast<std::uint8_t>(address >> (8 * byte)));
  }
}

std::uint32_t read_prdt(const BusMasterPorts& ports, unsigned channel) {
  std::uint32_t address = 0;
  for (unsigned byte = 0; byte < sizeof(address); ++byte) {
    address |= std::uint32_t{ports.read(BmPrdt::at(channel) + byte)} << (8 * byte);
  }
  return address;
}

Json channel_state(const BusMasterPorts& ports, unsigned channel) {
  const std::uint8_t status = ports.read(BmStatus::at(channel));
  return {{"channel", channel},
          {"command", hex(ports.read(BmCommand::at(channel)))},
          {"status", hex(status)},
          {"active", (status & BmStatus::kActive) != 0},
          {"error", (status & BmStatus::kError) != 0},
          {"interrupt", (status & BmStatus::kInterrupt) != 0},
          {"prdt", hex(read_prdt(ports, channel))}};
}

void require_idle(const BusMasterPorts& ports) {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    if ((ports.read(BmStatus::at(channel)) & BmStatus::kActive) != 0) {
      throw std::runtime_error(text("channel ", channel, " has a transfer running; try again when it has ended"));
    }
  }
}

}  // namespace

Json run_ports_status(const PortsOptions& options) {
  const PciCard card = PciCard::find(options.pci);
  const BusMasterPorts ports(card);
  Json channels = Json::array();
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    channels.push_back(channel_state(ports, channel));
  }
  return {{"pci", card.address()}, {"io_base", hex(card.io_base())}, {"channels", channels}};
}

// Programs a bad PRDT address by hand, byte by byte, and returns what the card says.
Json run_ports_refuse(const PortsOptions& options) {
  if (options.address % limits::kPrdtAlign == 0) {
    throw std::invalid_argument(
        text(hex(options.address), " is a good address for a PRDT, and what is there is not one"));
  }
  const PciCard card = PciCard::find(options.pci);
  const BusMasterPorts ports(card);
  require_idle(ports);
  WithoutDriver unbound(card);
  const MappedRegisters mmio(card);

  const unsigned channel = options.channel;
  write_prdt(ports, channel, options.address);
  const std::uint32_t programmed = read_prdt(ports, channel);
  ports.write(BmCommand::at(channel), BmCommand::kStart);
  const std::uint8_t after = wait_idle(ports, channel);

  const auto code = static_cast<regs::Err>(regs::field_get(regs::Error::kCode, mmio.read(regs::Error::at(channel))));
  Json result = {{"pci", card.address()},
                 {"io_base", hex(card.io_base())},
                 {"channel", channel},
                 {"prdt", hex(programmed)},
                 {"status", hex(after)},
                 {"error", regs::rule_of(code)},
                 {"code", static_cast<unsigned>(code)},
                 {"address", hex(mmio.read(regs::ErrorAddr::at(channel)))},
                 {"moved", mmio.read(regs::Moved::at(channel))}};

  // Leave nothing behind that the driver, or the next who looks, could take for its own.
  ports.write(BmCommand::at(channel), 0);
  ports.write(BmStatus::at(channel), BmStatus::kError | BmStatus::kInterrupt);
  write_prdt(ports, channel, 0);
  result["status_after"] = hex(ports.read(BmStatus::at(channel)));
  unbound.restore();

  if (programmed != options.address) {
    throw Mismatch("the PRDT register does not keep what is written: " + result.dump());
  }
  if (code != regs::Err::kPrdtAlign || (after & BmStatus::kError) == 0) {
    throw Mismatch("the card did not refuse the misaligned PRDT: " + result.dump());
  }
  return result;
}

}  // namespace prd32::ctl
