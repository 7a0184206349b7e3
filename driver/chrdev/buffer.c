// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caller's memory: pinned, listed, mapped, and all of it undone.
 */
#include <linux/align.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "chrdev.h"
#include "compat.h"
#include "core/trace.h"

/**
 * prd32_buffer_init() - an empty buffer
 * @buf: the buffer
 * @most: bytes that it may get
 * @to_host: the card writes it
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_buffer_init(struct prd32_buffer *buf, size_t most, bool to_host)
{
	*buf = (struct prd32_buffer){
		.max_pages = DIV_ROUND_UP(most, PAGE_SIZE) + 1,
		.to_host = to_host,
	};
	buf->pages = kvmalloc_array(buf->max_pages, sizeof(*buf->pages), GFP_KERNEL);
	return buf->pages ? 0 : -ENOMEM;
}

/**
 * prd32_buffer_exit() - free what prd32_buffer_init() got
 * @buf: the buffer, not pinned
 */
void prd32_buffer_exit(struct prd32_buffer *buf)
{
	kvfree(buf->pages);
}

/**
 * prd32_buffer_pin() - take memory
 * @buf: the buffer
 * @iter: where from; it moves on by what was taken
 * @max: bytes at most
 *
 * Less than @max is normal: a page may be missing further on. Sleeps, for as long as user space
 * may take to bring the pages in.
 *
 * Return: 0 or a negative errno.
 */
int prd32_buffer_pin(struct prd32_buffer *buf, struct iov_iter *iter, size_t max)
{
	ssize_t len;

	buf->pinned = iov_iter_extract_will_pin(iter);
	len = iov_iter_extract_pages(iter, &buf->pages, max, buf->max_pages, 0, &buf->offset);
	if (len <= 0)
		return len ?: -EFAULT;
	buf->len = len;
	buf->nr_pages = DIV_ROUND_UP(buf->offset + len, PAGE_SIZE);
	return 0;
}

/**
 * prd32_buffer_unpin() - give the memory back to its owner
 * @buf: the buffer, not mapped
 *
 * Sleeps.
 */
void prd32_buffer_unpin(struct prd32_buffer *buf)
{
	/* Dirty even after an error: the card may have written part of it. */
	if (buf->pinned)
		unpin_user_pages_dirty_lock(buf->pages, buf->nr_pages, buf->to_host);
	buf->pinned = false;
}

/**
 * prd32_buffer_abandon() - the engine may still be at this memory: nobody is to get it again
 * @buf: the buffer, which stays mapped
 *
 * A user's pages stay pinned. A kernel caller frees its pages when it gets the error: they get a
 * reference that is never put.
 */
void prd32_buffer_abandon(struct prd32_buffer *buf)
{
	unsigned int i;

	if (!buf->pinned)
		for (i = 0; i < buf->nr_pages; i++)
			get_page(buf->pages[i]);
	buf->pinned = false;
}

/* How many pages from @pages on are contiguous and share a 64 KiB block. */
static unsigned int prd32_run_length(struct page **pages, unsigned int nr)
{
	unsigned int n = 1;

	while (n < nr && page_to_pfn(pages[n]) == page_to_pfn(pages[n - 1]) + 1 &&
	       !IS_ALIGNED(page_to_phys(pages[n]), PRD32_LIMIT_PRD_BOUNDARY))
		n++;
	return n;
}

/*
 * Entries are cut at 64 KiB boundaries here although the descriptors are cut there anyway: with a
 * segment boundary declared, a bounce buffer larger than what fits between two boundaries, page
 * offset included, is refused, and the DMA API does not split what it is given.
 */
static int prd32_buffer_list(struct prd32_buffer *buf)
{
	size_t left = buf->len, offset = buf->offset;
	unsigned int i, n, nents = 0;
	struct scatterlist *sg;
	int err;

	for (i = 0; i < buf->nr_pages; i += n) {
		n = prd32_run_length(buf->pages + i, buf->nr_pages - i);
		nents++;
	}
	err = sg_alloc_table(&buf->sgt, nents, GFP_KERNEL);
	if (err)
		return err;

	sg = buf->sgt.sgl;
	for (i = 0; i < buf->nr_pages; i += n) {
		size_t bytes;

		n = prd32_run_length(buf->pages + i, buf->nr_pages - i);
		bytes = min(left, n * PAGE_SIZE - offset);
		sg_set_page(sg, buf->pages[i], bytes, offset);
		left -= bytes;
		offset = 0;
		sg = sg_next(sg);
	}
	return 0;
}

/**
 * prd32_buffer_map() - make the memory reachable for the card
 * @buf: the buffer, pinned
 * @dev: the card
 *
 * Return: 0; -ENOMEM when there is no memory, or none that the card can reach: a smaller piece may
 * do.
 */
int prd32_buffer_map(struct prd32_buffer *buf, struct device *dev)
{
	int err = prd32_buffer_list(buf);

	if (err)
		return err;
	/* No warning: a smaller piece is tried next. */
	if (dma_map_sgtable(dev, &buf->sgt, prd32_dir(buf->to_host), DMA_ATTR_NO_WARN)) {
		sg_free_table(&buf->sgt);
		return -ENOMEM;
	}
	trace_prd32_map(&buf->sgt, buf->to_host);
	return 0;
}

/**
 * prd32_buffer_unmap() - undo prd32_buffer_map()
 * @buf: the buffer; no engine is at it
 * @dev: the card
 */
void prd32_buffer_unmap(struct prd32_buffer *buf, struct device *dev)
{
	trace_prd32_unmap(&buf->sgt, buf->to_host);
	dma_unmap_sgtable(dev, &buf->sgt, prd32_dir(buf->to_host), 0);
	sg_free_table(&buf->sgt);
}
