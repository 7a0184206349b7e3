// SPDX-License-Identifier: GPL-2.0-only
/*
 * Card memory is handed out in areas, so that front ends do not write over each other.
 *
 * A bitmap of its own rather than a gen_pool, which a kernel has only if something built into it
 * wants one.
 */
#include <linux/bitmap.h>
#include <linux/sizes.h>

#include "core.h"

#define PRD32_MEMORY_UNIT	SZ_4K

/**
 * prd32_memory_setup() - all of card memory is free
 * @card: the card, identified
 *
 * Managed.
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_memory_setup(struct prd32_card *card)
{
	spin_lock_init(&card->memory_lock);
	card->memory = devm_bitmap_zalloc(card->dma_dev, card->info.mem_size / PRD32_MEMORY_UNIT,
					  GFP_KERNEL);
	return card->memory ? 0 : -ENOMEM;
}

/**
 * prd32_memory_alloc() - get an area of card memory
 * @card: the card
 * @size: bytes; rounded up to 4 KiB
 * @addr: where it begins: offset into card memory, a multiple of 4 KiB
 *
 * From any context.
 *
 * Return: 0 or -ENOSPC.
 */
int prd32_memory_alloc(struct prd32_card *card, u32 size, u32 *addr)
{
	unsigned long units = card->info.mem_size / PRD32_MEMORY_UNIT;
	unsigned long count = DIV_ROUND_UP(size, PRD32_MEMORY_UNIT);
	unsigned long flags, at;

	spin_lock_irqsave(&card->memory_lock, flags);
	at = bitmap_find_next_zero_area(card->memory, units, 0, count, 0);
	if (count && at < units)
		bitmap_set(card->memory, at, count);
	spin_unlock_irqrestore(&card->memory_lock, flags);
	if (!count || at >= units)
		return -ENOSPC;
	*addr = at * PRD32_MEMORY_UNIT;
	return 0;
}

/**
 * prd32_memory_free() - give an area back
 * @card: the card
 * @addr: as prd32_memory_alloc() returned it
 * @size: as it was asked for
 *
 * From any context.
 */
void prd32_memory_free(struct prd32_card *card, u32 addr, u32 size)
{
	unsigned long flags;

	spin_lock_irqsave(&card->memory_lock, flags);
	bitmap_clear(card->memory, addr / PRD32_MEMORY_UNIT, DIV_ROUND_UP(size, PRD32_MEMORY_UNIT));
	spin_unlock_irqrestore(&card->memory_lock, flags);
}
