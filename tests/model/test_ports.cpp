// SPDX-License-Identifier: Apache-2.0
// The card's target sockets beyond plain register accesses: the window onto card memory, and debuggers' looks.
#include <algorithm>
#include <array>

#include "bench.hpp"

namespace prd32::test {
namespace {

class PortsTest : public CardTest {
 protected:
  using Bytes = std::span<std::uint8_t>;
  struct Payload : tlm::tlm_generic_payload {
    Payload(tlm::tlm_command command, std::uint64_t address, Bytes data) {
      set_command(command);
      set_address(address);
      set_data_ptr(data.data());
      set_data_length(static_cast<unsigned>(data.size()));
      set_streaming_width(static_cast<unsigned>(data.size()));
    }
  };
  tlm::tlm_response_status window(Payload&& made) {
    sc_core::sc_time delay;
    b.window->b_transport(made, delay);
    direct_allowed = made.is_dmi_allowed();
    return made.get_response_status();
  }
  bool direct_allowed = false;
  std::uint64_t size = b.card.memory().size();
};

TEST_F(PortsTest, TheWindowReadsAndWritesCardMemory) {
  std::vector<std::uint8_t> in = pattern(1001, 1);
  std::vector<std::uint8_t> out(in.size());
  EXPECT_EQ(window(Payload(tlm::TLM_WRITE_COMMAND, 77, in)), tlm::TLM_OK_RESPONSE);
  EXPECT_TRUE(direct_allowed);
  EXPECT_TRUE(std::ranges::equal(b.card.memory().subspan(77, in.size()), in));
  EXPECT_EQ(window(Payload(tlm::TLM_READ_COMMAND, 77, out)), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(in, out);
}

TEST_F(PortsTest, TheWindowEndsWhereTheMemoryEnds) {
  std::array<std::uint8_t, 4> data{};
  EXPECT_EQ(window(Payload(tlm::TLM_READ_COMMAND, size - 4, data)), tlm::TLM_OK_RESPONSE);
  EXPECT_EQ(window(Payload(tlm::TLM_READ_COMMAND, size - 3, data)), tlm::TLM_ADDRESS_ERROR_RESPONSE);
  EXPECT_EQ(window(Payload(tlm::TLM_WRITE_COMMAND, ~std::uint64_t{0}, data)), tlm::TLM_ADDRESS_ERROR_RESPONSE);
  EXPECT_EQ(window(Payload(tlm::TLM_IGNORE_COMMAND, 0, data)), tlm::TLM_COMMAND_ERROR_RESPONSE);
  Payload enabled(tlm::TLM_READ_COMMAND, 0, data);
  enabled.set_byte_enable_ptr(data.data());
  EXPECT_EQ(window(std::move(enabled)), tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
  Payload streaming(tlm::TLM_READ_COMMAND, 0, data);
  streaming.set_streaming_width(2);
  EXPECT_EQ(window(std::move(streaming)), tlm::TLM_BURST_ERROR_RESPONSE);
}

TEST_F(PortsTest, TheWindowGivesItsPointerAway) {
  std::array<std::uint8_t, 1> data{};
  Payload asking(tlm::TLM_READ_COMMAND, 5, data);
  tlm::tlm_dmi granted;
  ASSERT_TRUE(b.window->get_direct_mem_ptr(asking, granted));
  EXPECT_EQ(granted.get_dmi_ptr(), b.card.memory().data());
  EXPECT_EQ(granted.get_start_address(), 0U);
  EXPECT_EQ(granted.get_end_address(), size - 1);
  EXPECT_TRUE(granted.is_read_write_allowed());
}

TEST_F(PortsTest, DebuggersSeeMemoryAsFarAsItGoes) {
  b.card.memory()[size - 1] = 0x5a;
  std::array<std::uint8_t, 4> data{};
  Payload look(tlm::TLM_READ_COMMAND, size - 1, data);
  EXPECT_EQ(b.window->transport_dbg(look), 1U);
  EXPECT_EQ(data[0], 0x5a);
  data[0] = 0x11;
  Payload poke(tlm::TLM_WRITE_COMMAND, size - 1, data);
  EXPECT_EQ(b.window->transport_dbg(poke), 1U);
  EXPECT_EQ(b.card.memory()[size - 1], 0x11);
  Payload beyond(tlm::TLM_READ_COMMAND, size + 1, data);
  EXPECT_EQ(b.window->transport_dbg(beyond), 0U);
}

TEST_F(PortsTest, DebuggersReadRegistersAndStartNothing) {
  std::array<std::uint8_t, 4> data{};
  Payload look(tlm::TLM_READ_COMMAND, regs::Id::kOffset, data);
  EXPECT_EQ(b.cpu->transport_dbg(look), 4U);
  EXPECT_EQ(data, (std::array<std::uint8_t, 4>{'P', 'R', 'D', '2'}));
  Payload at_the_end(tlm::TLM_READ_COMMAND, regs::kAddressSpace - 1, data);
  EXPECT_EQ(b.cpu->transport_dbg(at_the_end), 1U);
  data.fill(0xff);
  Payload poke(tlm::TLM_WRITE_COMMAND, regs::BmCommand::at(0), data);
  EXPECT_EQ(b.cpu->transport_dbg(poke), 0U);
  EXPECT_FALSE(b.active(0));
}

TEST_F(PortsTest, TheMemoryIsAFileThatOthersCanMap) {
  EXPECT_GE(b.card.memory_fd(), 0);
}

}  // namespace
}  // namespace prd32::test
