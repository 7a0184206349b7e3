/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Building descriptor tables. Plain arithmetic on memory: no register, no DMA API, so that user
 * space can test it too.
 */
#ifndef PRD32_PRD_H
#define PRD32_PRD_H

#include <linux/types.h>

struct prd32_prd;

/**
 * struct prd32_table - a descriptor table that is being filled
 * @prds: room for @max descriptors
 * @max: how many fit, at most PRD32_LIMIT_PRDT_MAX_ENTRIES
 * @used: how many are in
 * @bytes: what they describe, in bytes
 */
struct prd32_table {
	struct prd32_prd *prds;
	u32 max;
	u32 used;
	u64 bytes;
};

void prd32_table_init(struct prd32_table *table, struct prd32_prd *prds, u32 max);
s64 prd32_table_add(struct prd32_table *table, u64 addr, u64 len);
void prd32_table_mark(struct prd32_table *table);
void prd32_table_end(struct prd32_table *table);

#endif /* PRD32_PRD_H */
