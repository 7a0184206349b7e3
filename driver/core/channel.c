// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request at the engine: started, table by table, ended, completed. The rule that everything
 * obeys: a request completes, and its memory is unmapped, only when the engine was seen idle or its
 * card, which does not answer, has lost the bus, or when the request says that it is stuck.
 */
#include "core.h"
#include "trace.h"

/**
 * prd32_channel_init() - prepare a channel's software
 * @card: the card
 * @index: the channel
 */
void prd32_channel_init(struct prd32_card *card, unsigned int index)
{
	struct prd32_channel *ch = &card->ch[index];
	unsigned int i;

	ch->card = card;
	ch->index = index;
	spin_lock_init(&ch->lock);
	for (i = 0; i < PRD32_CLIENTS; i++)
		INIT_LIST_HEAD(&ch->queue[i]);
	init_waitqueue_head(&ch->idle);
	prd32_recovery_init(ch);
}

/* Describe what comes next of a request, as far as a table goes, up to @most bytes. */
static int prd32_fill(struct prd32_channel *ch, struct prd32_request *req, u64 most)
{
	while (most) {
		u64 rest;
		s64 added;

		if (!req->at.sg)
			return -EINVAL;
		rest = min_t(u64, sg_dma_len(req->at.sg) - req->at.skip, most);
		added = prd32_table_add(&ch->table, sg_dma_address(req->at.sg) + req->at.skip,
					rest);
		if (added < 0)
			return -EIO;
		req->at.skip += added;
		req->at.left -= added;
		most -= added;
		if (req->at.skip == sg_dma_len(req->at.sg)) {
			req->at.sg = sg_next(req->at.sg);
			req->at.skip = 0;
		}
		if (added < rest)
			break;
	}
	return 0;
}

/* A table that is one lap of a cyclic request: the last descriptor of each period is marked. */
static int prd32_fill_lap(struct prd32_channel *ch, struct prd32_request *req)
{
	while (req->at.left) {
		u64 before = req->at.left;
		int err = prd32_fill(ch, req, req->period);

		if (err)
			return err;
		if (before - req->at.left != req->period)
			return -E2BIG;
		prd32_table_mark(&ch->table);
	}
	return 0;
}

static int prd32_fill_table(struct prd32_channel *ch, struct prd32_request *req)
{
	int err;

	ch->table_from = req->at;
	prd32_table_init(&ch->table, ch->prdt.entries, ch->card->info.max_prds);
	err = req->period ? prd32_fill_lap(ch, req) : prd32_fill(ch, req, req->at.left);
	if (err)
		return err;
	/* Card memory can be gone on with in the next table; what begins anew at START cannot. */
	if (req->at.left && req->endpoint != PRD32_ENDPOINT_MEMORY)
		return -E2BIG;
	prd32_table_end(&ch->table);
	return ch->table.used ? 0 : -EIO;
}

/* The engine is idle and @ch->active has bytes left: run the next table. */
static int prd32_start_table(struct prd32_channel *ch)
{
	struct prd32_request *req = ch->active;
	int err = prd32_fill_table(ch, req);

	if (err)
		return err;
	ch->stats.tables++;
	ch->stats.prds += ch->table.used;
	ch->overdue = false;
	ch->periods = 0;
	if (!req->period)
		prd32_recovery_watch(ch);
	prd32_hw_set_irq(ch, !req->polled);
	trace_prd32_doorbell(ch, req);
	prd32_hw_start(ch, req, req->card_addr + req->moved, ch->table.bytes);
	return 0;
}

/**
 * prd32_channel_end() - the active request is done with
 * @ch: the channel, locked; its engine is idle, or broken
 * @error: the request's result
 * @done: the request is put here; see prd32_complete()
 */
void prd32_channel_end(struct prd32_channel *ch, int error, struct list_head *done)
{
	struct prd32_request *req = ch->active;

	ch->active = NULL;
	if (req->period)
		WRITE_ONCE(ch->cyclic, false);
	ch->depth--;
	ch->stats.requests++;
	ch->stats.failed += !!error;
	if (req->to_host)
		ch->stats.bytes_to_host += req->moved;
	else
		ch->stats.bytes_from_host += req->moved;
	req->error = error;
	req->stuck = ch->broken;
	WRITE_ONCE(req->ch, NULL);
	list_add_tail(&req->node, done);
	trace_prd32_complete(ch, req);
	wake_up(&ch->idle);
}

/**
 * prd32_complete() - tell the front ends
 * @done: requests that ended, taken out of their channels
 *
 * With no lock held: a front end may submit the next request at once.
 */
void prd32_complete(struct list_head *done)
{
	struct prd32_request *req, *next;

	list_for_each_entry_safe(req, next, done, node) {
		list_del_init(&req->node);
		req->complete(req);
	}
}

/*
 * Front ends take turns, so that no one's queue is another's delay. A cyclic request would keep the
 * others from their turns for ever, so it comes last: nothing is queued behind one.
 */
static struct prd32_request *prd32_next(struct prd32_channel *ch)
{
	struct prd32_request *req, *last = NULL;
	unsigned int i;

	for (i = 1; i <= PRD32_CLIENTS; i++) {
		req = list_first_entry_or_null(&ch->queue[(ch->served + i) % PRD32_CLIENTS],
					       struct prd32_request, node);
		if (req && !req->period)
			return req;
		last = last ?: req;
	}
	return last;
}

/**
 * prd32_channel_start_next() - give the engine work, if it is free and there is some
 * @ch: the channel, locked
 * @done: requests that could not even be started
 */
void prd32_channel_start_next(struct prd32_channel *ch, struct list_head *done)
{
	struct prd32_request *req;

	while (!ch->active && !ch->frozen && !ch->recovering && (req = prd32_next(ch))) {
		int err;

		ch->active = req;
		ch->served = req->client->index;
		list_del_init(&req->node);
		err = prd32_start_table(ch);
		if (err)
			prd32_channel_end(ch, err, done);
	}
	if (!ch->depth)
		atomic_notifier_call_chain(&ch->card->idle, 0, NULL);
}

static int prd32_check_end(struct prd32_channel *ch, const struct prd32_report *report)
{
	if (report->code == PRD32_ERR_NONE && report->moved == ch->table.bytes)
		return 0;
	trace_prd32_error(ch, report);
	dev_err_ratelimited(ch->card->dma_dev,
			    "channel %u: %s at descriptor %u, address %#x; %u of %llu bytes moved\n",
			    ch->index, prd32_err_name(report->code), report->index,
			    report->address, report->moved, ch->table.bytes);
	return report->code == PRD32_ERR_PATTERN_OVERRUN ? -EOVERFLOW : -EIO;
}

/**
 * prd32_channel_table_ended() - the engine is done with a table: go on with what comes next
 * @ch: the channel, locked
 * @report: how the table ended
 * @error: 0, or a negative errno that ends the request unless all of it was moved
 * @done: requests that are done with
 */
void prd32_channel_table_ended(struct prd32_channel *ch, const struct prd32_report *report,
			       int error, struct list_head *done)
{
	struct prd32_request *req = ch->active;

	/* A lap of a cyclic request that happens to be complete is not its end. */
	if (!error || report->code || (!req->period && report->moved == ch->table.bytes))
		error = prd32_check_end(ch, report);
	if (!req->period)
		req->moved += min_t(u64, report->moved, ch->table.bytes);
	if (req->endpoint == PRD32_ENDPOINT_CHECKSUM && !error)
		req->crc = prd32_hw_crc(ch);
	if (!error && req->at.left) {
		error = req->cancelled ?: prd32_start_table(ch);
		if (!error)
			return;
	}
	prd32_channel_end(ch, error, done);
	prd32_channel_start_next(ch, done);
}

/*
 * Tell of the periods that a cyclic request has done, and see whether it has ended since, without a
 * block in memory that would tell: the bus refused it, or the card left. Nothing interrupts again
 * then. Return: as prd32_hw_ended().
 */
static int prd32_cyclic_ended(struct prd32_channel *ch, struct prd32_report *report)
{
	struct prd32_request *req = ch->active;
	u32 periods = prd32_hw_periods(ch);

	/* All ones is a card that has left. */
	if (periods != ch->periods && periods != U32_MAX) {
		req->moved += (u64)(periods - ch->periods) * req->period;
		ch->periods = periods;
		req->elapsed(req);
	}
	return prd32_hw_ended(ch, report, true);
}

/**
 * prd32_channel_event() - something may have happened: look, and go on
 * @ch: the channel
 * @ask: ask the card, even if it writes its status to memory
 *
 * What the card says counts, not what woke us: an interrupt may be lost, may be late, or may
 * belong to somebody else on the same line.
 *
 * Return: true when a table had ended.
 */
bool prd32_channel_event(struct prd32_channel *ch, bool ask)
{
	struct prd32_report report;
	unsigned long flags;
	LIST_HEAD(done);
	int ended = 0;

	spin_lock_irqsave(&ch->lock, flags);
	if (ch->active && !ch->recovering) {
		ended = prd32_hw_ended(ch, &report, ask);
		if (!ended && ch->active->period)
			ended = prd32_cyclic_ended(ch, &report);
		if (ended > 0)
			prd32_channel_table_ended(ch, &report, 0, &done);
		else if (ended < 0)
			prd32_recover_soon(ch);
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	prd32_complete(&done);
	return ended > 0;
}

/**
 * prd32_channel_replay() - the active request lost its engine: have it done again
 * @ch: the channel, locked, with an idle engine
 * @done: the request, if it cannot be repeated
 *
 * Card memory is where it was, and moving the same bytes twice does no harm. What a stream gave
 * or took is gone.
 */
void prd32_channel_replay(struct prd32_channel *ch, struct list_head *done)
{
	struct prd32_request *req = ch->active;

	if (req->cancelled || req->period || req->endpoint != PRD32_ENDPOINT_MEMORY) {
		prd32_channel_end(ch, req->cancelled ?: -EIO, done);
		return;
	}
	req->at = ch->table_from;
	ch->active = NULL;
	list_add(&req->node, &ch->queue[req->client->index]);
	wake_up(&ch->idle);
}
