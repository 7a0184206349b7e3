// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/prd32bN: a part of the card's memory as a disk. What is in it is lost with the card's power;
 * there is no cache in front of it, so nothing to flush.
 */
#include <linux/blkdev.h>
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "block.h"
#include "compat.h"

/* A request has room for so many: 2 MiB of scattered pages in 16 KiB. */
#define MAX_SEGMENTS	512
#define PAGE_OF_CARD	SZ_4K
#define BEST_SIZE	SZ_1M
/*
 * Linux 6.1 looks for a place in the bounce buffer in steps of 8 KiB from wherever that begins, and
 * may never meet a 64 KiB boundary: a piece that just fits between two of them is refused then.
 */
#define BOUNCED_SEGMENT	SZ_32K

static int prd32_disk_mib = -1;

static int prd32_set_disk_mib(const char *val, const struct kernel_param *kp)
{
	int mib, err = kstrtoint(val, 0, &mib);

	if (err)
		return err;
	return mib < -1 ? -EINVAL : param_set_int(val, kp);
}

static const struct kernel_param_ops prd32_disk_mib_ops = {
	.set = prd32_set_disk_mib,
	.get = param_get_int,
};
module_param_cb(disk_mib, &prd32_disk_mib_ops, &prd32_disk_mib, 0644);
MODULE_PARM_DESC(disk_mib, "size of the disk of each card that is bound next, MiB (0: no disk, default -1: half of card memory)");

static unsigned int prd32_poll_queues;
module_param_named(poll_queues, prd32_poll_queues, uint, 0644);
MODULE_PARM_DESC(poll_queues, "queues of the disk for polled I/O (default 0)");

static void prd32_block_free(struct gendisk *gd)
{
	kfree(gd->private_data);
}

/* owner: an open disk keeps the module loaded. */
static const struct block_device_operations prd32_block_fops = {
	.owner = THIS_MODULE,
	.free_disk = prd32_block_free,
};

static u64 prd32_disk_size(const struct prd32_info *info)
{
	int mib = READ_ONCE(prd32_disk_mib);

	return mib < 0 ? round_down(info->mem_size / 2, PAGE_OF_CARD) : (u64)mib * SZ_1M;
}

/*
 * Where memory may begin. No less than a word: the block layer takes 0 for a sector. The card must
 * not write to cache lines that it does not see and that others' bytes share; the block layer tells
 * the alignment for both directions at once.
 */
static u32 prd32_block_alignment(struct prd32_card *card)
{
	u32 align = max_t(u32, prd32_info(card)->granule, sizeof(u32));

	if (!dev_is_dma_coherent(prd32_dma_dev(card)))
		align = max_t(u32, align, dma_get_cache_alignment());
	return align;
}

/* What the table can take, in segments that the DMA API takes: see prd32_limit_segments(). */
static void prd32_block_limits(const struct prd32_disk *disk, struct queue_limits *lim)
{
	struct prd32_card *card = disk->client->card;
	struct device *dev = prd32_dma_dev(card);
	size_t mapping = dma_max_mapping_size(dev);
	u64 most = min_t(u64, disk->max_segments * PRD32_LIMIT_PRD_MAX_BYTES, mapping);

	*lim = (struct queue_limits){
		.logical_block_size = max_t(u32, prd32_info(card)->granule, SECTOR_SIZE),
		.physical_block_size = PAGE_OF_CARD,
		.io_min = PAGE_OF_CARD,
		.io_opt = round_down(min_t(u64, most, BEST_SIZE), PAGE_OF_CARD),
		.max_hw_sectors = round_down(most, PAGE_OF_CARD) >> SECTOR_SHIFT,
		.max_segments = disk->max_segments,
		.max_segment_size = mapping == SIZE_MAX ? dma_get_max_seg_size(dev) :
							  BOUNCED_SEGMENT,
		.seg_boundary_mask = dma_get_seg_boundary(dev),
		.dma_alignment = prd32_block_alignment(card) - 1,
		.discard_granularity = PAGE_OF_CARD,
		.max_hw_discard_sectors = PRD32_BLOCK_ZERO_SEGMENTS *
					  (PRD32_LIMIT_PRD_MAX_BYTES >> SECTOR_SHIFT),
		.max_write_zeroes_sectors = PRD32_BLOCK_ZERO_SEGMENTS *
					    (PRD32_LIMIT_PRD_MAX_BYTES >> SECTOR_SHIFT),
	};
}

static int prd32_disk_add(struct prd32_disk *disk)
{
	struct auxiliary_device *adev = &disk->client->adev;
	struct queue_limits lim;
	struct gendisk *gd;
	int err;

	prd32_block_limits(disk, &lim);
	gd = prd32_alloc_disk(&disk->tags, &lim, disk);
	if (IS_ERR(gd))
		return PTR_ERR(gd);
	disk->gd = gd;
	gd->fops = &prd32_block_fops;
	gd->private_data = disk;
	snprintf(gd->disk_name, sizeof(gd->disk_name), PRD32_NAME "b%u", adev->id);
	set_capacity(gd, disk->size >> SECTOR_SHIFT);
	err = device_add_disk(&adev->dev, gd, NULL);
	if (err)
		put_disk(gd);
	return err;
}

static int prd32_block_probe(struct auxiliary_device *adev, const struct auxiliary_device_id *id)
{
	struct prd32_client *client = to_prd32_client(adev);
	const struct prd32_info *info = prd32_info(client->card);
	u64 size = prd32_disk_size(info);
	struct prd32_disk *disk;
	int err;

	if (!size)
		return -ENODEV;
	if (size > info->mem_size)
		return dev_err_probe(&adev->dev, -ENOSPC, "card memory is smaller than disk_mib\n");
	disk = kzalloc(sizeof(*disk), GFP_KERNEL);
	if (!disk)
		return -ENOMEM;
	disk->client = client;
	disk->size = size;
	/* Each cut in two, they fit in a table; what has to be cut further goes on in another. */
	disk->max_segments = clamp_t(u32, info->max_prds / 2, 1, MAX_SEGMENTS);
	disk->poll_queues = min(READ_ONCE(prd32_poll_queues), num_possible_cpus());

	err = prd32_memory_alloc(client->card, disk->size, &disk->area);
	if (err) {
		dev_err_probe(&adev->dev, err, "no %u bytes of card memory are free\n", disk->size);
		goto free_disk;
	}
	err = prd32_queue_init(disk);
	if (err)
		goto free_memory;
	err = prd32_disk_add(disk);
	if (err)
		goto exit_queue;
	auxiliary_set_drvdata(adev, disk);
	return 0;

exit_queue:
	prd32_queue_exit(disk);
free_memory:
	prd32_memory_free(client->card, disk->area, disk->size);
free_disk:
	kfree(disk);
	return err;
}

/* What is dirty is written first, unless the card has left; then everything fails at once. */
static void prd32_block_remove(struct auxiliary_device *adev)
{
	struct prd32_disk *disk = auxiliary_get_drvdata(adev);
	struct prd32_card *card = disk->client->card;

	if (!pci_device_is_present(to_pci_dev(prd32_dma_dev(card))))
		blk_mark_disk_dead(disk->gd);
	del_gendisk(disk->gd);
	prd32_queue_exit(disk);
	prd32_memory_free(card, disk->area, disk->size);
	/* The last who has it open frees the rest. */
	put_disk(disk->gd);
}

static const struct auxiliary_device_id prd32_block_ids[] = {
	{ .name = PRD32_NAME "." PRD32_CLIENT_BLOCK },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, prd32_block_ids);

static struct auxiliary_driver prd32_block_driver = {
	.name = PRD32_CLIENT_BLOCK,
	.id_table = prd32_block_ids,
	.probe = prd32_block_probe,
	.remove = prd32_block_remove,
};

/**
 * prd32_block_init() - once, before any card
 *
 * Return: 0 or a negative errno.
 */
int prd32_block_init(void)
{
	return auxiliary_driver_register(&prd32_block_driver);
}

/**
 * prd32_block_exit() - once, after the last card
 */
void prd32_block_exit(void)
{
	auxiliary_driver_unregister(&prd32_block_driver);
}
