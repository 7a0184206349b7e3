// SPDX-License-Identifier: Apache-2.0
// Host memory for random cases: grounds where data may lie, each with an edge in it, and tables.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "case.hpp"
#include "draw.hpp"

namespace prd32::oracle {

/// Addresses for data. At the edge lies a boundary of 64 KiB or 4 GiB, or the end of what is mapped.
struct Ground {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  std::uint64_t edge = 0;
};

/// A table, and what whoever built it believes that it describes.
struct Plan {
  Table table;
  std::uint32_t descriptors = 0;
  std::uint64_t bytes = 0;
};

class Landscape {
 public:
  /// patient: tables are large, and some never end.
  Landscape(Draw& draw, const regs::Profile& profile, bool patient);

  /// A table for data in the grounds: mostly right, with a fault here and there. Laid where other tables are not.
  /// side: 0 or 1; the two have grounds of their own where there are enough.
  Plan add_table(bool cyclic, unsigned side);
  /// A table of one descriptor, for so many granules, and mostly right.
  Plan add_short_table(std::uint32_t granules, unsigned side);
  /// Where a status block may lie; the sides' lie apart.
  std::uint32_t block_address(unsigned side);
  /// Where a queue of so many commands may lie; the sides' lie apart.
  std::uint32_t queue_address(std::uint32_t commands, unsigned side);
  const std::vector<Table>& tables() const { return tables_; }
  std::vector<Region> regions() const;

 private:
  void add_ground();
  void map(std::uint64_t address, std::uint64_t bytes, bool writable);
  void map_mostly(std::uint64_t address, std::uint64_t bytes);
  std::uint32_t table_address(std::uint32_t descriptors);
  std::uint32_t descriptor_count();
  std::uint64_t byte_count();
  std::uint64_t prd(std::uint64_t bytes, unsigned side);
  std::uint64_t with_fault(std::uint64_t prd);

  Draw& draw_;
  const regs::Profile& profile_;
  bool patient_;
  std::uint64_t granule_;
  std::uint32_t allowed_;
  std::vector<Ground> grounds_;
  std::vector<Table> tables_;
  std::vector<std::pair<std::uint64_t, bool>> pages_;  // number, writable; the first that names a page counts
};

}  // namespace prd32::oracle
