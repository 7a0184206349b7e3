// SPDX-License-Identifier: GPL-2.0-only
/* The smallest way to make the card move bytes: a table, START, and looking until it is idle. */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/slab.h>

#include "lessons.h"
#include "prd32_regs.h"

#define TABLE_BYTES	(PRD32_LIMIT_PRDT_MAX_ENTRIES * PRD32_PRD_SIZE)

/*
 * Over-allocate, align the address that the card sees, and keep the original for the free: right
 * whatever the allocator aligns to.
 */
int lesson_table_alloc(struct lesson_card *card)
{
	card->table_all = dma_alloc_coherent(card->dev, TABLE_BYTES + PRD32_LIMIT_PRDT_ALIGN,
					     &card->table_all_bus, GFP_KERNEL);
	if (!card->table_all)
		return -ENOMEM;
	card->table_bus = ALIGN(card->table_all_bus, PRD32_LIMIT_PRDT_ALIGN);
	card->table = card->table_all + (card->table_bus - card->table_all_bus);
	return 0;
}

void lesson_table_free(struct lesson_card *card)
{
	dma_free_coherent(card->dev, TABLE_BYTES + PRD32_LIMIT_PRDT_ALIGN, card->table_all,
			  card->table_all_bus);
}

void lesson_begin(struct lesson_card *card)
{
	card->entries = 0;
}

void lesson_add(struct lesson_card *card, dma_addr_t bus, size_t bytes)
{
	while (bytes && card->entries < PRD32_LIMIT_PRDT_MAX_ENTRIES) {
		size_t room = PRD32_LIMIT_PRD_BOUNDARY - (bus & (PRD32_LIMIT_PRD_BOUNDARY - 1));
		size_t part = min(room, bytes);

		card->table[2 * card->entries] = cpu_to_le32(lower_32_bits(bus));
		card->table[2 * card->entries + 1] = cpu_to_le32(part & 0xffff); /* 0: 64 KiB */
		card->entries++;
		bus += part;
		bytes -= part;
	}
}

int lesson_run(struct lesson_card *card, bool to_host)
{
	unsigned int waited;
	u8 status = 0;

	if (!card->entries)
		return -EINVAL;
	card->table[2 * card->entries - 1] |= cpu_to_le32((u32)PRD32_PRD_EOT << 16);
	iowrite32(0, card->regs + PRD32_CARD_ADDR(0));
	iowrite32(0, card->regs + PRD32_LENGTH(0));
	iowrite32(lower_32_bits(card->table_bus), card->regs + PRD32_BM_PRDT(0));
	iowrite8(PRD32_BM_STATUS_ERROR | PRD32_BM_STATUS_INTERRUPT,
		 card->regs + PRD32_BM_STATUS(0));
	iowrite8((to_host ? PRD32_BM_COMMAND_TO_HOST : 0) | PRD32_BM_COMMAND_START,
		 card->regs + PRD32_BM_COMMAND(0));
	for (waited = 0; waited < LESSON_TIMEOUT_MS; waited++) {
		status = ioread8(card->regs + PRD32_BM_STATUS(0));
		if (!(status & PRD32_BM_STATUS_ACTIVE))
			break;
		usleep_range(500, 1000);
	}
	iowrite8(0, card->regs + PRD32_BM_COMMAND(0));
	if (waited == LESSON_TIMEOUT_MS)
		return -ETIMEDOUT;
	return status & PRD32_BM_STATUS_ERROR ? -EIO : 0;
}

int lesson_move(struct lesson_card *card, dma_addr_t bus, size_t bytes, bool to_host)
{
	lesson_begin(card);
	lesson_add(card, bus, bytes);
	return lesson_run(card, to_host);
}

/* From or to the first bytes of the card's memory, through coherent memory. */
static int through_coherent(struct lesson_card *card, u8 *value, size_t bytes, bool to_host)
{
	dma_addr_t bus;
	u8 *memory = dma_alloc_coherent(card->dev, bytes, &bus, GFP_KERNEL);
	int ret;

	if (!memory)
		return -ENOMEM;
	memset(memory, *value, bytes);
	ret = lesson_move(card, bus, bytes, to_host);
	*value = memory[0];
	dma_free_coherent(card->dev, bytes, memory, bus);
	return ret;
}

int lesson_fill_card(struct lesson_card *card, u8 value, size_t bytes)
{
	return through_coherent(card, &value, bytes, false);
}

int lesson_first_byte(struct lesson_card *card, u8 *value)
{
	*value = 0;
	return through_coherent(card, value, 1, true);
}
