// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors are done one after the other: each becomes a request of the core, or many if it is
 * a copy. The next one is started from where the last one's end is heard of, often an interrupt.
 */
#include <linux/math64.h>
#include <linux/minmax.h>

#include "dma.h"

/*
 * A copy goes piece by piece, and each piece in two steps: from the source into the staging area,
 * from there to the destination.
 */
static void prd32_dma_copy_step(struct prd32_dma_desc *desc, bool to_host)
{
	struct prd32_request *req = &desc->req;
	struct scatterlist *src = desc->sgt.sgl;

	req->to_host = to_host;
	req->sg = to_host ? sg_next(src) : src;
	req->skip = desc->copied;
	req->length = min_t(u32, desc->length - desc->copied, PRD32_DMA_STAGING);
}

/**
 * prd32_dma_rewind() - make a descriptor ready to be done from its beginning
 * @desc: the descriptor
 */
void prd32_dma_rewind(struct prd32_dma_desc *desc)
{
	desc->terminated = false;
	desc->copied = 0;
	desc->periods = 0;
	desc->reported = 0;
	desc->req.moved = 0;
	desc->result = (struct dmaengine_result){ .result = DMA_TRANS_NOERROR };
	if (desc->copy)
		prd32_dma_copy_step(desc, false);
}

/* A request ended well. Return: false when nothing is left to be done. */
static bool prd32_dma_next_step(struct prd32_dma_desc *desc)
{
	if (!desc->copy)
		return false;
	if (!desc->req.to_host) {
		prd32_dma_copy_step(desc, true);
		return true;
	}
	desc->copied += desc->req.length;
	if (desc->copied == desc->length)
		return false;
	prd32_dma_copy_step(desc, false);
	return true;
}

/**
 * prd32_dma_residue() - how much of a descriptor is still to be moved
 * @desc: the descriptor, active, with the channel locked and the card there
 *
 * Return: bytes; in a cyclic transfer of the lap.
 */
u32 prd32_dma_residue(struct prd32_dma_desc *desc)
{
	if (!desc->copy)
		return prd32_residue(&desc->req);
	if (!desc->req.to_host)
		return desc->length - desc->copied;
	return desc->length - desc->copied - desc->req.length + prd32_residue(&desc->req);
}

static enum dmaengine_tx_result prd32_dma_result(const struct prd32_request *req, int error)
{
	if (!error)
		return DMA_TRANS_NOERROR;
	if (error != -EIO)
		return DMA_TRANS_ABORTED;
	return req->to_host ? DMA_TRANS_WRITE_FAILED : DMA_TRANS_READ_FAILED;
}

/* The cookie is zeroed so that the descriptor cannot be completed twice. */
static void prd32_dma_cookie_complete(struct dma_async_tx_descriptor *tx)
{
	tx->chan->completed_cookie = tx->cookie;
	tx->cookie = 0;
}

/* With the channel locked: the active descriptor is done with. */
static void prd32_dma_end(struct prd32_dma_chan *dc, int error)
{
	struct prd32_dma_desc *desc = dc->active;
	struct prd32_request *req = &desc->req;

	dc->active = NULL;
	wake_up(&dc->quiet);
	/* Whoever has the memory cannot be kept from reusing it, but its mapping stays. */
	if (req->stuck)
		desc->tx.unmap = NULL;
	if (desc->terminated) {
		list_add_tail(&desc->node, &dc->terminated);
		return;
	}
	if (error) {
		desc->result.result = prd32_dma_result(req, error);
		desc->result.residue = desc->length - desc->copied;
		if (!desc->copy && !req->period)
			desc->result.residue -= req->moved;
		dc->failed[dc->failures++ % PRD32_DMA_FAILURES] = desc->tx.cookie;
	}
	prd32_dma_cookie_complete(&desc->tx);
	list_add_tail(&desc->node, &dc->ended);
	tasklet_schedule(&dc->task);
}

/* With the channel locked: whose request is to be given to the core now. */
static struct prd32_dma_desc *prd32_dma_next(struct prd32_dma_chan *dc)
{
	if (dc->active) {
		if (!dc->step_due)
			return NULL;
		dc->step_due = false;
		return dc->active;
	}
	dc->active = list_first_entry_or_null(&dc->issued, struct prd32_dma_desc, node);
	if (dc->active)
		list_del_init(&dc->active->node);
	return dc->active;
}

static int prd32_dma_give(struct prd32_dma_desc *desc, struct prd32_client *client)
{
	if (desc->terminated)
		return -ECANCELED;
	if (!client)
		return -ENODEV;
	desc->req.client = client;
	return prd32_submit(&desc->req, PRD32_ANY_CHANNEL);
}

/**
 * prd32_dma_go_on() - give the core what it can be given
 * @dc: the channel, locked, interrupts off; the lock is let go meanwhile
 *
 * The core may complete a request while it takes it. Therefore a loop, which only one at a time is
 * in: the alternative is a recursion as deep as the queue is long.
 */
void prd32_dma_go_on(struct prd32_dma_chan *dc) __must_hold(&dc->lock)
{
	struct prd32_dma_desc *desc;

	if (dc->giving)
		return;
	dc->giving = true;
	while ((desc = prd32_dma_next(dc))) {
		struct prd32_client *client = dc->client;
		int err;

		/* Card and descriptor stay while @giving is set: see prd32_dma_is_quiet(). */
		spin_unlock(&dc->lock);
		err = prd32_dma_give(desc, client);
		spin_lock(&dc->lock);
		if (err) {
			prd32_dma_end(dc, err);
		} else if (dc->active == desc && desc->terminated) {
			/* Given up before the core knew of it. */
			spin_unlock(&dc->lock);
			prd32_cancel(&desc->req, -ECANCELED);
			spin_lock(&dc->lock);
		}
	}
	dc->giving = false;
	wake_up(&dc->quiet);
}

/**
 * prd32_dma_complete() - the core is done with a request
 * @req: a descriptor's
 */
void prd32_dma_complete(struct prd32_request *req)
{
	struct prd32_dma_desc *desc = container_of(req, struct prd32_dma_desc, req);
	struct prd32_dma_chan *dc = to_prd32_dma_chan(desc->tx.chan);
	unsigned long flags;

	spin_lock_irqsave(&dc->lock, flags);
	if (!req->error && !desc->terminated && prd32_dma_next_step(desc))
		dc->step_due = true;
	else
		prd32_dma_end(dc, req->error);
	prd32_dma_go_on(dc);
	spin_unlock_irqrestore(&dc->lock, flags);
}

/**
 * prd32_dma_elapsed() - another period of a cyclic transfer, or more, has passed
 * @req: the transfer's
 *
 * Called with a lock of the core held, so without the channel's.
 */
void prd32_dma_elapsed(struct prd32_request *req)
{
	struct prd32_dma_desc *desc = container_of(req, struct prd32_dma_desc, req);

	WRITE_ONCE(desc->periods, (u32)div_u64(req->moved, req->period));
	tasklet_schedule(&to_prd32_dma_chan(desc->tx.chan)->task);
}
