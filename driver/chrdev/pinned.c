// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caller's memory: pinned and unpinned. And how pages become a scatter list.
 */
#include <linux/dma-mapping.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "chrdev.h"
#include "compat.h"

/* What an interrupt handler may be busy with: 2 MiB. */
#define EASY_PAGES	512

/* From so many on, the pointers are worth keeping for the next request. */
#define FEW_PAGES	16

static struct page **prd32_pages_alloc(struct prd32_chrdev *cd, unsigned int nr)
{
	struct page **pages = NULL;

	if (nr > FEW_PAGES && nr <= PRD32_SPARE_PAGES) {
		pages = xchg(&cd->spare, NULL);
		nr = PRD32_SPARE_PAGES;
	}
	return pages ?: kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL_ACCOUNT);
}

static void prd32_pages_free(struct prd32_chrdev *cd, struct page **pages, unsigned int nr)
{
	if (nr > FEW_PAGES && nr <= PRD32_SPARE_PAGES)
		pages = xchg(&cd->spare, pages);
	kvfree(pages);
}

/**
 * prd32_pinned_init() - room for memory
 * @mem: filled in
 * @cd: the device; it must outlive @mem
 * @most: bytes that it may get
 * @to_host: the card writes it
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_pinned_init(struct prd32_pinned *mem, struct prd32_chrdev *cd, size_t most, bool to_host)
{
	*mem = (struct prd32_pinned){
		.cd = cd,
		.max_pages = DIV_ROUND_UP(most, PAGE_SIZE) + 1,
		.to_host = to_host,
	};
	mem->pages = prd32_pages_alloc(cd, mem->max_pages);
	return mem->pages ? 0 : -ENOMEM;
}

/**
 * prd32_pinned_exit() - free what prd32_pinned_init() got
 * @mem: the memory, not pinned
 */
void prd32_pinned_exit(struct prd32_pinned *mem)
{
	if (mem->pages)
		prd32_pages_free(mem->cd, mem->pages, mem->max_pages);
}

static void prd32_pinned_add(struct prd32_pinned *mem, size_t len)
{
	mem->len += len;
	mem->nr_pages = DIV_ROUND_UP(mem->offset + mem->len, PAGE_SIZE);
}

/*
 * A kernel caller's memory may come page by page. What goes on where the last page ended can be
 * had without a reference to be put, and so be given back if it does not.
 */
static bool prd32_pinned_extend(struct prd32_pinned *mem, struct iov_iter *iter, size_t max)
{
	struct page **pages = mem->pages + mem->nr_pages;
	size_t offset;
	ssize_t len;

	if (mem->len == max || !iov_iter_count(iter) || offset_in_page(mem->offset + mem->len))
		return false;
	len = iov_iter_extract_pages(iter, &pages, max - mem->len,
				     mem->max_pages - mem->nr_pages, 0, &offset);
	if (len <= 0)
		return false;
	if (offset) {
		iov_iter_revert(iter, len);
		return false;
	}
	prd32_pinned_add(mem, len);
	return true;
}

/**
 * prd32_pinned_pin() - take memory
 * @mem: the memory
 * @iter: where from; it moves on by what was taken
 * @max: bytes at most
 *
 * Less than @max is normal: a page may be missing further on. Sleeps, for as long as user space
 * may take to bring the pages in.
 *
 * Return: 0 or a negative errno.
 */
int prd32_pinned_pin(struct prd32_pinned *mem, struct iov_iter *iter, size_t max)
{
	ssize_t len;

	mem->len = 0;
	mem->nr_pages = 0;
	mem->contiguous = false;
	mem->pinned = iov_iter_extract_will_pin(iter);
	len = iov_iter_extract_pages(iter, &mem->pages, max, mem->max_pages, 0, &mem->offset);
	if (len <= 0) {
		mem->pinned = false;
		return len ?: -EFAULT;
	}
	prd32_pinned_add(mem, len);
	if (!mem->pinned)
		while (prd32_pinned_extend(mem, iter, max))
			;
	return 0;
}

/* Whether its pages are known to have contents that are to be kept. */
static bool prd32_pinned_is_dirty(const struct prd32_pinned *mem)
{
	unsigned int i, n;

	for (i = 0; i < mem->nr_pages; i += n) {
		struct folio *folio = page_folio(mem->pages[i]);

		if (!folio_test_dirty(folio))
			return false;
		n = !mem->contiguous ? 1 :
		    folio_nr_pages(folio) - folio_page_idx(folio, mem->pages[i]);
	}
	return true;
}

/**
 * prd32_pinned_is_easy() - can it be given back here and now, whatever this context is
 * @mem: the memory, in which everything is that the card has written
 *
 * To make a page dirty one has to sleep, but that lasts: who uses memory again and again has to
 * only once. If it is cleaned after this look, then with what the card has put there.
 *
 * Return: true when prd32_pinned_unpin() will not sleep, nor take long.
 */
bool prd32_pinned_is_easy(struct prd32_pinned *mem)
{
	mem->easy = mem->nr_pages <= EASY_PAGES &&
		    (!mem->pinned || !mem->to_host || prd32_pinned_is_dirty(mem));
	return mem->easy;
}

/**
 * prd32_pinned_unpin() - give the memory back to its owner
 * @mem: the memory, not mapped; perhaps not even pinned
 *
 * Sleeps, if it is not easy.
 */
void prd32_pinned_unpin(struct prd32_pinned *mem)
{
	/* Dirty even after an error: the card may have written part of it. */
	bool dirty = mem->to_host && !mem->easy;

	if (mem->pinned && mem->contiguous)
		unpin_user_page_range_dirty_lock(mem->pages[0], mem->nr_pages, dirty);
	else if (mem->pinned)
		unpin_user_pages_dirty_lock(mem->pages, mem->nr_pages, dirty);
	mem->pinned = false;
}

/**
 * prd32_pinned_abandon() - the engine may still be at this memory: nobody is to get it again
 * @mem: the memory, which stays mapped
 *
 * A user's pages stay pinned. A kernel caller frees its pages when it gets the error.
 */
void prd32_pinned_abandon(struct prd32_pinned *mem)
{
	unsigned int i;

	if (!mem->pinned)
		for (i = 0; i < mem->nr_pages; i++)
			prd32_leak_page(mem->pages[i]);
	mem->pinned = false;
}

/* How many pages from @pages on are contiguous and have no boundary between them. */
static unsigned int prd32_run_length(struct page **pages, unsigned int nr, unsigned long boundary)
{
	unsigned long first = page_to_pfn(pages[0]);
	unsigned long block = (boundary >> PAGE_SHIFT) + 1;
	unsigned int most = min_t(unsigned long, nr, block - (first & (block - 1)));
	unsigned int n = 1;

	while (n < most && page_to_pfn(pages[n]) == first + n)
		n++;
	return n;
}

/**
 * prd32_list_pages() - make a scatter list
 * @sgt: to be made; to be freed by sg_free_table()
 * @pages: the pages
 * @offset: where in the first of them it begins; may be beyond it
 * @len: bytes
 * @boundary: what no entry is to cross, less 1; at most 1 GiB - 1
 *
 * Entries are cut at the device's boundary although the descriptors are cut anyway: with 64 KiB
 * declared, a bounce buffer larger than what fits between two boundaries, page offset included, is
 * refused, and the DMA API does not split what it is given.
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_list_pages(struct sg_table *sgt, struct page **pages, size_t offset, size_t len,
		     unsigned long boundary)
{
	unsigned int i, n, nr_pages, nents = 0;
	struct scatterlist *sg;
	int err;

	pages += offset >> PAGE_SHIFT;
	offset = offset_in_page(offset);
	nr_pages = DIV_ROUND_UP(offset + len, PAGE_SIZE);
	for (i = 0; i < nr_pages; i += n) {
		n = prd32_run_length(pages + i, nr_pages - i, boundary);
		nents++;
	}
	err = sg_alloc_table(sgt, nents, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;

	sg = sgt->sgl;
	for (i = 0; i < nr_pages; i += n) {
		size_t bytes;

		/* A look at each page is what this costs: huge pages are one entry, seen once. */
		n = nents == 1 ? nr_pages :
				 prd32_run_length(pages + i, nr_pages - i, boundary);
		bytes = min(len, n * PAGE_SIZE - offset);
		sg_set_page(sg, pages[i], bytes, offset);
		len -= bytes;
		offset = 0;
		sg = sg_next(sg);
	}
	return 0;
}

/**
 * prd32_pinned_list() - make a scatter list of part of the caller's memory, for the card
 * @mem: the memory
 * @sgt: to be made; to be freed by sg_free_table()
 * @from: where in @mem it begins
 * @len: bytes
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_pinned_list(struct prd32_pinned *mem, struct sg_table *sgt, size_t from, size_t len)
{
	int err = prd32_list_pages(sgt, mem->pages, mem->offset + from, len,
				   dma_get_seg_boundary(prd32_chrdev_dma(mem->cd)));

	if (!err && len == mem->len)
		mem->contiguous = sgt->orig_nents == 1;
	return err;
}
