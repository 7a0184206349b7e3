// SPDX-License-Identifier: GPL-2.0-only
/* Where memory comes from, and what each allocator promises. */
#include <linux/dmapool.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "lessons.h"

#define HELD	64
#define QUIET	(GFP_KERNEL | __GFP_NOWARN)

static void tell_page(struct seq_file *told, const char *key, struct page *page)
{
	phys_addr_t phys = page ? page_to_phys(page) : 0;

	seq_printf(told, "%s=%pa\n", key, &phys);
	if (page)
		__free_page(page);
}

static int zones(struct lesson_card *card, struct seq_file *told)
{
	unsigned long address = __get_dma_pages(GFP_KERNEL, 0);

	tell_page(told, "gfp_dma", alloc_page(GFP_KERNEL | GFP_DMA));
	tell_page(told, "gfp_dma32", alloc_page(GFP_KERNEL | GFP_DMA32));
	tell_page(told, "get_dma_pages", address ? virt_to_page((void *)address) : NULL);
	return 0;
}

static int order(struct lesson_card *card, struct seq_file *told)
{
	struct page *pages;

	seq_printf(told, "page_size=%lu\n", PAGE_SIZE);
	seq_printf(told, "order_of_2048=%d\n", get_order(2048));
	seq_printf(told, "order_of_2048_pages=%d\n", get_order(2048 * PAGE_SIZE));
	pages = alloc_pages(QUIET, get_order(SZ_4M));
	seq_printf(told, "pages_of_4m=%d\n", !!pages);
	if (pages)
		__free_pages(pages, get_order(SZ_4M));
	pages = alloc_pages(QUIET, get_order(SZ_8M));
	seq_printf(told, "pages_of_8m=%d\n", !!pages);
	if (pages)
		__free_pages(pages, get_order(SZ_8M));
	return 0;
}

static int slab(struct lesson_card *card, struct seq_file *told)
{
	unsigned int misaligned = 0;
	void *memory;
	size_t size;

	for (size = SZ_8; size <= SZ_4M; size *= 2) {
		memory = kmalloc(size, QUIET);
		if (memory && !IS_ALIGNED((unsigned long)memory, size))
			misaligned++;
		if (size == SZ_4M)
			seq_printf(told, "kmalloc_4m=%d\n", !!memory);
		kfree(memory);
	}
	memory = kmalloc(SZ_8M, QUIET);
	seq_printf(told, "kmalloc_8m=%d\n", !!memory);
	kfree(memory);
	seq_printf(told, "misaligned=%u\n", misaligned);
	return 0;
}

/* Three kinds of address of one coherent buffer: does the linear map's arithmetic hold for it? */
static int coherent(struct lesson_card *card, struct seq_file *told)
{
	static void *cpu[HELD];
	static dma_addr_t bus[HELD];
	unsigned int got, misaligned = 0, crossing = 0, above = 0, linear = 0, at;

	for (got = 0; got < HELD; got++) {
		cpu[got] = dma_alloc_coherent(card->dev, SZ_32K, &bus[got], QUIET);
		if (!cpu[got])
			break;
		misaligned += !IS_ALIGNED(bus[got], SZ_32K);
		crossing += bus[got] / SZ_64K != (bus[got] + SZ_32K - 1) / SZ_64K;
		above += bus[got] + SZ_32K - 1 > U32_MAX;
		linear += virt_addr_valid(cpu[got]) && virt_to_phys(cpu[got]) == bus[got];
	}
	for (at = 0; at < got; at++)
		dma_free_coherent(card->dev, SZ_32K, cpu[at], bus[at]);
	seq_printf(told, "got=%u\nmisaligned=%u\ncrossing=%u\nabove=%u\nlinear=%u\n", got,
		   misaligned, crossing, above, linear);
	return 0;
}

static void pool_of(struct lesson_card *card, struct seq_file *told, size_t size, size_t align,
		    size_t boundary)
{
	static void *cpu[HELD];
	static dma_addr_t bus[HELD];
	struct dma_pool *pool = dma_pool_create("lesson", card->dev, size, align, boundary);
	unsigned int got = 0, misaligned = 0, crossing = 0;

	while (pool && got < HELD) {
		cpu[got] = dma_pool_alloc(pool, GFP_KERNEL, &bus[got]);
		if (!cpu[got])
			break;
		misaligned += !IS_ALIGNED(bus[got], align);
		crossing += bus[got] / SZ_64K != (bus[got] + size - 1) / SZ_64K;
		got++;
	}
	seq_printf(told, "size=%zu got=%u misaligned=%u crossing=%u\n", size, got, misaligned,
		   crossing);
	while (got--)
		dma_pool_free(pool, cpu[got], bus[got]);
	dma_pool_destroy(pool);
}

static int pool(struct lesson_card *card, struct seq_file *told)
{
	pool_of(card, told, 24 * SZ_1K, 64, SZ_64K);
	pool_of(card, told, 48 * SZ_1K, SZ_64K, 0);
	pool_of(card, told, 40, 32, SZ_4K);
	return 0;
}

const struct lesson allocator_lessons[] = {
	{ "zones", zones },
	{ "order", order },
	{ "slab", slab },
	{ "coherent", coherent },
	{ "pool", pool },
	{ }
};
