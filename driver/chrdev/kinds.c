// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kinds of buffers: where their memory comes from, and what the processor sees of it.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "chrdev.h"
#include "compat.h"

/* Counted against the memory cgroup of who asks; and he is told by an error, not by the log. */
#define PRD32_GFP_BUFFER	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/* A kind that has a single range of bus addresses: list it. */
static int prd32_list_range(struct prd32_buffer *buf)
{
	int err = sg_alloc_table(&buf->own, 1, GFP_KERNEL);

	if (err)
		return err;
	sg_dma_address(buf->own.sgl) = buf->dma;
	sg_dma_len(buf->own.sgl) = buf->size;
	return 0;
}

/* ---- coherent: the DMA API zeroes it, and what is behind the buffer in its last page ---- */

static void prd32_coherent_free(struct prd32_buffer *buf, struct device *dev)
{
	sg_free_table(&buf->own);
	dma_free_coherent(dev, buf->size, buf->cpu, buf->dma);
}

static int prd32_coherent_alloc(struct prd32_buffer *buf, struct device *dev)
{
	int err;

	buf->cpu = dma_alloc_coherent(dev, buf->size, &buf->dma, PRD32_GFP_BUFFER);
	if (!buf->cpu)
		return -ENOMEM;
	err = prd32_list_range(buf);
	if (err)
		dma_free_coherent(dev, buf->size, buf->cpu, buf->dma);
	return err;
}

static int prd32_coherent_mmap(struct prd32_buffer *buf, struct device *dev,
			       struct vm_area_struct *vma)
{
	return dma_mmap_coherent(dev, vma, buf->cpu, buf->dma, buf->size);
}

static const struct prd32_buffer_ops prd32_coherent = {
	.name = "coherent",
	.alloc = prd32_coherent_alloc,
	.free = prd32_coherent_free,
	.mmap = prd32_coherent_mmap,
};

/* ---- write-combined ---- */

static void prd32_wc_free(struct prd32_buffer *buf, struct device *dev)
{
	sg_free_table(&buf->own);
	dma_free_wc(dev, buf->size, buf->cpu, buf->dma);
}

static int prd32_wc_alloc(struct prd32_buffer *buf, struct device *dev)
{
	int err;

	buf->cpu = dma_alloc_wc(dev, buf->size, &buf->dma, PRD32_GFP_BUFFER);
	if (!buf->cpu)
		return -ENOMEM;
	err = prd32_list_range(buf);
	if (err)
		dma_free_wc(dev, buf->size, buf->cpu, buf->dma);
	return err;
}

static int prd32_wc_mmap(struct prd32_buffer *buf, struct device *dev, struct vm_area_struct *vma)
{
	return dma_mmap_wc(dev, vma, buf->cpu, buf->dma, buf->size);
}

static const struct prd32_buffer_ops prd32_wc = {
	.name = "write-combine",
	.alloc = prd32_wc_alloc,
	.free = prd32_wc_free,
	.mmap = prd32_wc_mmap,
};

/*
 * ---- cached: pages that are mapped as long as the buffer lives. They outlive the card, because
 * other drivers may have them as a dma-buf. Each run of them is a mapping of its own, so that part
 * of the buffer can be synchronised: of a mapped list that is not allowed. ----
 */

static void prd32_cached_free_pages(struct prd32_buffer *buf)
{
	u64 i;

	for (i = 0; i < buf->size >> PAGE_SHIFT; i++)
		if (buf->pages[i])
			__free_page(buf->pages[i]);
	kvfree(buf->pages);
}

/* Where there is no IOMMU, memory that the card reaches: else each synchronisation is a copy. */
static gfp_t prd32_cached_gfp(struct device *dev)
{
	gfp_t gfp = PRD32_GFP_BUFFER | __GFP_ZERO;

	return device_iommu_mapped(dev) ? gfp : gfp | GFP_DMA32;
}

/* The next pages, as many as possible up to a whole descriptor. Return: how many. */
static unsigned int prd32_cached_fill(struct page **pages, u64 most, gfp_t gfp)
{
	unsigned int order = min_t(unsigned int, ilog2(most), get_order(SZ_64K));
	struct page *page = NULL;
	unsigned int i;

	if (order)
		page = alloc_pages(gfp | __GFP_NORETRY, order);
	if (page) {
		split_page(page, order);
	} else {
		order = 0;
		page = alloc_page(gfp);
	}
	if (!page)
		return 0;
	for (i = 0; i < 1u << order; i++)
		pages[i] = page + i;
	return 1u << order;
}

static int prd32_cached_get_pages(struct prd32_buffer *buf, gfp_t gfp)
{
	u64 i, n, nr = buf->size >> PAGE_SHIFT;

	buf->pages = kvcalloc(nr, sizeof(*buf->pages), GFP_KERNEL_ACCOUNT);
	if (!buf->pages)
		return -ENOMEM;
	for (i = 0; i < nr; i += n) {
		n = fatal_signal_pending(current) ? 0 :
		    prd32_cached_fill(buf->pages + i, nr - i, gfp);
		if (!n) {
			prd32_cached_free_pages(buf);
			return -ENOMEM;
		}
	}
	return 0;
}

/*
 * The first @count runs. What the card wrote is for the processor from a synchronisation on, and
 * this is none: where memory is bounced it would overwrite what the processor wrote meanwhile, in
 * pages that outlive the card in mappings and dma-bufs.
 */
static void prd32_cached_unmap(struct prd32_buffer *buf, struct device *dev, unsigned int count)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(buf->own.sgl, sg, count, i)
		dma_unmap_page_attrs(dev, sg_dma_address(sg), sg_dma_len(sg), DMA_BIDIRECTIONAL,
				     DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(&buf->own);
}

static int prd32_cached_map(struct prd32_buffer *buf, struct device *dev)
{
	struct scatterlist *sg;
	unsigned int i;
	int err;

	err = prd32_list_pages(&buf->own, buf->pages, 0, buf->size, PRD32_LIMIT_PRD_BOUNDARY - 1);
	if (err)
		return err;
	for_each_sgtable_sg(&buf->own, sg, i) {
		dma_addr_t dma = dma_map_page_attrs(dev, sg_page(sg), 0, sg->length,
						    DMA_BIDIRECTIONAL, DMA_ATTR_NO_WARN);

		if (dma_mapping_error(dev, dma)) {
			prd32_cached_unmap(buf, dev, i);
			return -ENOMEM;
		}
		sg_dma_address(sg) = dma;
		sg_dma_len(sg) = sg->length;
	}
	return 0;
}

static int prd32_cached_alloc(struct prd32_buffer *buf, struct device *dev)
{
	int err = prd32_cached_get_pages(buf, prd32_cached_gfp(dev));

	if (err)
		return err;
	err = prd32_cached_map(buf, dev);
	if (err)
		prd32_cached_free_pages(buf);
	return err;
}

static void prd32_cached_free(struct prd32_buffer *buf, struct device *dev)
{
	prd32_cached_unmap(buf, dev, buf->own.nents);
}

static void prd32_sync_run(struct device *dev, struct scatterlist *sg, u64 offset, u64 length,
			   bool for_cpu)
{
	if (for_cpu)
		dma_sync_single_range_for_cpu(dev, sg_dma_address(sg), offset, length,
					      DMA_BIDIRECTIONAL);
	else
		dma_sync_single_range_for_device(dev, sg_dma_address(sg), offset, length,
						 DMA_BIDIRECTIONAL);
}

static void prd32_cached_sync(struct prd32_buffer *buf, struct device *dev, u64 offset,
			      u64 length, bool for_cpu)
{
	u64 begin = 0, end = offset + length;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(buf->sgt, sg, i) {
		u64 from = max(offset, begin), to = min(end, begin + sg_dma_len(sg));

		if (from < to)
			prd32_sync_run(dev, sg, from - begin, to - from, for_cpu);
		begin += sg_dma_len(sg);
	}
}

static const struct prd32_buffer_ops prd32_cached = {
	.name = "cached",
	.alloc = prd32_cached_alloc,
	.free = prd32_cached_free,
	.free_pages = prd32_cached_free_pages,
	.mmap = prd32_mmap_pages,
	.sync = prd32_cached_sync,
};

/* ---- noncontiguous: for the processor, that is; to the card it is one range ---- */

static int prd32_nc_alloc(struct prd32_buffer *buf, struct device *dev)
{
	buf->sgt = dma_alloc_noncontiguous(dev, buf->size, DMA_BIDIRECTIONAL,
					   PRD32_GFP_BUFFER | __GFP_ZERO, 0);
	return buf->sgt ? 0 : -ENOMEM;
}

static void prd32_nc_free(struct prd32_buffer *buf, struct device *dev)
{
	dma_free_noncontiguous(dev, buf->size, buf->sgt, DMA_BIDIRECTIONAL);
}

static int prd32_nc_mmap(struct prd32_buffer *buf, struct device *dev, struct vm_area_struct *vma)
{
	return dma_mmap_noncontiguous(dev, vma, buf->size, buf->sgt);
}

static void prd32_nc_sync(struct prd32_buffer *buf, struct device *dev, u64 offset, u64 length,
			  bool for_cpu)
{
	if (for_cpu)
		dma_sync_sgtable_for_cpu(dev, buf->sgt, DMA_BIDIRECTIONAL);
	else
		dma_sync_sgtable_for_device(dev, buf->sgt, DMA_BIDIRECTIONAL);
}

static const struct prd32_buffer_ops prd32_noncontiguous = {
	.name = "noncontiguous",
	.alloc = prd32_nc_alloc,
	.free = prd32_nc_free,
	.mmap = prd32_nc_mmap,
	.sync = prd32_nc_sync,
};

/**
 * prd32_buffer_kind() - what a kind does
 * @kind: enum prd32_buffer_kind
 *
 * Return: its operations, or NULL for an unknown kind.
 */
const struct prd32_buffer_ops *prd32_buffer_kind(u32 kind)
{
	static const struct prd32_buffer_ops *const kinds[] = {
		[PRD32_BUFFER_COHERENT] = &prd32_coherent,
		[PRD32_BUFFER_WRITE_COMBINE] = &prd32_wc,
		[PRD32_BUFFER_CACHED] = &prd32_cached,
		[PRD32_BUFFER_NONCONTIGUOUS] = &prd32_noncontiguous,
	};

	return kind < ARRAY_SIZE(kinds) ? kinds[kind] : NULL;
}
