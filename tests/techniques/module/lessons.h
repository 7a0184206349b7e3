/* SPDX-License-Identifier: GPL-2.0-only */
/* What the lessons share: the card, one transfer, and how results are told. */
#ifndef LESSONS_H
#define LESSONS_H

#include <linux/dma-mapping.h>
#include <linux/pci.h>
#include <linux/seq_file.h>

#define LESSON_TIMEOUT_MS	2000

/* A card without its driver. The table is 64 KiB of coherent memory, aligned to that on the bus. */
struct lesson_card {
	struct pci_dev *pdev;
	struct device *dev;
	void __iomem *regs;
	__le32 *table;
	dma_addr_t table_bus;
	void *table_all;
	dma_addr_t table_all_bus;
	unsigned int entries;
};

/* One lesson: does something with the DMA API and tells what came of it as lines of key=value. */
struct lesson {
	const char *name;
	int (*show)(struct lesson_card *card, struct seq_file *told);
};

extern const struct lesson streaming_lessons[];
extern const struct lesson allocator_lessons[];

int lesson_table_alloc(struct lesson_card *card);
void lesson_table_free(struct lesson_card *card);

/* Makes the table empty, adds a region to it, cut where it crosses 64 KiB. */
void lesson_begin(struct lesson_card *card);
void lesson_add(struct lesson_card *card, dma_addr_t bus, size_t bytes);

/*
 * Runs the table; the data is at the start of the card's memory. Returns 0, -EIO when the card
 * reports an error, -ETIMEDOUT when it does not end; it is idle afterwards.
 */
int lesson_run(struct lesson_card *card, bool to_host);

/* The same for one region. */
int lesson_move(struct lesson_card *card, dma_addr_t bus, size_t bytes, bool to_host);

/* Fills the first bytes of the card's memory with a value. Uses memory of its own. */
int lesson_fill_card(struct lesson_card *card, u8 value, size_t bytes);

/* The first byte of the card's memory. */
int lesson_first_byte(struct lesson_card *card, u8 *value);

#endif
