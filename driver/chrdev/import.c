// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of other drivers: a dma-buf, mapped for one transfer.
 *
 * Anew for each, as an exporter like udmabuf synchronises processor accesses through a device of
 * its own: where the card's mapping is a copy, only mapping and unmapping it carry the bytes.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "chrdev.h"
#include "compat.h"

PRD32_IMPORT_NS_DMA_BUF;

typedef void (*prd32_sync_fn)(struct device *dev, dma_addr_t addr, size_t size,
			      enum dma_data_direction dir);

/*
 * Some exporters, udmabuf among them, map without, and leave it to who knows that the bytes are
 * wanted. By DMA address: the list's pages are no importer's business, and CONFIG_DMABUF_DEBUG
 * scrambles them. Page by page: an IOMMU's addresses are contiguous where memory is not.
 */
static void prd32_import_sync(struct prd32_import *import, prd32_sync_fn sync)
{
	struct device *dev = import->attachment->dev;
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(import->sgt, sg, i) {
		dma_addr_t addr = sg_dma_address(sg), end = addr + sg_dma_len(sg);

		if (!dma_need_sync(dev, addr))
			continue;
		while (addr < end) {
			size_t size = min_t(u64, end - addr, PAGE_SIZE - offset_in_page(addr));

			sync(dev, addr, size, import->dir);
			addr += size;
		}
	}
}

/**
 * prd32_import() - map a dma-buf
 * @import: filled in, also on failure: prd32_import_release() is called in any case
 * @dev: the card
 * @fd: the caller's descriptor
 * @to_host: the card writes it
 *
 * Return: 0; -EBADF for no descriptor, -EINVAL for one of something else, or what the exporter
 * says.
 */
int prd32_import(struct prd32_import *import, struct device *dev, int fd, bool to_host)
{
	struct dma_buf_attachment *attachment;
	struct dma_buf *dmabuf = dma_buf_get(fd);
	struct sg_table *sgt;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	import->dmabuf = dmabuf;
	import->dir = prd32_dir(to_host);
	attachment = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	import->attachment = attachment;
	sgt = dma_buf_map_attachment_unlocked(attachment, import->dir);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	import->sgt = sgt;
	prd32_import_sync(import, dma_sync_single_for_device);
	return 0;
}

/**
 * prd32_import_release() - undo prd32_import(), whole or not
 * @import: the dma-buf; the card is there
 */
void prd32_import_release(struct prd32_import *import)
{
	if (import->sgt) {
		prd32_import_sync(import, dma_sync_single_for_cpu);
		dma_buf_unmap_attachment_unlocked(import->attachment, import->sgt, import->dir);
	}
	if (import->attachment)
		dma_buf_detach(import->dmabuf, import->attachment);
	if (import->dmabuf)
		dma_buf_put(import->dmabuf);
}
