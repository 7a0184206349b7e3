// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/prd32/<PCI address>/addresses: the three addresses of each buffer.
 */
#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/vmalloc.h>

#include "chrdev.h"

/* Kernel addresses are real ones with kptr_restrict at 1, else hashed. */

/* Where byte @offset is for the processor; and its physical address, for once not to be used. */
static phys_addr_t prd32_buffer_phys(const struct prd32_buffer *buf, u64 offset)
{
	void *cpu = buf->cpu + offset;

	if (buf->pages)
		return page_to_phys(buf->pages[offset >> PAGE_SHIFT]);
	/* Behind an IOMMU, and where caches are not coherent, no address of the linear map. */
	if (is_vmalloc_addr(cpu))
		return PFN_PHYS(vmalloc_to_pfn(cpu));
	return virt_to_phys(cpu);
}

static void prd32_run_show(struct seq_file *file, const struct prd32_buffer *buf, u64 from, u64 to)
{
	phys_addr_t phys = prd32_buffer_phys(buf, from);

	seq_printf(file, "  physical %pa size %llu", &phys, to - from);
	if (buf->cpu)
		seq_printf(file, " virtual %pK", buf->cpu + from);
	else if (!PageHighMem(buf->pages[from >> PAGE_SHIFT]))
		seq_printf(file, " virtual %pK", page_address(buf->pages[from >> PAGE_SHIFT]));
	seq_putc(file, '\n');
}

static void prd32_processor_show(struct seq_file *file, const struct prd32_buffer *buf)
{
	u64 from = 0, to;

	for (to = PAGE_SIZE; to < buf->size; to += PAGE_SIZE) {
		if (prd32_buffer_phys(buf, to) == prd32_buffer_phys(buf, from) + to - from)
			continue;
		prd32_run_show(file, buf, from, to);
		from = to;
	}
	prd32_run_show(file, buf, from, buf->size);
}

/* Kinds whose pages are the DMA API's: its list has those, too. */
static void prd32_list_show(struct seq_file *file, const struct prd32_buffer *buf)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(buf->sgt, sg, i) {
		phys_addr_t phys = sg_phys(sg);

		seq_printf(file, "  physical %pa size %u virtual %pK\n", &phys, sg->length,
			   sg_virt(sg));
	}
}

static void prd32_buffer_show(struct seq_file *file, const struct prd32_buffer *buf)
{
	struct scatterlist *sg;
	unsigned int i;

	seq_printf(file, "%s length %llu\n", buf->ops->name, buf->length);
	if (buf->cpu || buf->pages)
		prd32_processor_show(file, buf);
	else
		prd32_list_show(file, buf);
	for_each_sgtable_dma_sg(buf->sgt, sg, i) {
		dma_addr_t dma = sg_dma_address(sg);

		seq_printf(file, "  dma %pad size %u\n", &dma, sg_dma_len(sg));
	}
}

static int prd32_addresses_show(struct seq_file *file, void *unused)
{
	struct prd32_chrdev *cd = file->private;
	struct prd32_buffer *buf;

	mutex_lock(&cd->lock);
	list_for_each_entry(buf, &cd->buffers, node)
		prd32_buffer_show(file, buf);
	mutex_unlock(&cd->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(prd32_addresses);

/**
 * prd32_addresses_add() - show the addresses of a card's buffers, to root alone
 * @cd: the device
 */
void prd32_addresses_add(struct prd32_chrdev *cd)
{
	debugfs_create_file("addresses", 0400, prd32_debugfs_dir(cd->client->card), cd,
			    &prd32_addresses_fops);
}

/**
 * prd32_addresses_remove() - hide them again; nobody looks any more when this returns
 * @cd: the device
 */
void prd32_addresses_remove(struct prd32_chrdev *cd)
{
	debugfs_lookup_and_remove("addresses", prd32_debugfs_dir(cd->client->card));
}
