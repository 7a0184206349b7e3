// SPDX-License-Identifier: GPL-2.0-only
/* Kinds of memory that a kernel client may give the card. */
#include <linux/cache.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "client.h"

static unsigned long kept_at;
module_param(kept_at, ulong, 0444);
MODULE_PARM_DESC(kept_at, "physical address of 64 KiB that the kernel was told to leave alone");

#define SMALL	16

/* On arm64 what DMA needs is more than a line of the cache. */
#if defined(CONFIG_ARM64)
#define __own_lines	__aligned(ARCH_DMA_MINALIGN)
#else
#define __own_lines	____cacheline_aligned
#endif

/* Device and processor write into the same cache lines. */
struct careless {
	u8 before;
	u8 one[SMALL];
	u8 other[SMALL];
	u8 after;
};

/*
 * Nobody's line is another's. The kernel's own words for it, since 7.2 and where backported; they
 * align nothing on machines whose caches see the card, where a debugging kernel counts the
 * lines all the same.
 */
struct careful {
	u8 before;

#if defined(__dma_from_device_group_begin) && defined(ARCH_HAS_DMA_MINALIGN)
	__dma_from_device_group_begin(one);
	u8 one[SMALL];

	__dma_from_device_group_end(one);
	__dma_from_device_group_begin(other);
	u8 other[SMALL];

	__dma_from_device_group_end(other);
	u8 after[1];
#else
	u8 one[SMALL] __own_lines;
	u8 other[SMALL] __own_lines;
	u8 after[1] __own_lines;
#endif
};

struct neighbours {
	u8 *before, *one, *other, *after;
};

static unsigned int shared_lines(const struct neighbours *at)
{
	const u8 *each[] = { at->before, at->one, at->other, at->after };
	unsigned long line = max_t(unsigned long, L1_CACHE_BYTES, dma_get_cache_alignment());
	unsigned int i, shared = 0;

	for (i = 1; i < ARRAY_SIZE(each); i++)
		shared += (unsigned long)each[i] / line == (unsigned long)each[i - 1] / line;
	return shared;
}

/* The card writes two buffers while the processor writes around them. */
static int write_together(struct dma_chan *chan, const struct neighbours *at)
{
	struct device *dev = dmaengine_get_dma_device(chan);
	dma_addr_t one, other;
	int err;

	one = dma_map_single(dev, at->one, SMALL, DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, one))
		return -ENOMEM;
	other = dma_map_single(dev, at->other, SMALL, DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, other)) {
		dma_unmap_single(dev, one, SMALL, DMA_FROM_DEVICE);
		return -ENOMEM;
	}
	*at->before = 0x11;
	*at->after = 0x22;
	err = client_move(chan, one, SMALL, true);
	*at->before += 1;
	*at->after += 1;
	if (!err)
		err = client_move(chan, other, SMALL, true);
	dma_unmap_single(dev, other, SMALL, DMA_FROM_DEVICE);
	dma_unmap_single(dev, one, SMALL, DMA_FROM_DEVICE);
	return err;
}

static int tell_neighbours(struct seq_file *told, const struct neighbours *at)
{
	struct dma_chan *chan = client_channel(DMA_SLAVE);
	struct device *dev;
	dma_addr_t source;
	u8 *bytes;
	int err;

	if (!chan)
		return -ENODEV;
	dev = dmaengine_get_dma_device(chan);
	bytes = dma_alloc_coherent(dev, SMALL, &source, GFP_KERNEL);
	err = bytes ? 0 : -ENOMEM;
	if (bytes) {
		client_fill(bytes, SMALL, 0, 5);
		err = client_move(chan, source, SMALL, false);
		dma_free_coherent(dev, SMALL, bytes, source);
	}
	if (!err)
		err = write_together(chan, at);
	dma_release_channel(chan);
	seq_printf(told, "error=%d shared=%u wrong=%zu before=%u after=%u\n", err,
		   shared_lines(at),
		   client_wrong(at->one, SMALL, 0, 5) + client_wrong(at->other, SMALL, 0, 5),
		   *at->before, *at->after);
	return 0;
}

static int kmalloc_careless(struct seq_file *told)
{
	struct careless *it = kzalloc(sizeof(*it), GFP_KERNEL);
	struct neighbours at;
	int err;

	if (!it)
		return -ENOMEM;
	at = (struct neighbours){ &it->before, it->one, it->other, &it->after };
	err = tell_neighbours(told, &at);
	kfree(it);
	return err;
}

static int kmalloc_careful(struct seq_file *told)
{
	struct careful *it = kzalloc(sizeof(*it), GFP_KERNEL);
	struct neighbours at;
	int err;

	if (!it)
		return -ENOMEM;
	at = (struct neighbours){ &it->before, it->one, it->other, it->after };
	err = tell_neighbours(told, &at);
	kfree(it);
	return err;
}

/* There are no pages for it, so the card gets it as a resource. */
static int kept_there_and_back(struct dma_chan *chan, u8 *memory)
{
	struct device *dev = dmaengine_get_dma_device(chan);
	dma_addr_t at;
	int err;

	client_fill(memory, SZ_64K, 0, 21);
	at = dma_map_resource(dev, kept_at, SZ_64K, DMA_BIDIRECTIONAL, 0);
	if (dma_mapping_error(dev, at))
		return -ENOMEM;
	err = client_move(chan, at, SZ_64K, false);
	memset(memory, 0, SZ_64K);
	if (!err)
		err = client_move(chan, at, SZ_64K, true);
	dma_unmap_resource(dev, at, SZ_64K, DMA_BIDIRECTIONAL, 0);
	return err;
}

/* The same memory by ioremap(): uncached, and to be read with other functions. */
static u8 kept_byte(size_t offset)
{
	void __iomem *memory = ioremap(kept_at, SZ_64K);
	u8 byte = 0;

	if (memory) {
		byte = ioread8(memory + offset);
		iounmap(memory);
	}
	return byte;
}

static int kept(struct seq_file *told)
{
	struct dma_chan *chan = client_channel(DMA_SLAVE);
	u8 *memory;
	int err;

	if (!chan)
		return -ENODEV;
	memory = memremap(kept_at, SZ_64K, MEMREMAP_WB);
	if (!memory) {
		dma_release_channel(chan);
		return -ENOMEM;
	}
	err = kept_there_and_back(chan, memory);
	dma_release_channel(chan);
	seq_printf(told, "error=%d ram=%d wrong=%zu ", err, page_is_ram(PHYS_PFN(kept_at)),
		   client_wrong(memory, SZ_64K, 0, 21));
	memunmap(memory);
	seq_printf(told, "uncached=%d\n", kept_byte(12345) == client_byte(12345, 21));
	return 0;
}

const struct client_file memory_files[] = {
	{ "kmalloc_careless", kmalloc_careless },
	{ "kmalloc_careful", kmalloc_careful },
	{ "kept", kept },
	{ }
};
