/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block layer's interface, as it was before and as it is. Kbuild looks for each feature in the
 * kernel's headers.
 */
#ifndef PRD32_BLOCK_COMPAT_H
#define PRD32_BLOCK_COMPAT_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>

/* Memory is as fast in one order as in another: an I/O scheduler would only cost time. */
#ifdef PRD32_HAVE_SHOULD_MERGE
#define PRD32_TAG_SET_FLAGS	(BLK_MQ_F_NO_SCHED_BY_DEFAULT | BLK_MQ_F_SHOULD_MERGE)
#else
#define PRD32_TAG_SET_FLAGS	BLK_MQ_F_NO_SCHED_BY_DEFAULT
#endif

static inline int prd32_rq_map_sg(struct request *rq, struct scatterlist *sg)
{
#ifdef PRD32_HAVE_RQ_MAP_SG_OF_RQ
	return blk_rq_map_sg(rq, sg);
#else
	return blk_rq_map_sg(rq->q, rq, sg);
#endif
}

#ifdef PRD32_HAVE_QUEUE_LIMITS_UPDATE
#define prd32_alloc_disk blk_mq_alloc_disk
#else
/* Linux 6.1 has a function for each limit, which adjusts others. */
static inline void prd32_set_limits(struct request_queue *q, const struct queue_limits *lim)
{
	blk_queue_logical_block_size(q, lim->logical_block_size);
	blk_queue_physical_block_size(q, lim->physical_block_size);
	blk_queue_io_min(q, lim->io_min);
	blk_queue_io_opt(q, lim->io_opt);
	blk_queue_max_hw_sectors(q, lim->max_hw_sectors);
	blk_queue_max_segments(q, lim->max_segments);
	blk_queue_max_segment_size(q, lim->max_segment_size);
	blk_queue_segment_boundary(q, lim->seg_boundary_mask);
	blk_queue_dma_alignment(q, lim->dma_alignment);
	blk_queue_max_discard_sectors(q, lim->max_hw_discard_sectors);
	blk_queue_max_write_zeroes_sectors(q, lim->max_write_zeroes_sectors);
	q->limits.discard_granularity = lim->discard_granularity;
	blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
}

#define prd32_alloc_disk(set, lim, queuedata)			\
({								\
	struct gendisk *gd = blk_mq_alloc_disk(set, queuedata);	\
								\
	if (!IS_ERR(gd))					\
		prd32_set_limits(gd->queue, lim);		\
	gd;							\
})
#endif

#endif /* PRD32_BLOCK_COMPAT_H */
