/* SPDX-License-Identifier: Apache-2.0 */
/* Coherent memory, provided by the test. */
#pragma once

#include <linux/types.h>

#define GFP_KERNEL 0

struct device;

#ifdef __cplusplus
extern "C" {
#endif
void* dma_alloc_coherent(struct device* dev, size_t size, dma_addr_t* handle, int gfp);
void dma_free_coherent(struct device* dev, size_t size, void* cpu_addr, dma_addr_t handle);
#ifdef __cplusplus
}
#endif
