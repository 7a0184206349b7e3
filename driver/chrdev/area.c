// SPDX-License-Identifier: GPL-2.0-only
/*
 * Areas of card memory that a file has reserved.
 */
#include <linux/slab.h>

#include "chrdev.h"

/**
 * struct prd32_area - an area of card memory
 * @node: in its file's list
 * @card_addr: where it begins
 * @length: as it was asked for
 */
struct prd32_area {
	struct list_head node;
	u32 card_addr;
	u32 length;
};

/**
 * prd32_area_alloc() - PRD32_IOC_AREA_ALLOC
 * @pf: the file; the card is there
 * @arg: struct prd32_ioc_area_alloc
 *
 * Return: 1 or a negative errno.
 */
int prd32_area_alloc(struct prd32_file *pf, void *arg)
{
	struct prd32_ioc_area_alloc *args = arg;
	struct prd32_chrdev *cd = pf->cd;
	struct prd32_area *area;
	int err;

	if (!args->length)
		return -EINVAL;
	if (args->length > cd->info.mem_size)
		return -ENOSPC;
	area = kmalloc(sizeof(*area), GFP_KERNEL);
	if (!area)
		return -ENOMEM;
	area->length = args->length;
	err = prd32_memory_alloc(cd->client->card, area->length, &area->card_addr);
	if (err) {
		kfree(area);
		return err;
	}
	args->card_addr = area->card_addr;
	mutex_lock(&cd->lock);
	list_add_tail(&area->node, &pf->areas);
	mutex_unlock(&cd->lock);
	return 1;
}

static struct prd32_area *prd32_area_take(struct prd32_file *pf, u64 card_addr)
{
	struct prd32_area *area;

	list_for_each_entry(area, &pf->areas, node)
		if (area->card_addr == card_addr) {
			list_del(&area->node);
			return area;
		}
	return NULL;
}

/* With the device locked: an area in a list means that the card is there. */
static void prd32_area_destroy(struct prd32_file *pf, struct prd32_area *area)
{
	prd32_memory_free(pf->cd->client->card, area->card_addr, area->length);
	kfree(area);
}

/**
 * prd32_area_free() - PRD32_IOC_AREA_FREE
 * @pf: the file
 * @arg: struct prd32_ioc_area_free
 *
 * Return: 0 or -ENOENT.
 */
int prd32_area_free(struct prd32_file *pf, void *arg)
{
	struct prd32_ioc_area_free *args = arg;
	struct prd32_area *area;

	mutex_lock(&pf->cd->lock);
	area = prd32_area_take(pf, args->card_addr);
	if (area)
		prd32_area_destroy(pf, area);
	mutex_unlock(&pf->cd->lock);
	return area ? 0 : -ENOENT;
}

/**
 * prd32_areas_release() - give all areas of a file back
 * @pf: the file; its device is locked
 */
void prd32_areas_release(struct prd32_file *pf)
{
	struct prd32_area *area, *next;

	list_for_each_entry_safe(area, next, &pf->areas, node) {
		list_del(&area->node);
		prd32_area_destroy(pf, area);
	}
}
