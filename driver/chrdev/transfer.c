// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes that move, in as many requests as it takes: memory of the caller is mapped in pieces that
 * the DMA API can give, and edges that must not be mapped go through a piece of the driver's.
 * Memory that is mapped already is one request.
 */
#include <linux/dma-mapping.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include "chrdev.h"
#include "core/trace.h"

/* Of a scatter list: what an interrupt handler may look at. */
#define EASY_ENTRIES	512

unsigned int prd32_chunk_kib = 16 * 1024;

static struct workqueue_struct *prd32_wq;

static void prd32_transfer_work(struct work_struct *work);

/**
 * prd32_chunk() - the parameter chunk_kib
 *
 * Return: bytes, a multiple of what any card moves at least.
 */
size_t prd32_chunk(void)
{
	return round_down((size_t)READ_ONCE(prd32_chunk_kib) * SZ_1K, PAGE_SIZE);
}

/**
 * prd32_transfer_init() - prepare a transfer
 * @t: filled in; its memory, and what is not usual of its request, is the caller's to add
 * @cd: the device
 * @card_addr: offset into card memory, bytes
 * @length: bytes
 * @to_host: the card writes host memory
 */
void prd32_transfer_init(struct prd32_transfer *t, struct prd32_chrdev *cd, u32 card_addr,
			 size_t length, bool to_host)
{
	memset(t, 0, sizeof(*t));
	t->cd = cd;
	t->card_addr = card_addr;
	t->length = length;
	t->to_host = to_host;
	t->window = prd32_chunk();
	t->req.client = cd->client;
	t->req.endpoint = PRD32_ENDPOINT_MEMORY;
	spin_lock_init(&t->lock);
	init_completion(&t->done_event);
}

/* What the card wrote is in its place, not in a bounce buffer that the unmapping copies from. */
static bool prd32_transfer_arrived(struct prd32_transfer *t)
{
	struct device *dev = prd32_chrdev_dma(t->cd);
	struct scatterlist *sg;
	unsigned int i;

	if (!t->to_host)
		return true;
	if (t->sgt.nents > EASY_ENTRIES)
		return false;
	for_each_sgtable_dma_sg(&t->sgt, sg, i)
		if (dma_need_sync(dev, sg_dma_address(sg)))
			return false;
	return true;
}

/* Nothing is left to do for which one would have to sleep, nor much of anything. */
static bool prd32_transfer_ends_at_once(struct prd32_transfer *t)
{
	return t->at_once && !t->edge && !t->req.error && !t->req.stuck &&
	       t->done + t->req.moved == t->length && prd32_transfer_arrived(t) &&
	       prd32_pinned_is_easy(t->pinned);
}

static void prd32_transfer_complete(struct prd32_request *req)
{
	struct prd32_transfer *t = container_of(req, struct prd32_transfer, req);

	if (!t->end)
		complete(&t->done_event);
	else if (prd32_transfer_ends_at_once(t))
		prd32_transfer_work(&t->work);
	else
		queue_work(prd32_wq, &t->work);
}

/* On success of a transfer that nobody waits for, it may be over, and gone, on return. */
static int prd32_transfer_submit(struct prd32_transfer *t, struct scatterlist *sg,
				 unsigned int nents, u32 card_addr, size_t length, bool to_host)
{
	int channel = t->end && !t->polled ? PRD32_NEAR_CHANNEL : PRD32_ANY_CHANNEL;
	unsigned long flags;
	int err;

	t->req.sg = sg;
	t->req.nents = nents;
	t->req.card_addr = card_addr;
	t->req.length = length;
	t->req.to_host = to_host;
	t->req.polled = t->polled ||
			(!t->end && prd32_worth_spinning(t->req.client->card, length));
	t->req.complete = prd32_transfer_complete;
	reinit_completion(&t->done_event);
	prd32_take_ends(t->req.client->card);
	spin_lock_irqsave(&t->lock, flags);
	err = t->abort ?: prd32_submit(&t->req, channel);
	spin_unlock_irqrestore(&t->lock, flags);
	return err;
}

/* A mapping may fail for want of bounce buffers, which a smaller one needs fewer of. */
static int prd32_transfer_map(struct prd32_transfer *t, size_t bytes)
{
	struct device *dev = prd32_chrdev_dma(t->cd);
	bool whole = t->req.endpoint != PRD32_ENDPOINT_MEMORY;

	for (;;) {
		bytes = whole ? bytes : min(bytes, t->window);
		if (prd32_pinned_list(t->pinned, &t->sgt, t->done, bytes))
			return -ENOMEM;
		if (!dma_map_sgtable(dev, &t->sgt, prd32_dir(t->to_host), DMA_ATTR_NO_WARN))
			break;
		sg_free_table(&t->sgt);
		if (whole || bytes <= PAGE_SIZE)
			return -ENOMEM;
		t->window = max(round_down(bytes / 2, PAGE_SIZE), PAGE_SIZE);
	}
	trace_prd32_map(&t->sgt, t->to_host);
	return bytes;
}

static void prd32_transfer_unmap(struct prd32_transfer *t)
{
	/* The engine may still be there: what it was given stays mapped, and belongs to it. */
	if (t->stuck) {
		prd32_pinned_abandon(t->pinned);
		return;
	}
	trace_prd32_unmap(&t->sgt, t->to_host);
	dma_unmap_sgtable(prd32_chrdev_dma(t->cd), &t->sgt, prd32_dir(t->to_host), 0);
	sg_free_table(&t->sgt);
}

static int prd32_transfer_body(struct prd32_transfer *t)
{
	size_t align = t->to_host ? t->cd->align_in : t->cd->align_out;
	int bytes = prd32_transfer_map(t, round_down(t->length - t->done, align));
	int err;

	if (bytes < 0)
		return bytes;
	err = prd32_transfer_submit(t, t->sgt.sgl, t->sgt.nents, t->card_addr + t->done, bytes,
				    t->to_host);
	if (err)
		prd32_transfer_unmap(t);
	return err;
}

static int prd32_transfer_edge(struct prd32_transfer *t, size_t length)
{
	int err = prd32_edge_prepare(t, length);

	if (err)
		return err;
	return prd32_transfer_submit(t, &t->piece_sg, 1, prd32_edge_card_addr(t),
				     sg_dma_len(&t->piece_sg), !t->merged);
}

/* From its first byte on. Its entry is looked for here and not under a lock: there may be many. */
static int prd32_transfer_mapped(struct prd32_transfer *t)
{
	struct scatterlist *sg = t->mapped->sgl;
	unsigned int nents = t->mapped->nents;
	u64 skip = t->skip;

	while (nents > 1 && skip >= sg_dma_len(sg)) {
		skip -= sg_dma_len(sg);
		sg = sg_next(sg);
		nents--;
	}
	t->req.skip = skip;
	return prd32_transfer_submit(t, sg, nents, t->card_addr, t->length, t->to_host);
}

/* Submit the next request. */
static int prd32_transfer_next(struct prd32_transfer *t)
{
	size_t edge;

	if (!t->pinned)
		return prd32_transfer_mapped(t);
	edge = t->merged ? t->edge : prd32_edge_length(t);
	return edge ? prd32_transfer_edge(t, edge) : prd32_transfer_body(t);
}

/* A request completed: undo what was done for it, count its bytes. */
static int prd32_transfer_finish(struct prd32_transfer *t)
{
	unsigned long flags;

	/* Whoever submitted or aborted it lets go of it first. */
	spin_lock_irqsave(&t->lock, flags);
	spin_unlock_irqrestore(&t->lock, flags);

	t->stuck = t->req.stuck;
	t->req.nowait = false;
	if (t->edge)
		return prd32_edge_finish(t);
	if (t->pinned)
		prd32_transfer_unmap(t);
	t->done += t->req.moved;
	return t->req.error;
}

/* Return: true when another request is under way. */
static bool prd32_transfer_goes_on(struct prd32_transfer *t)
{
	int err = prd32_transfer_finish(t);

	if (!err && t->done < t->length) {
		err = prd32_transfer_next(t);
		if (!err)
			return true;
	}
	t->error = err;
	prd32_edge_free(t);
	return false;
}

/**
 * prd32_transfer_run() - have it done, and wait
 * @t: the transfer
 *
 * Only a fatal signal is heeded: then the engine is stopped, and has stopped on return.
 *
 * Return: 0 when it was begun, and is over: see its results. Else it was not: -EAGAIN (nowait, and
 * the card is busy), -EBUSY (cyclic requests have every channel), -EINVAL, -EOPNOTSUPP (the card
 * does not do that), -EIO (the card is out of order), -ENODEV, -ENOMEM.
 */
int prd32_transfer_run(struct prd32_transfer *t)
{
	int err;

	if (!prd32_chrdev_enter(t->cd))
		return -ENODEV;
	err = prd32_transfer_next(t);
	if (err) {
		prd32_edge_free(t);
		goto leave;
	}
	do {
		u64 since = ktime_get_ns();

		if (t->req.polled)
			prd32_spin(&t->req);
		if (wait_for_completion_killable(&t->done_event)) {
			prd32_transfer_abort(t, -EINTR);
			wait_for_completion(&t->done_event);
		}
		prd32_waited(t->req.client->card, t->req.length, since);
	} while (prd32_transfer_goes_on(t));
leave:
	prd32_chrdev_leave(t->cd);
	return err;
}

static void prd32_transfer_work(struct work_struct *work)
{
	struct prd32_transfer *t = container_of(work, struct prd32_transfer, work);
	struct prd32_chrdev *cd = t->cd;

	if (prd32_transfer_goes_on(t))
		return;
	t->end(t);
	/* The driver's own reference to it goes after this. */
	prd32_chrdev_leave(cd);
}

/**
 * prd32_transfer_start() - have it done, and do not wait
 * @t: the transfer, with an end()
 *
 * Return: 0, and end() will be called, or has been. Else it will not be: as prd32_transfer_run().
 */
int prd32_transfer_start(struct prd32_transfer *t)
{
	struct prd32_chrdev *cd = t->cd;
	int err;

	if (!prd32_chrdev_enter(cd))
		return -ENODEV;
	INIT_WORK(&t->work, prd32_transfer_work);
	err = prd32_transfer_next(t);
	if (err) {
		prd32_edge_free(t);
		prd32_chrdev_leave(cd);
	}
	return err;
}

/**
 * prd32_transfer_abort() - end it early
 * @t: a transfer that was begun; it may be ending right now, but must still exist
 * @error: its result, unless it succeeds all the same
 */
void prd32_transfer_abort(struct prd32_transfer *t, int error)
{
	unsigned long flags;

	spin_lock_irqsave(&t->lock, flags);
	t->abort = error;
	prd32_cancel(&t->req, error);
	spin_unlock_irqrestore(&t->lock, flags);
}

/**
 * prd32_transfer_setup() - once, before any device
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_transfer_setup(void)
{
	prd32_wq = alloc_workqueue("prd32", WQ_UNBOUND | WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	return prd32_wq ? 0 : -ENOMEM;
}

/**
 * prd32_transfer_cleanup() - once, after the last device
 */
void prd32_transfer_cleanup(void)
{
	destroy_workqueue(prd32_wq);
}
