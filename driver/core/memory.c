// SPDX-License-Identifier: GPL-2.0-only
/*
 * Card memory is handed out in areas, so that front ends do not write over each other.
 */
#include <linux/genalloc.h>
#include <linux/log2.h>
#include <linux/sizes.h>

#include "core.h"

/* gen_pool's failure is address 0, so offsets are raised. */
#define PRD32_MEMORY_BASE	SZ_4K
#define PRD32_MEMORY_UNIT	SZ_4K

static void prd32_memory_destroy(void *pool)
{
	gen_pool_destroy(pool);
}

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
	card->memory = gen_pool_create(ilog2(PRD32_MEMORY_UNIT), NUMA_NO_NODE);
	if (!card->memory)
		return -ENOMEM;
	if (gen_pool_add(card->memory, PRD32_MEMORY_BASE, card->info.mem_size, NUMA_NO_NODE)) {
		gen_pool_destroy(card->memory);
		return -ENOMEM;
	}
	return devm_add_action_or_reset(card->dma_dev, prd32_memory_destroy, card->memory);
}

/**
 * prd32_memory_alloc() - get an area of card memory
 * @card: the card
 * @size: bytes; rounded up to 4 KiB
 * @addr: where it begins: offset into card memory, a multiple of 4 KiB
 *
 * Return: 0 or -ENOSPC.
 */
int prd32_memory_alloc(struct prd32_card *card, u32 size, u32 *addr)
{
	unsigned long at = size ? gen_pool_alloc(card->memory, size) : 0;

	if (!at)
		return -ENOSPC;
	*addr = at - PRD32_MEMORY_BASE;
	return 0;
}

/**
 * prd32_memory_free() - give an area back
 * @card: the card
 * @addr: as prd32_memory_alloc() returned it
 * @size: as it was asked for
 */
void prd32_memory_free(struct prd32_card *card, u32 addr, u32 size)
{
	gen_pool_free(card->memory, PRD32_MEMORY_BASE + addr, size);
}
