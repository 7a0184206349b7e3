// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who wants something of a channel: submitting and cancelling; who keeps it from work: freezing it
 * for a while, refusing for good.
 */
#include <linux/math64.h>

#include "core.h"
#include "trace.h"

static int prd32_check_request(const struct prd32_info *info, const struct prd32_request *req)
{
	u32 rest;

	if (!req->length || !req->nents)
		return -EINVAL;
	if (req->endpoint == PRD32_ENDPOINT_MEMORY) {
		if (req->length > info->mem_size || req->card_addr > info->mem_size - req->length)
			return -EINVAL;
	} else if (!info->endpoints) {
		return -EOPNOTSUPP;
	}
	if (!req->period)
		return 0;
	if (!info->cyclic)
		return -EOPNOTSUPP;
	div_u64_rem(req->length, req->period, &rest);
	return req->elapsed && !rest ? 0 : -EINVAL;
}

/* Behind what waits for it, it would never be done. */
static bool prd32_waits_for(const struct prd32_channel *ch, const struct prd32_request *req)
{
	return req->endpoint == PRD32_ENDPOINT_LOOPBACK && READ_ONCE(ch->loops[!req->to_host]);
}

/* The channel with the least to do that no cyclic request keeps for itself. */
static struct prd32_channel *prd32_pick(struct prd32_card *card, const struct prd32_request *req)
{
	struct prd32_channel *ch, *best = NULL;
	unsigned int least = UINT_MAX;

	prd32_for_each_channel(ch, card) {
		unsigned int cost = READ_ONCE(ch->depth);

		if (prd32_waits_for(ch, req))
			cost += UINT_MAX / 2;
		/* A glance without the lock: prd32_enqueue() looks again. */
		if (cost < least && !READ_ONCE(ch->cyclic)) {
			best = ch;
			least = cost;
		}
	}
	return best;
}

/* May it be given to the engine behind what that has? A glance without the lock, too. */
static bool prd32_may_join(const struct prd32_channel *ch, const struct prd32_request *req,
			   unsigned int depth)
{
	return !req->nowait && !req->period && req->endpoint == PRD32_ENDPOINT_MEMORY &&
	       depth < ch->slots && READ_ONCE(ch->takes_more) && !READ_ONCE(ch->recovering);
}

/*
 * The channel whose interrupt comes to this processor, for as long as its engine need not be waited
 * for; else as prd32_pick().
 */
static struct prd32_channel *prd32_pick_near(struct prd32_card *card,
					     const struct prd32_request *req)
{
	struct prd32_channel *ch = &card->ch[raw_smp_processor_id() % card->info.channels];
	unsigned int depth = READ_ONCE(ch->depth);
	bool room = !depth || prd32_may_join(ch, req, depth);

	return room && !READ_ONCE(ch->cyclic) ? ch : prd32_pick(card, req);
}

static int prd32_enqueue(struct prd32_channel *ch, struct prd32_request *req)
{
	int refuse = READ_ONCE(req->client->refuse) ?: ch->refuse;

	if (refuse)
		return refuse;
	if (ch->depth && req->nowait)
		return -EAGAIN;
	if (ch->cyclic)
		return -EBUSY;
	req->at.sg = req->sg;
	req->at.skip = req->skip;
	req->at.left = req->length;
	while (req->at.sg && req->at.skip >= sg_dma_len(req->at.sg)) {
		req->at.skip -= sg_dma_len(req->at.sg);
		req->at.sg = sg_next(req->at.sg);
	}
	req->moved = 0;
	req->crc = 0;
	req->prds = 0;
	req->cancelled = 0;
	req->stuck = false;
	req->error = -EINPROGRESS;
	WRITE_ONCE(req->ch, ch);
	/* From now on: what came before it ends, and nothing must get behind it. */
	if (req->period)
		WRITE_ONCE(ch->cyclic, true);
	list_add_tail(&req->node, &ch->queue[req->client->index]);
	prd32_count(ch, req, 1);
	return 0;
}

static int prd32_submit_to(struct prd32_channel *ch, struct prd32_request *req)
{
	unsigned long flags;
	LIST_HEAD(done);
	int err;

	spin_lock_irqsave(&ch->lock, flags);
	trace_prd32_submit(ch, req);
	err = prd32_enqueue(ch, req);
	if (!err)
		prd32_channel_start_next(ch, &done);
	prd32_defer_end_if_behind(ch);
	spin_unlock_irqrestore(&ch->lock, flags);
	prd32_complete(&done);
	return err;
}

/**
 * prd32_submit() - have a request done
 * @req: the request; see there for what must be filled in. Memory that the card reads was made
 *	 ready by the DMA API
 * @channel: the channel; or PRD32_ANY_CHANNEL for the one with the least to do; or, for who does
 *	     not wait for this request, PRD32_NEAR_CHANNEL: one for several of them, with fewer
 *	     interrupts, while another is left to those who wait
 *
 * From any context. A front end's requests for one channel are done in their order; front ends take
 * turns.
 *
 * Return: 0, and complete() will be called, or has been; else it will not be: -EINVAL for a
 * request that makes no sense, -EOPNOTSUPP for one that this card cannot do, -EAGAIN when it would
 * have to wait and must not, -EBUSY when cyclic requests have every channel, -ENODEV or -EIO when
 * card or channel are gone or out of order.
 */
int prd32_submit(struct prd32_request *req, int channel)
{
	struct prd32_card *card = req->client->card;
	int err = prd32_check_request(&card->info, req);
	struct prd32_channel *ch;

	if (err)
		return err;
	if (channel >= 0)
		return prd32_submit_to(&card->ch[channel], req);
	do {
		ch = channel == PRD32_NEAR_CHANNEL ? prd32_pick_near(card, req) :
						     prd32_pick(card, req);
		if (!ch)
			return -EBUSY;
		err = prd32_submit_to(ch, req);
		/* A cyclic request got there first: pick another. */
	} while (err == -EBUSY);
	return err;
}

/* With the channel locked: a waiting request ends here, one at the engine when it was stopped. */
static void prd32_cancel_locked(struct prd32_channel *ch, struct prd32_request *req, int error,
				struct list_head *done)
{
	req->cancelled = error;
	if (prd32_at_engine(req)) {
		prd32_recover_soon(ch);
		return;
	}
	prd32_count(ch, req, -1);
	if (req->period)
		WRITE_ONCE(ch->cyclic, false);
	ch->stats.requests++;
	ch->stats.failed++;
	req->error = error;
	WRITE_ONCE(req->ch, NULL);
	list_move_tail(&req->node, done);
	/* A frozen channel starts nothing that would tell. */
	prd32_channel_tell_if_idle(ch);
}

/**
 * prd32_cancel() - end a request early
 * @req: a request that was submitted; it may be completing right now, but must still exist
 * @error: its result, unless it succeeds all the same
 *
 * Returns at once; complete() tells when the memory is free.
 */
void prd32_cancel(struct prd32_request *req, int error)
{
	struct prd32_channel *ch = READ_ONCE(req->ch);
	unsigned long flags;
	LIST_HEAD(done);

	if (!ch)
		return;
	spin_lock_irqsave(&ch->lock, flags);
	if (req->ch == ch)
		prd32_cancel_locked(ch, req, error, &done);
	spin_unlock_irqrestore(&ch->lock, flags);
	prd32_complete(&done);
}

/* With the channel locked. */
static u64 prd32_active_residue(struct prd32_channel *ch)
{
	/* A channel that is being reset may have lost its count. */
	u32 of_table = ch->recovering ? prd32_slot(ch, 0)->table.bytes : prd32_hw_residual(ch);

	return ch->active->at.left + of_table;
}

/**
 * prd32_residue() - how much of a request is still to be moved
 * @req: a request that was submitted; it may be completing right now, but must still exist
 *
 * The card is asked, which counts descriptors that are done. From any context.
 *
 * Return: bytes; of a cyclic request what is left of the lap, never 0.
 */
u64 prd32_residue(struct prd32_request *req)
{
	struct prd32_channel *ch = READ_ONCE(req->ch);
	bool active = false;
	unsigned long flags;
	u64 residue = 0;

	if (ch) {
		spin_lock_irqsave(&ch->lock, flags);
		active = ch->active == req;
		if (active)
			residue = prd32_active_residue(ch);
		spin_unlock_irqrestore(&ch->lock, flags);
	}
	if (req->period)
		return residue ?: req->length;
	return active ? residue : req->length - req->moved;
}

static void prd32_cancel_of(struct prd32_channel *ch, struct prd32_client *client, int error)
{
	struct prd32_request *req, *next;
	unsigned long flags;
	unsigned int i;
	LIST_HEAD(done);

	spin_lock_irqsave(&ch->lock, flags);
	for (i = 0; i < PRD32_CLIENTS; i++)
		list_for_each_entry_safe(req, next, &ch->queue[i], node)
			if (!client || req->client == client)
				prd32_cancel_locked(ch, req, error, &done);
	for (i = 0; i < ch->flight; i++) {
		req = prd32_slot(ch, i)->req;
		if (!client || req->client == client)
			prd32_cancel_locked(ch, req, error, &done);
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	prd32_complete(&done);
}

/**
 * prd32_cancel_all() - end all requests of a front end early, and refuse further ones
 * @client: the front end
 * @error: their result
 */
void prd32_cancel_all(struct prd32_client *client, int error)
{
	struct prd32_channel *ch;

	WRITE_ONCE(client->refuse, error);
	prd32_for_each_channel(ch, client->card)
		prd32_cancel_of(ch, client, error);
}

/**
 * prd32_is_running() - has the engine come to a request
 * @req: a request that was submitted; it may be completing right now, but must still exist
 *
 * Return: true if so; false while it waits for others, and when it has ended.
 */
bool prd32_is_running(struct prd32_request *req)
{
	struct prd32_channel *ch = READ_ONCE(req->ch);

	return ch && READ_ONCE(ch->active) == req;
}

/* With the channel locked: a cyclic request ends soon. */
static void prd32_end_cyclic_locked(struct prd32_channel *ch)
{
	if (ch->active && ch->active->period) {
		ch->active->cancelled = -ECANCELED;
		prd32_recover_soon(ch);
	}
}

static void prd32_wait_idle(struct prd32_channel *ch)
{
	/* Not for ever: the watchdog ends every request but cyclic ones, which were cancelled. */
	wait_event(ch->idle, !READ_ONCE(ch->active));
}

/**
 * prd32_freeze() - keep requests waiting, and wait for those that the engines have
 * @card: the card
 */
void prd32_freeze(struct prd32_card *card)
{
	struct prd32_channel *ch;

	prd32_for_each_channel(ch, card) {
		spin_lock_irq(&ch->lock);
		ch->frozen++;
		prd32_end_cyclic_locked(ch);
		spin_unlock_irq(&ch->lock);
	}
	prd32_for_each_channel(ch, card) {
		prd32_poll_no_more(ch);
		prd32_wait_idle(ch);
	}
}

/**
 * prd32_thaw() - undo prd32_freeze(), or half of a reset
 * @card: the card, ready to transfer
 */
void prd32_thaw(struct prd32_card *card)
{
	struct prd32_channel *ch;

	prd32_for_each_channel(ch, card) {
		LIST_HEAD(done);

		spin_lock_irq(&ch->lock);
		if (!--ch->frozen)
			prd32_channel_start_next(ch, &done);
		spin_unlock_irq(&ch->lock);
		prd32_complete(&done);
	}
}

/**
 * prd32_refuse() - end all requests, and refuse further ones, unless a reset of the card helps
 * @card: the card
 * @error: -ENODEV: it is being removed, or has left already; -EIO: it is out of order
 *
 * Those in the queues end here: each would wait for its own deadline, one after the other.
 */
void prd32_refuse(struct prd32_card *card, int error)
{
	struct prd32_channel *ch;

	prd32_for_each_channel(ch, card) {
		spin_lock_irq(&ch->lock);
		if (ch->refuse != -ENODEV)
			ch->refuse = error;
		spin_unlock_irq(&ch->lock);
		prd32_cancel_of(ch, NULL, error);
	}
}

/**
 * prd32_kill() - as prd32_refuse(), and wait until no request is left
 * @card: the card
 */
void prd32_kill(struct prd32_card *card)
{
	struct prd32_channel *ch;

	prd32_refuse(card, -ENODEV);
	prd32_for_each_channel(ch, card)
		prd32_wait_idle(ch);
}
