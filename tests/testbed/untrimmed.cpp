// SPDX-License-Identifier: Apache-2.0
// Stands before glibc's in QEMU (LD_PRELOAD; see heap.py). QEMU gives free pages of its heap back whenever it has
// nothing else to do, some seven hundred times while a guest is restored, and takes them again a moment later, page by
// page.
#include <cstddef>

extern "C" int malloc_trim(std::size_t /*pad*/) {
  return 0;  // nothing was given back
}
