/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block device: device.c is the disk, queue.c what its requests do.
 */
#ifndef PRD32_BLOCK_H
#define PRD32_BLOCK_H

#include <linux/atomic.h>
#include <linux/blk-mq.h>
#include <linux/scatterlist.h>

#include "prd32.h"

/* How much a request may fill with zeros: so many descriptors of 64 KiB. */
#define PRD32_BLOCK_ZERO_SEGMENTS 256

/**
 * struct prd32_disk - /dev/prd32bN; an open file keeps it, beyond the card
 * @client: the seat at the card; not to be used once the disk was deleted
 * @gd: the disk
 * @tags: its requests
 * @area: where it is in card memory, bytes
 * @size: its size in bytes
 * @max_segments: entries in a request's scatter list
 * @poll_queues: hardware queues whose requests end without an interrupt
 * @mapped: requests that have memory mapped
 * @zeros: 64 KiB of zeros that the card can read
 * @zeros_dma: bus address of @zeros
 * @zeros_stuck: the engine may still be at @zeros: it must never be freed
 * @zero_sg: @zeros again and again: what is read to fill a part of the disk
 */
struct prd32_disk {
	struct prd32_client *client;
	struct gendisk *gd;
	struct blk_mq_tag_set tags;
	u32 area;
	u32 size;
	unsigned int max_segments;
	unsigned int poll_queues;
	atomic_t mapped;
	void *zeros;
	dma_addr_t zeros_dma;
	bool zeros_stuck;
	struct scatterlist zero_sg[PRD32_BLOCK_ZERO_SEGMENTS];
};

/* queue.c */
int prd32_queue_init(struct prd32_disk *disk);
void prd32_queue_exit(struct prd32_disk *disk);

#endif /* PRD32_BLOCK_H */
