// SPDX-License-Identifier: Apache-2.0
// Every access rule of the register map, in every width and byte lane. What to expect is computed from the map.
#include <array>
#include <map>

#include "bench.hpp"

namespace prd32::test {
namespace {

constexpr std::array kWidths{1U, 2U, 4U};

/// The bits of reg that an access of `bytes` bytes at offset reaches.
std::uint32_t lanes(const regs::Register& reg, std::uint32_t offset, unsigned bytes) {
  std::uint32_t mask = 0;
  for (unsigned byte = 0; byte < reg.bytes; ++byte) {
    const std::uint32_t place = reg.offset + byte;
    mask |= place >= offset && place < offset + bytes ? 0xffU << 8U * byte : 0;
  }
  return mask;
}

/// What an access carries to or from reg, as the register's own bits.
std::uint32_t carried(const regs::Register& reg, std::uint32_t offset, unsigned bytes, std::uint32_t value) {
  if (lanes(reg, offset, bytes) == 0) {
    return 0;
  }
  const auto shifted = offset >= reg.offset ? std::uint64_t{value} << 8U * (offset - reg.offset)
                                            : std::uint64_t{value} >> 8U * (reg.offset - offset);
  return static_cast<std::uint32_t>(shifted) & lanes(reg, offset, bytes);
}

class RegisterTest : public CardTest {
 protected:
  /// Both channels end in error, so that every write-1-to-clear bit is set.
  void raise_every_cause() {
    for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
      EXPECT_EQ(b.transfer({.channel = channel, .table = 1}), regs::Err::kPrdtAlign);
      b.write(regs::BmPrdt::at(channel), 0);
    }
  }
  /// Both queues have failed, so that QUEUE_TAIL is a register like others. What doorbells do is test_queue.cpp's.
  void halt_queues() {
    for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
      b.write(regs::QueueBase::at(channel), 1);
      b.write(regs::QueueTail::at(channel), 1);
      b.run_until_idle(channel);
      b.write(regs::BmStatus::at(channel), ~0U, 1);
    }
    b.log.violations.clear();
  }
  std::map<std::uint32_t, std::uint32_t> snapshot() {
    std::map<std::uint32_t, std::uint32_t> values;
    for (const regs::Register& reg : regs::kTable) {
      values[reg.offset] = b.read_register(reg);
    }
    return values;
  }
};

TEST_F(RegisterTest, ResetValues) {
  for (const regs::Register& reg : regs::kTable) {
    EXPECT_EQ(b.read_register(reg), reg.reset) << reg.name << " " << reg.instance;
  }
}

TEST_F(RegisterTest, ResetRestoresEveryRegister) {
  raise_every_cause();
  for (const regs::Register& reg : regs::kTable) {
    b.write(reg.offset, reg.rw & ~(reg.name == regs::BmCommand::kName ? regs::BmCommand::kStart : 0), reg.bytes);
  }
  EXPECT_NE(b.read(regs::IrqCause::kOffset), 0U);
  b.card.reset();
  for (const regs::Register& reg : regs::kTable) {
    EXPECT_EQ(b.read_register(reg), reg.reset) << reg.name << " " << reg.instance;
  }
}

TEST_F(RegisterTest, ReadsInEveryWidthAgree) {
  for (const regs::Register& reg : regs::kTable) {
    b.write(reg.offset, 0xa5c3960fU & ~regs::BmCommand::kStart, reg.bytes);
  }
  std::array<std::uint8_t, regs::kAddressSpace> image{};
  for (const regs::Register& reg : regs::kTable) {
    const std::uint32_t value = b.read_register(reg);
    for (unsigned byte = 0; byte < reg.bytes; ++byte) {
      image[reg.offset + byte] = static_cast<std::uint8_t>(value >> 8U * byte);
    }
  }
  for (const unsigned bytes : kWidths) {
    for (std::uint32_t offset = 0; offset < regs::kAddressSpace; offset += bytes) {
      std::uint32_t expected = 0;
      for (unsigned byte = 0; byte < bytes; ++byte) {
        expected |= std::uint32_t{image[offset + byte]} << 8U * byte;
      }
      EXPECT_EQ(b.read(offset, bytes), expected) << bytes << " bytes at " << offset;
    }
  }
}

TEST_F(RegisterTest, WritesChangeExactlyTheReadWriteBitsOfTheirLanes) {
  halt_queues();
  auto expected = snapshot();
  for (const unsigned bytes : kWidths) {
    for (std::uint32_t offset = 0; offset < regs::kAddressSpace; offset += bytes) {
      for (std::uint32_t value : {0xffffffffU, 0U, 0x5aa55aa5U, 0xc33cc33cU}) {
        for (const regs::Register& reg : regs::kTable) {
          // Starting is test_transfer.cpp's, resetting a channel test_reset.cpp's.
          const std::uint32_t acts = reg.name == regs::BmCommand::kName ? regs::BmCommand::kStart : reg.trigger;
          if (lanes(reg, offset, bytes) != 0 && offset <= reg.offset) {
            value &= ~(acts << 8U * (reg.offset - offset));
          }
        }
        b.write(offset, value, bytes);
        for (const regs::Register& reg : regs::kTable) {
          const std::uint32_t writable = reg.rw & lanes(reg, offset, bytes);
          std::uint32_t& want = expected[reg.offset];
          want = (want & ~writable) | (carried(reg, offset, bytes, value) & writable);
        }
      }
      if (offset % 4 + bytes == 4) {
        ASSERT_EQ(snapshot(), expected) << "after a write of " << bytes << " bytes at " << offset;
      }
    }
  }
  EXPECT_TRUE(b.log.violations.empty());
}

TEST_F(RegisterTest, WhatNoRegisterClaimsReadsZeroAndIgnoresWrites) {
  std::array<bool, regs::kAddressSpace> claimed{};
  for (const regs::Register& reg : regs::kTable) {
    for (unsigned byte = 0; byte < reg.bytes; ++byte) {
      claimed[reg.offset + byte] = true;
    }
  }
  for (std::uint32_t offset = 0; offset < regs::kAddressSpace; ++offset) {
    if (!claimed[offset]) {
      b.write(offset, 0xff, 1);
      EXPECT_EQ(b.read(offset, 1), 0U) << offset;
    }
  }
}

TEST_F(RegisterTest, WritingOneClearsExactlyTheBitsWritten) {
  for (const regs::Register& reg : regs::kTable) {
    for (const unsigned bytes : kWidths) {
      for (std::uint32_t offset = reg.offset & ~(bytes - 1); reg.w1c != 0 && offset < reg.offset + reg.bytes;
           offset += bytes) {
        for (unsigned bit = 0; bit < 32; ++bit) {
          if (carried(reg, offset, bytes, 1U << bit) == 0) {
            continue;
          }
          b.reset();
          raise_every_cause();
          const std::uint32_t before = b.read_register(reg);
          ASSERT_EQ(before & reg.w1c, reg.w1c) << reg.name;
          b.write(offset, 0, bytes);
          ASSERT_EQ(b.read_register(reg), before) << reg.name;
          b.write(offset, 1U << bit, bytes);
          ASSERT_EQ(b.read_register(reg), before & ~(reg.w1c & carried(reg, offset, bytes, 1U << bit)))
              << reg.name << " bit " << bit << " in " << bytes << " bytes at " << offset;
        }
      }
    }
  }
}

TEST_F(RegisterTest, CausesAndStatusBitsAreTheSameFlops) {
  const std::map<std::uint32_t, std::uint32_t> flops{{regs::IrqCause::kCh0, regs::BmStatus::kInterrupt},
                                                     {regs::IrqCause::kErr0, regs::BmStatus::kError}};
  for (const auto& [cause0, status] : flops) {
    for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
      const std::uint32_t cause = cause0 << channel;
      b.reset();
      raise_every_cause();
      const std::uint32_t all = b.read(regs::IrqCause::kOffset);
      b.write(regs::BmStatus::at(channel), status, 1);
      EXPECT_EQ(b.read(regs::IrqCause::kOffset), all & ~cause);

      b.reset();
      raise_every_cause();
      const std::uint32_t both = regs::BmStatus::kInterrupt | regs::BmStatus::kError;
      b.write(regs::IrqCause::kOffset, cause);
      EXPECT_EQ(b.read(regs::BmStatus::at(channel), 1), both & ~status);
      EXPECT_EQ(b.read(regs::BmStatus::at(1 - channel), 1), both);
    }
  }
}

TEST_F(RegisterTest, MalformedAccessesAreRefusedWithoutEffect) {
  const auto before = snapshot();
  std::array<std::uint8_t, 64> ones{};
  ones.fill(0xff);
  for (const std::size_t bytes : {0U, 1U, 2U, 3U, 4U, 5U, 8U, 16U, 64U}) {
    for (std::uint64_t offset = 0; offset < 0x100; ++offset) {
      const bool good = (bytes == 1 || bytes == 2 || bytes == 4) && offset % bytes == 0;
      if (!good) {
        for (const auto command : {tlm::TLM_READ_COMMAND, tlm::TLM_WRITE_COMMAND}) {
          std::array<std::uint8_t, 64> data = ones;
          EXPECT_EQ(b.access(command, offset, std::span(data).first(bytes)), tlm::TLM_BURST_ERROR_RESPONSE);
          EXPECT_EQ(data, ones) << "a refused read brings nothing";
        }
      }
    }
  }
  EXPECT_EQ(snapshot(), before);
}

TEST_F(RegisterTest, AccessesPastTheAddressSpaceAreRefused) {
  std::array<std::uint8_t, 4> data{};
  EXPECT_EQ(b.access(tlm::TLM_READ_COMMAND, regs::kAddressSpace - 4, data), tlm::TLM_OK_RESPONSE);
  for (const std::uint64_t offset : {std::uint64_t{regs::kAddressSpace}, std::uint64_t{1} << 32U, ~std::uint64_t{3}}) {
    EXPECT_EQ(b.access(tlm::TLM_READ_COMMAND, offset, data), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(b.access(tlm::TLM_WRITE_COMMAND, offset, data), tlm::TLM_ADDRESS_ERROR_RESPONSE);
  }
}

TEST_F(RegisterTest, OtherKindsOfTransactionAreRefused) {
  std::array<std::uint8_t, 4> data{};
  EXPECT_EQ(b.access(tlm::TLM_IGNORE_COMMAND, regs::Scratch::kOffset, data), tlm::TLM_COMMAND_ERROR_RESPONSE);
  std::uint8_t enable = 0xff;
  tlm::tlm_generic_payload payload;
  payload.set_write();
  payload.set_address(regs::Scratch::kOffset);
  payload.set_data_ptr(data.data());
  payload.set_data_length(4);
  payload.set_streaming_width(4);
  payload.set_byte_enable_ptr(&enable);
  payload.set_byte_enable_length(1);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  b.cpu->b_transport(payload, delay);
  EXPECT_EQ(payload.get_response_status(), tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
  payload.set_byte_enable_ptr(nullptr);
  payload.set_streaming_width(2);
  b.cpu->b_transport(payload, delay);
  EXPECT_EQ(payload.get_response_status(), tlm::TLM_BURST_ERROR_RESPONSE);
}

}  // namespace
}  // namespace prd32::test
