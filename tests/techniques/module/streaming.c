// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is lent to the card for a transfer, and what goes wrong when it is lent badly. */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "lessons.h"

#define BYTES	SZ_4K
#define PAGES	5

static bool all_are(const u8 *memory, u8 value, size_t bytes)
{
	return !memchr_inv(memory, value, bytes);
}

/* Fills the memory, lends it to the card one way, clears it, and lends it back. */
static int there_and_back(struct lesson_card *card, struct seq_file *told, const char *key,
			  void *memory, size_t bytes)
{
	dma_addr_t bus;
	int ret;

	memset(memory, 0x5a, bytes);
	bus = dma_map_single(card->dev, memory, bytes, DMA_TO_DEVICE);
	if (dma_mapping_error(card->dev, bus))
		return -ENOMEM;
	ret = lesson_move(card, bus, bytes, false);
	seq_printf(told, "%s_regions=%u\n", key, card->entries);
	dma_unmap_single(card->dev, bus, bytes, DMA_TO_DEVICE);
	memset(memory, 0, bytes);
	bus = dma_map_single(card->dev, memory, bytes, DMA_FROM_DEVICE);
	if (dma_mapping_error(card->dev, bus))
		return -ENOMEM;
	if (!ret)
		ret = lesson_move(card, bus, bytes, true);
	dma_unmap_single(card->dev, bus, bytes, DMA_FROM_DEVICE);
	seq_printf(told, "%s=%d\n", key, ret ?: all_are(memory, 0x5a, bytes));
	return 0;
}

/* A page, a region that is 64 KiB and needs one descriptor with count 0, one that must be cut. */
static int single(struct lesson_card *card, struct seq_file *told)
{
	const unsigned int get = get_order(SZ_128K);
	void *memory = (void *)__get_free_pages(GFP_KERNEL | GFP_DMA32, get);
	int ret;

	if (!memory)
		return -ENOMEM;
	ret = there_and_back(card, told, "page", memory, PAGE_SIZE);
	ret = ret ?: there_and_back(card, told, "whole", memory, SZ_64K);
	ret = ret ?: there_and_back(card, told, "crossing", memory + SZ_32K, SZ_64K);
	free_pages((unsigned long)memory, get);
	return ret;
}

/* An offset into the page, and a length that goes on in the next. */
static int page(struct lesson_card *card, struct seq_file *told)
{
	struct page *pages = alloc_pages(GFP_KERNEL | __GFP_ZERO, 1);
	const unsigned int offset = 0x234;
	dma_addr_t bus;
	u8 *memory;
	int ret;

	if (!pages)
		return -ENOMEM;
	memory = page_address(pages);
	ret = lesson_fill_card(card, 0x77, PAGE_SIZE);
	bus = dma_map_page(card->dev, pages, offset, PAGE_SIZE, DMA_FROM_DEVICE);
	if (dma_mapping_error(card->dev, bus)) {
		__free_pages(pages, 1);
		return -ENOMEM;
	}
	ret = ret ?: lesson_move(card, bus, PAGE_SIZE, true);
	dma_unmap_page(card->dev, bus, PAGE_SIZE, DMA_FROM_DEVICE);
	seq_printf(told, "moved=%d\n", ret ?: all_are(memory + offset, 0x77, PAGE_SIZE));
	seq_printf(told, "around=%d\n", all_are(memory, 0, offset) &&
		   all_are(memory + offset + PAGE_SIZE, 0, PAGE_SIZE - offset));
	__free_pages(pages, 1);
	return 0;
}

/* Pages with others between them; each gets what the card holds at its place. */
static int list(struct lesson_card *card, struct seq_file *told)
{
	struct page *pages[2 * PAGES] = { };
	struct scatterlist *sg;
	struct sg_table table;
	int ret, i, good = 0;

	ret = sg_alloc_table(&table, PAGES, GFP_KERNEL);
	if (ret)
		return ret;
	for (i = 0; i < 2 * PAGES; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i])
			ret = -ENOMEM;
	}
	if (ret)
		goto free;
	for_each_sg(table.sgl, sg, PAGES, i)
		sg_set_page(sg, pages[2 * i], PAGE_SIZE, 0);
	ret = lesson_fill_card(card, 0x77, PAGES * PAGE_SIZE);
	ret = ret ?: dma_map_sgtable(card->dev, &table, DMA_FROM_DEVICE, 0);
	if (ret)
		goto free;
	lesson_begin(card);
	for_each_sgtable_dma_sg(&table, sg, i)
		lesson_add(card, sg_dma_address(sg), sg_dma_len(sg));
	ret = lesson_run(card, true);
	seq_printf(told, "given=%u\nmapped=%u\nregions=%u\n", table.orig_nents, table.nents,
		   card->entries);
	dma_unmap_sgtable(card->dev, &table, DMA_FROM_DEVICE, 0);
	for (i = 0; i < 2 * PAGES; i++)
		good += all_are(page_address(pages[i]), i % 2 ? 0 : 0x77, PAGE_SIZE);
	seq_printf(told, "good=%d\n", ret ?: good);
	ret = 0;
free:
	for (i = 0; i < 2 * PAGES; i++) {
		if (pages[i])
			__free_page(pages[i]);
	}
	sg_free_table(&table);
	return ret;
}

/* A mapping that is kept: what each side sees before and after the memory changes hands. */
static int sync(struct lesson_card *card, struct seq_file *told)
{
	u8 *memory = kzalloc(BYTES, GFP_KERNEL), seen = 0;
	dma_addr_t bus;
	int ret;

	if (!memory)
		return -ENOMEM;
	memset(memory, 0x11, BYTES);
	ret = lesson_fill_card(card, 0x77, BYTES);
	bus = dma_map_single(card->dev, memory, BYTES, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(card->dev, bus)) {
		kfree(memory);
		return -ENOMEM;
	}
	ret = ret ?: lesson_move(card, bus, BYTES, true);
	seq_printf(told, "unsynced_for_cpu=%#x\n", READ_ONCE(memory[0]));
	dma_sync_single_for_cpu(card->dev, bus, BYTES, DMA_BIDIRECTIONAL);
	seq_printf(told, "synced_for_cpu=%#x\n", READ_ONCE(memory[0]));

	memset(memory, 0x33, BYTES);
	ret = ret ?: lesson_move(card, bus, BYTES, false);
	ret = ret ?: lesson_first_byte(card, &seen);
	seq_printf(told, "unsynced_for_device=%#x\n", seen);
	dma_sync_single_for_device(card->dev, bus, BYTES, DMA_BIDIRECTIONAL);
	ret = ret ?: lesson_move(card, bus, BYTES, false);
	ret = ret ?: lesson_first_byte(card, &seen);
	seq_printf(told, "synced_for_device=%#x\n", seen);
	seq_printf(told, "result=%d\n", ret);
	dma_unmap_single(card->dev, bus, BYTES, DMA_BIDIRECTIONAL);
	kfree(memory);
	return 0;
}

/* The card writes to memory that was lent to it for reading. */
static int wrong_direction(struct lesson_card *card, struct seq_file *told)
{
	u8 *memory = kzalloc(BYTES, GFP_KERNEL);
	dma_addr_t bus;
	int ret;

	if (!memory)
		return -ENOMEM;
	ret = lesson_fill_card(card, 0x77, BYTES);
	bus = dma_map_single(card->dev, memory, BYTES, DMA_TO_DEVICE);
	if (dma_mapping_error(card->dev, bus)) {
		kfree(memory);
		return -ENOMEM;
	}
	ret = ret ?: lesson_move(card, bus, BYTES, true);
	dma_unmap_single(card->dev, bus, BYTES, DMA_TO_DEVICE);
	seq_printf(told, "result=%d\narrived=%d\n", ret, all_are(memory, 0x77, BYTES));
	kfree(memory);
	return 0;
}

static int map_and_tell(struct lesson_card *card, struct seq_file *told, const char *key,
			void *memory, size_t bytes)
{
	dma_addr_t bus = dma_map_single_attrs(card->dev, memory, bytes, DMA_TO_DEVICE,
					      DMA_ATTR_NO_WARN);
	int ret = dma_mapping_error(card->dev, bus);

	seq_printf(told, "%s=%d\n", key, ret);
	if (ret)
		return ret;
	seq_printf(told, "%s_offset=%#lx\n", key, (unsigned long)bus & 0xfff);
	dma_unmap_single(card->dev, bus, bytes, DMA_TO_DEVICE);
	return 0;
}

/* What the driver declares decides how, and whether, memory is bounced. */
static int limits(struct lesson_card *card, struct seq_file *told)
{
	u8 *memory = (u8 *)__get_free_pages(GFP_KERNEL, get_order(SZ_128K));
	const unsigned long boundary = dma_get_seg_boundary(card->dev);

	if (!memory)
		return -ENOMEM;
	seq_printf(told, "max_mapping_size=%zu\n", dma_max_mapping_size(card->dev));
	map_and_tell(card, told, "no_align_mask", memory + 0x234, SZ_256);
	dma_set_min_align_mask(card->dev, SZ_4K - 1);
	map_and_tell(card, told, "align_mask", memory + 0x234, SZ_256);
	dma_set_min_align_mask(card->dev, 0);
	map_and_tell(card, told, "no_boundary", memory, SZ_128K);
	dma_set_seg_boundary(card->dev, SZ_64K - 1);
	map_and_tell(card, told, "boundary_64k", memory, SZ_64K);
	map_and_tell(card, told, "boundary_128k", memory, SZ_128K);
	dma_set_seg_boundary(card->dev, boundary);
	free_pages((unsigned long)memory, get_order(SZ_128K));
	return 0;
}

/* One range for the card, pieces for the kernel, cached; synchronised by hand. */
static int move_pieces(struct lesson_card *card, struct seq_file *told)
{
	struct sg_table *table = dma_alloc_noncontiguous(card->dev, SZ_256K, DMA_FROM_DEVICE,
							 GFP_KERNEL, 0);
	struct scatterlist *sg;
	u8 *memory;
	int ret, i;

	if (!table)
		return -ENOMEM;
	ret = lesson_fill_card(card, 0x77, SZ_256K);
	lesson_begin(card);
	for_each_sgtable_dma_sg(table, sg, i)
		lesson_add(card, sg_dma_address(sg), sg_dma_len(sg));
	ret = ret ?: lesson_run(card, true);
	memory = dma_vmap_noncontiguous(card->dev, SZ_256K, table);
	dma_sync_sgtable_for_cpu(card->dev, table, DMA_FROM_DEVICE);
	if (memory) {
		invalidate_kernel_vmap_range(memory, SZ_256K);
		seq_printf(told, "moved=%d\n", ret ?: all_are(memory, 0x77, SZ_256K));
		dma_vunmap_noncontiguous(card->dev, memory);
	}
	seq_printf(told, "ranges=%u\npieces=%u\n", table->nents, table->orig_nents);
	dma_free_noncontiguous(card->dev, SZ_256K, table, DMA_FROM_DEVICE);
	return 0;
}

/*
 * The range is one, whatever was said of segments, and DMA debugging warns of it. Ours are cut
 * later, so that longer ones may come.
 */
static int pieces(struct lesson_card *card, struct seq_file *told)
{
	unsigned long boundary = dma_get_seg_boundary(card->dev);
	unsigned int longest = dma_get_max_seg_size(card->dev);
	int ret;

	dma_set_max_seg_size(card->dev, SZ_256K);
	dma_set_seg_boundary(card->dev, U32_MAX);
	ret = move_pieces(card, told);
	dma_set_max_seg_size(card->dev, longest);
	dma_set_seg_boundary(card->dev, boundary);
	return ret;
}

static int write_combined(struct lesson_card *card, struct seq_file *told)
{
	u8 seen = 0, *memory;
	dma_addr_t bus;
	int ret;

	memory = dma_alloc_wc(card->dev, BYTES, &bus, GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	ret = lesson_fill_card(card, 0, BYTES);
	memset(memory, 0x99, BYTES);
	dma_wmb(); /* before the doorbell, which lesson_run() rings */
	ret = ret ?: lesson_move(card, bus, BYTES, false);
	ret = ret ?: lesson_first_byte(card, &seen);
	seq_printf(told, "result=%d\nseen=%#x\n", ret, seen);
	dma_free_wc(card->dev, BYTES, memory, bus);
	return 0;
}

/* A mistake for the judge: a mapping that is never given back. */
static int leak(struct lesson_card *card, struct seq_file *told)
{
	void *memory = kzalloc(BYTES, GFP_KERNEL);
	dma_addr_t bus;

	if (!memory)
		return -ENOMEM;
	bus = dma_map_single(card->dev, memory, BYTES, DMA_TO_DEVICE);
	seq_printf(told, "error=%d\n", dma_mapping_error(card->dev, bus));
	return 0;
}

const struct lesson streaming_lessons[] = {
	{ "single", single },
	{ "page", page },
	{ "list", list },
	{ "sync", sync },
	{ "wrong_direction", wrong_direction },
	{ "limits", limits },
	{ "pieces", pieces },
	{ "write_combined", write_combined },
	{ "leak", leak },
	{ }
};
