// SPDX-License-Identifier: GPL-2.0-only
/*
 * What requests of the block layer become: a mapped scatter list and a request of the core.
 *
 * Deadlines: the core has one for each descriptor table and recovers by itself, so it comes first.
 * That of the block layer is for the engine's time, too: it starts anew while a request waits for
 * others, and once more when the engine has come to it.
 */
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/task_stack.h>

#include "block.h"
#include "compat.h"
#include "core/trace.h"

#define QUEUE_DEPTH	64
#define TIMEOUT		(30 * HZ)
/* For how long others are waited for that hold all the memory by which the card can be reached. */
#define MAP_PATIENCE	(HZ / 10)

/**
 * enum prd32_io_state - who ends a request
 * @PRD32_IO_TOLD: who tells of its end
 * @PRD32_IO_SPINNING: who submitted it, and looks for its end
 * @PRD32_IO_SEEN: the same, and its end has come
 */
enum prd32_io_state {
	PRD32_IO_TOLD,
	PRD32_IO_SPINNING,
	PRD32_IO_SEEN,
};

/**
 * struct prd32_io - a request's own data, behind the block layer's
 * @req: the core's part
 * @sgt: its memory; empty when it is the disk's zeros
 * @since: when it was first tried, jiffies
 * @late: the engine had it when its time had passed before
 * @waited: others were under way at the last attempt to map it
 * @asked: when it was submitted, ns, if its submitter waits for it; else 0
 * @state: who has it, once its end has come
 * @sg: room for the list
 */
struct prd32_io {
	struct prd32_request req;
	struct sg_table sgt;
	unsigned long since;
	bool late;
	bool waited;
	u64 asked;
	enum prd32_io_state state;
	struct scatterlist sg[];
};

/*
 * Bounce buffers and the like are used up: that passes when another request ends, ours or another
 * front end's. When none is under way it may never, and an error is better than a hang.
 */
static blk_status_t prd32_map_failed(struct prd32_disk *disk, struct prd32_io *io)
{
	bool busy = atomic_read(&disk->mapped) || prd32_is_busy(disk->client->card);
	bool again = io->waited && !busy;

	io->waited = busy;
	/* Those that were waited for may have ended after the attempt. */
	if (again || time_before(jiffies, io->since + (busy ? TIMEOUT : MAP_PATIENCE)))
		return BLK_STS_RESOURCE;
	return BLK_STS_IOERR;
}

static blk_status_t prd32_map(struct prd32_disk *disk, struct request *rq)
{
	struct device *dev = prd32_dma_dev(disk->client->card);
	struct prd32_io *io = blk_mq_rq_to_pdu(rq);

	sg_init_table(io->sg, blk_rq_nr_phys_segments(rq));
	io->sgt.sgl = io->sg;
	io->sgt.orig_nents = prd32_rq_map_sg(rq, io->sg);
	if (dma_map_sgtable(dev, &io->sgt, rq_dma_dir(rq), DMA_ATTR_NO_WARN))
		return prd32_map_failed(disk, io);
	atomic_inc(&disk->mapped);
	trace_prd32_map(&io->sgt, io->req.to_host);
	io->req.sg = io->sg;
	io->req.nents = io->sgt.nents;
	return BLK_STS_OK;
}

/* The engine may still be at this memory: it stays mapped, and nobody is to get it again. */
static void prd32_abandon(struct request *rq)
{
	struct req_iterator iter;
	struct bio_vec bvec;

	rq_for_each_segment(bvec, rq, iter)
		prd32_leak_page(bvec.bv_page);
}

static void prd32_unmap(struct prd32_disk *disk, struct request *rq)
{
	struct prd32_io *io = blk_mq_rq_to_pdu(rq);

	if (!io->sgt.orig_nents) {
		if (io->req.stuck)
			WRITE_ONCE(disk->zeros_stuck, true);
		return;
	}
	atomic_dec(&disk->mapped);
	if (io->req.stuck) {
		prd32_abandon(rq);
		return;
	}
	trace_prd32_unmap(&io->sgt, io->req.to_host);
	dma_unmap_sgtable(prd32_dma_dev(disk->client->card), &io->sgt, rq_dma_dir(rq), 0);
}

static void prd32_io_ended(struct prd32_request *req)
{
	struct prd32_io *io = container_of(req, struct prd32_io, req);

	if (cmpxchg(&io->state, PRD32_IO_SPINNING, PRD32_IO_SEEN) == PRD32_IO_TOLD)
		blk_mq_complete_request(blk_mq_rq_from_pdu(io));
}

static void prd32_complete_rq(struct request *rq)
{
	struct prd32_disk *disk = rq->q->queuedata;
	struct prd32_io *io = blk_mq_rq_to_pdu(rq);

	if (io->asked)
		prd32_waited(disk->client->card, io->req.length, io->asked);
	prd32_unmap(disk, rq);
	blk_mq_end_request(rq, errno_to_blk_status(io->req.error));
}

/* What ends meanwhile ends here, without the interrupt and the softirq. */
static void prd32_spin_rq(struct request *rq)
{
	struct prd32_io *io = blk_mq_rq_to_pdu(rq);

	prd32_spin(&io->req);
	if (cmpxchg(&io->state, PRD32_IO_SPINNING, PRD32_IO_TOLD) == PRD32_IO_SEEN)
		prd32_complete_rq(rq);
}

/*
 * Does the caller do nothing but wait for it? A bio on its own stack says so, as it must not
 * outlive that: submit_bio_wait(), as for a read() past the cache. Of others nobody can tell.
 */
static bool prd32_is_waited_for(const struct request *rq)
{
	return rq->mq_hctx->type != HCTX_TYPE_POLL && rq->bio && object_is_on_stack(rq->bio);
}

static blk_status_t prd32_prepare(struct prd32_disk *disk, struct request *rq)
{
	struct prd32_io *io = blk_mq_rq_to_pdu(rq);
	bool polled = rq->mq_hctx->type == HCTX_TYPE_POLL;
	bool spin = prd32_is_waited_for(rq) &&
		    prd32_worth_spinning(disk->client->card, blk_rq_bytes(rq));

	/* A request that was put off comes again. */
	if (!(rq->rq_flags & RQF_DONTPREP)) {
		rq->rq_flags |= RQF_DONTPREP;
		io->since = jiffies;
		io->waited = false;
	}
	io->req = (struct prd32_request){
		.client = disk->client,
		.length = blk_rq_bytes(rq),
		.card_addr = disk->area + (blk_rq_pos(rq) << SECTOR_SHIFT),
		.to_host = rq_data_dir(rq) == READ,
		.polled = polled || spin,
		.complete = prd32_io_ended,
	};
	io->late = false;
	io->state = spin ? PRD32_IO_SPINNING : PRD32_IO_TOLD;
	switch (req_op(rq)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		return prd32_map(disk, rq);
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		io->sgt.orig_nents = 0;
		io->req.sg = disk->zero_sg;
		io->req.nents = PRD32_BLOCK_ZERO_SEGMENTS;
		return BLK_STS_OK;
	default:
		return BLK_STS_NOTSUPP;
	}
}

static blk_status_t prd32_queue_rq(struct blk_mq_hw_ctx *hctx,
				   const struct blk_mq_queue_data *bd)
{
	struct prd32_disk *disk = hctx->queue->queuedata;
	struct prd32_io *io = blk_mq_rq_to_pdu(bd->rq);
	blk_status_t status;
	bool spin, waited;
	int channel, err;

	prd32_take_ends(disk->client->card);
	status = prd32_prepare(disk, bd->rq);
	if (status != BLK_STS_OK)
		return status;
	/* It may be over, and another's, as soon as it is submitted, unless somebody spins. */
	spin = io->state == PRD32_IO_SPINNING;
	waited = prd32_is_waited_for(bd->rq);
	io->asked = waited ? ktime_get_ns() : 0;
	channel = waited || io->req.polled ? PRD32_ANY_CHANNEL : PRD32_NEAR_CHANNEL;
	blk_mq_start_request(bd->rq);
	err = prd32_submit(&io->req, channel);
	if (!err) {
		if (spin)
			prd32_spin_rq(bd->rq);
		return BLK_STS_OK;
	}
	prd32_unmap(disk, bd->rq);
	if (err != -EBUSY)
		return errno_to_blk_status(err);
	/* Cyclic requests have all the channels, for as long as they like; this waits no longer. */
	return time_before(jiffies, io->since + TIMEOUT) ? BLK_STS_RESOURCE : BLK_STS_IOERR;
}

static enum blk_eh_timer_return prd32_timeout(struct request *rq)
{
	struct prd32_io *io = blk_mq_rq_to_pdu(rq);
	bool late = io->late;

	/* What it waits for has deadlines of its own; and the engine may just have come to it. */
	io->late = prd32_is_running(&io->req);
	if (!late || !io->late)
		return BLK_EH_RESET_TIMER;
	/* It completes when its memory is free, which may be right now or after a reset. */
	prd32_cancel(&io->req, -ETIMEDOUT);
	return BLK_EH_DONE;
}

/* The core says which channel is the least busy, not the queue; so look at each. */
static int prd32_poll_queue(struct blk_mq_hw_ctx *hctx, struct io_comp_batch *batch)
{
	struct prd32_disk *disk = hctx->queue->queuedata;
	struct prd32_card *card = disk->client->card;
	unsigned int i;
	int ended = 0;

	for (i = 0; i < prd32_info(card)->channels; i++)
		ended += prd32_poll(card, i);
	return ended;
}

static void prd32_map_queues(struct blk_mq_tag_set *set)
{
	struct prd32_disk *disk = set->driver_data;
	unsigned int i, used = 0;

	for (i = 0; i < set->nr_maps; i++) {
		struct blk_mq_queue_map *map = &set->map[i];

		map->queue_offset = used;
		map->nr_queues = i == HCTX_TYPE_DEFAULT ? 1 :
				 i == HCTX_TYPE_POLL ? disk->poll_queues : 0;
		used += map->nr_queues;
		if (map->nr_queues)
			blk_mq_map_queues(map);
	}
}

static const struct blk_mq_ops prd32_mq_ops = {
	.queue_rq = prd32_queue_rq,
	.complete = prd32_complete_rq,
	.timeout = prd32_timeout,
	.poll = prd32_poll_queue,
	.map_queues = prd32_map_queues,
};

static int prd32_zeros_init(struct prd32_disk *disk)
{
	struct scatterlist *sg;
	unsigned int i;

	disk->zeros = dma_alloc_coherent(prd32_dma_dev(disk->client->card),
					 PRD32_LIMIT_PRD_MAX_BYTES, &disk->zeros_dma, GFP_KERNEL);
	if (!disk->zeros)
		return -ENOMEM;
	sg_init_table(disk->zero_sg, PRD32_BLOCK_ZERO_SEGMENTS);
	for_each_sg(disk->zero_sg, sg, PRD32_BLOCK_ZERO_SEGMENTS, i) {
		sg_dma_address(sg) = disk->zeros_dma;
		sg_dma_len(sg) = PRD32_LIMIT_PRD_MAX_BYTES;
	}
	return 0;
}

static void prd32_zeros_exit(struct prd32_disk *disk)
{
	/* What an engine still reads must not become others' memory. */
	if (READ_ONCE(disk->zeros_stuck))
		return;
	dma_free_coherent(prd32_dma_dev(disk->client->card), PRD32_LIMIT_PRD_MAX_BYTES,
			  disk->zeros, disk->zeros_dma);
}

/**
 * prd32_queue_init() - make the requests of a disk
 * @disk: the disk; @client, @max_segments and @poll_queues are set
 *
 * Return: 0 or a negative errno.
 */
int prd32_queue_init(struct prd32_disk *disk)
{
	struct blk_mq_tag_set *tags = &disk->tags;
	int err = prd32_zeros_init(disk);

	if (err)
		return err;
	tags->ops = &prd32_mq_ops;
	tags->driver_data = disk;
	tags->nr_hw_queues = 1 + disk->poll_queues;
	tags->nr_maps = disk->poll_queues ? HCTX_MAX_TYPES : 1;
	tags->queue_depth = QUEUE_DEPTH;
	tags->numa_node = dev_to_node(prd32_dma_dev(disk->client->card));
	tags->timeout = TIMEOUT;
	tags->flags = PRD32_TAG_SET_FLAGS;
	tags->cmd_size = sizeof(struct prd32_io) + disk->max_segments * sizeof(struct scatterlist);
	err = blk_mq_alloc_tag_set(tags);
	if (err)
		prd32_zeros_exit(disk);
	return err;
}

/**
 * prd32_queue_exit() - undo prd32_queue_init()
 * @disk: the disk, without requests
 */
void prd32_queue_exit(struct prd32_disk *disk)
{
	blk_mq_free_tag_set(&disk->tags);
	prd32_zeros_exit(disk);
}
