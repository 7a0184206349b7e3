// SPDX-License-Identifier: GPL-2.0-only
/*
 * Edges of the caller's memory that must not be mapped, because the card moves granules of several
 * bytes, or because a cache line that it does not see is shared with a neighbour. They go through
 * a piece of coherent memory: the DMA API cannot align what somebody else allocated.
 */
#include <linux/dma-map-ops.h>
#include <linux/dmapool.h>
#include <linux/highmem.h>
#include <linux/math.h>
#include <linux/minmax.h>

#include "chrdev.h"

/**
 * prd32_edges_create() - find out what has to be aligned
 * @cd: the device; its card is there
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_edges_create(struct prd32_chrdev *cd)
{
	struct device *dev = prd32_chrdev_dma(cd);

	cd->align_out = cd->info.granule;
	cd->align_in = cd->info.granule;
	/* Nobody may write to a line while the card does; reading it meanwhile is no harm. */
	if (!dev_is_dma_coherent(dev))
		cd->align_in = max_t(u32, cd->align_in, dma_get_cache_alignment());
	if (cd->align_in == 1)
		return 0;
	cd->edges = dma_pool_create("prd32 edges", dev, cd->align_in, cd->align_in,
				    PRD32_LIMIT_PRD_BOUNDARY);
	return cd->edges ? 0 : -ENOMEM;
}

/**
 * prd32_edges_destroy() - undo prd32_edges_create()
 * @cd: the device, without transfers
 */
void prd32_edges_destroy(struct prd32_chrdev *cd)
{
	dma_pool_destroy(cd->edges);
}

/**
 * prd32_edge_length() - how much of what comes next must not be mapped
 * @t: a transfer of the caller's memory
 *
 * Return: bytes; 0 when what comes next may be mapped.
 */
size_t prd32_edge_length(const struct prd32_transfer *t)
{
	size_t align = t->to_host ? t->cd->align_in : t->cd->align_out;
	size_t past = (t->pinned->offset + t->done) & (align - 1);
	size_t left = t->length - t->done;

	if (past)
		return min(left, align - past);
	return left < align ? left : 0;
}

/* The bytes of the edge, in card memory. */
static u32 prd32_edge_begin(const struct prd32_transfer *t)
{
	return t->card_addr + t->done;
}

/**
 * prd32_edge_card_addr() - where in card memory the piece is read or written
 * @t: the transfer; prd32_edge_prepare() was called
 *
 * Return: where the edge begins, unless whole granules from there on would not fit.
 */
u32 prd32_edge_card_addr(const struct prd32_transfer *t)
{
	return min_t(u32, prd32_edge_begin(t), t->cd->info.mem_size - sg_dma_len(&t->piece_sg));
}

/**
 * prd32_edge_prepare() - have a piece for an edge
 * @t: the transfer
 * @length: of the edge, bytes
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_edge_prepare(struct prd32_transfer *t, size_t length)
{
	if (!t->piece)
		t->piece = dma_pool_alloc(t->cd->edges, GFP_KERNEL, &t->piece_dma);
	if (!t->piece)
		return -ENOMEM;
	sg_init_table(&t->piece_sg, 1);
	sg_dma_address(&t->piece_sg) = t->piece_dma;
	sg_dma_len(&t->piece_sg) = round_up(length, t->cd->info.granule);
	t->edge = length;
	return 0;
}

/**
 * prd32_edge_finish() - the piece was read or written
 * @t: the transfer
 *
 * What is to be written to the card is merged into what was read there, and written then.
 *
 * Return: 0 or a negative errno.
 */
int prd32_edge_finish(struct prd32_transfer *t)
{
	size_t offset = t->pinned->offset + t->done;
	struct page *page = t->pinned->pages[offset >> PAGE_SHIFT];
	void *bytes = t->piece + (prd32_edge_begin(t) - prd32_edge_card_addr(t));
	bool over = t->to_host || t->merged;

	if (t->req.error)
		return t->req.error;
	offset = offset_in_page(offset);
	if (t->to_host)
		memcpy_to_page(page, offset, bytes, t->edge);
	else if (!t->merged)
		memcpy_from_page(bytes, page, offset, t->edge);
	t->merged = !over;
	if (over) {
		t->done += t->edge;
		t->edge = 0;
	}
	return 0;
}

/**
 * prd32_edge_free() - undo prd32_edge_prepare()
 * @t: the transfer, which is over
 */
void prd32_edge_free(struct prd32_transfer *t)
{
	if (t->piece && !t->stuck)
		dma_pool_free(t->cd->edges, t->piece, t->piece_dma);
	t->piece = NULL;
}
