// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions of bus memory become descriptors (PRDs), cut where the card cannot count further.
 */
#include <asm/byteorder.h>
#include <linux/errno.h>
#include <linux/minmax.h>

#include "prd.h"
#include "prd32_regs.h"

/**
 * prd32_table_init() - begin an empty table
 * @table: the table
 * @prds: the memory that the card will read it from
 * @max: how many descriptors fit in @prds
 */
void prd32_table_init(struct prd32_table *table, struct prd32_prd *prds, u32 max)
{
	table->prds = prds;
	table->max = max;
	table->used = 0;
	table->bytes = 0;
}

/**
 * prd32_table_add() - describe a region, as far as the table has room
 * @table: the table
 * @addr: bus address of the region
 * @len: its length in bytes
 *
 * The card's address counter is 16 bits wide, so a descriptor must not cross a 64 KiB boundary,
 * whatever the DMA API was told: without an IOMMU it ignores such wishes, and with one it merges.
 *
 * Return: how many bytes from @addr on are now described, less than @len when the table is full;
 * -ERANGE, with the table unchanged, when the card cannot address the region.
 */
s64 prd32_table_add(struct prd32_table *table, u64 addr, u64 len)
{
	const u64 space = 1ULL << PRD32_LIMIT_ADDRESS_BITS;
	u64 done = 0;

	/* 64-bit arithmetic: a mapping may end exactly at 4 GiB, where 32 bits would wrap to 0. */
	if (addr >= space || len > space - addr)
		return -ERANGE;

	while (done < len && table->used < table->max) {
		struct prd32_prd *prd = &table->prds[table->used];
		u64 at = addr + done;
		u64 room = PRD32_LIMIT_PRD_BOUNDARY - (at & (PRD32_LIMIT_PRD_BOUNDARY - 1));
		u64 count = min(len - done, room);

		prd->base = cpu_to_le32((u32)at);
		/* 64 KiB does not fit in 16 bits and is written as 0. */
		prd->count = cpu_to_le16((u16)(count & 0xffff));
		prd->flags = 0;
		table->used++;
		done += count;
	}
	table->bytes += done;
	return (s64)done;
}

/**
 * prd32_table_end() - mark the last descriptor, without which the card would run on
 * @table: the table; nothing happens when it is empty
 */
void prd32_table_end(struct prd32_table *table)
{
	if (table->used)
		table->prds[table->used - 1].flags |= cpu_to_le16(PRD32_PRD_EOT);
}

/**
 * prd32_table_mark() - have the card tell when it is done with the last descriptor so far
 * @table: a table for cyclic use; nothing happens when it is empty
 */
void prd32_table_mark(struct prd32_table *table)
{
	if (table->used)
		table->prds[table->used - 1].flags |= cpu_to_le16(PRD32_PRD_MARK);
}
