/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that a descriptor table lives in.
 */
#ifndef PRD32_PRDT_H
#define PRD32_PRDT_H

#include <linux/types.h>

struct device;
struct prd32_prd;

/**
 * struct prd32_prdt - a table of descriptors that the card can read
 * @entries: the table; coherent memory, so neither side needs a sync
 * @dma: its bus address, a multiple of PRD32_LIMIT_PRDT_ALIGN
 * @raw: what dma_alloc_coherent() returned, which is what must be freed
 * @raw_dma: the bus address of @raw
 * @raw_size: size of @raw in bytes
 */
struct prd32_prdt {
	struct prd32_prd *entries;
	dma_addr_t dma;
	void *raw;
	dma_addr_t raw_dma;
	size_t raw_size;
};

int prd32_prdt_alloc(struct device *dev, struct prd32_prdt *prdt);
void prd32_prdt_free(struct device *dev, struct prd32_prdt *prdt);

#endif /* PRD32_PRDT_H */
