// SPDX-License-Identifier: Apache-2.0
#include "function_description.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "support.hpp"

namespace prd32 {
namespace {

TEST(FunctionDescription, AcceptsWhatIsPossible) {
  EXPECT_NO_THROW(validate(test::other_function()));
  FunctionDescription plain = test::other_function();
  plain.msix.reset();
  plain.bars.clear();
  EXPECT_NO_THROW(validate(plain));
  FunctionDescription mapped = test::other_function();
  mapped.bars[2].size = std::uint64_t{1} << 40;
  mapped.bars[2].file = BarFile{.fd = 3, .offset = 0x1000};
  EXPECT_NO_THROW(validate(mapped));
  mapped.bars[2].filled = 0;
  EXPECT_NO_THROW(validate(mapped));
}

TEST(FunctionDescription, RefusesWhatIsNot) {
  using Change = std::function<void(FunctionDescription&)>;
  const std::vector<Change> changes = {
      [](auto& f) { f.bars[0].index = 6; },
      [](auto& f) { f.bars[0].index = f.bars[1].index; },
      [](auto& f) { f.bars[0].index = f.msix->bar; },
      [](auto& f) { f.bars[0].size = 0; },
      [](auto& f) { f.bars[0].size = 0x180; },
      [](auto& f) { f.bars[0].size = 8; },
      [](auto& f) { f.bars[0].size = std::uint64_t{1} << 32; },
      [](auto& f) { f.bars[1].size = 2; },
      [](auto& f) { f.bars[1].size = 512; },
      [](auto& f) { f.bars[2].index = 5; },
      [](auto& f) { f.bars[2].index = 4; },
      [](auto& f) { f.bars[2].index = 1; },
      [](auto& f) { f.bars[0].index = 1; },
      [](auto& f) { f.msix->bar = 1; },
      [](auto& f) { f.bars[2].size = 0x5000; },
      [](auto& f) { f.bars[2].filled = 0x4001; },
      [](auto& f) { f.bars[2].file = BarFile{}; },
      [](auto& f) { f.bars[2].file = BarFile{.fd = 3, .offset = 0x800}; },
      [](auto& f) { f.bars[0].file = BarFile{.fd = 3}; },
      [](auto& f) {
        f.bars[2].file = BarFile{.fd = 3};
        f.bars[2].filled = 0x2800;
      },
      [](auto& f) { f.vectors = 0; },
      [](auto& f) { f.vectors = 33; },
      [](auto& f) { f.class_code = 0x1000000; },
      [](auto& f) { f.msix->table_offset = 4; },
      [](auto& f) { f.msix->pba_offset = 0x100; },
      [](auto& f) { f.msix->pba_offset = 0x58; },
      [](auto& f) { f.msix->table_offset = 0xf8; },
      [](auto& f) { f.msix->size = 0x40; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    FunctionDescription function = test::other_function();
    changes[i](function);
    EXPECT_THROW(validate(function), std::invalid_argument) << "change " << i;
  }
}

}  // namespace
}  // namespace prd32
