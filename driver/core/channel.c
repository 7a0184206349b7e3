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
	ch->slots = 1;
	prd32_defer_init(ch);
	prd32_recovery_init(ch);
}

/* Only transfers of card memory, which need nothing but what a command says. */
static bool prd32_may_queue(const struct prd32_channel *ch, const struct prd32_request *req)
{
	return ch->commands && req->endpoint == PRD32_ENDPOINT_MEMORY && !req->period;
}

/* The engine turns to another table: its time begins. */
static void prd32_begin_deadline(struct prd32_channel *ch, const struct prd32_request *req)
{
	ch->overdue = false;
	if (!req->period)
		prd32_recovery_watch(ch);
}

/*
 * Give the engine the next table of a request, behind those that it has. Return: 0; -EAGAIN when it
 * has to wait for those: nothing was done; or another negative errno, with which it ends.
 */
static int prd32_start_table(struct prd32_channel *ch, struct prd32_request *req)
{
	struct prd32_slot *slot;
	int err;

	if (!ch->flight) {
		WRITE_ONCE(ch->in_queue, prd32_may_queue(ch, req));
		/* What the registers begin interrupts only if nothing is pending. */
		if (!ch->in_queue)
			prd32_defer_end(ch);
		/* BM_PRDT is that of the first. */
		ch->first = ch->in_queue ? ch->first : 0;
	}
	slot = prd32_slot(ch, ch->flight);
	err = prd32_fill_table(ch, slot, req);
	if (err)
		return err;
	/* Its tables follow each other, with nothing in between. */
	if (ch->flight && req->at.left) {
		req->at = slot->from;
		return -EAGAIN;
	}
	WRITE_ONCE(ch->takes_more, ch->in_queue && !req->at.left);
	ch->stats.tables++;
	ch->stats.prds += slot->table.used;
	if (!ch->flight) {
		ch->periods = 0;
		prd32_begin_deadline(ch, req);
	}
	/* Whoever looks for an end of his own does not mind if others are told of theirs. */
	if (!ch->flight || !req->polled)
		prd32_hw_set_irq(ch, !req->polled);
	trace_prd32_doorbell(ch, req);
	if (ch->in_queue)
		prd32_command_put(ch, slot, req->card_addr + req->moved);
	else
		prd32_hw_start(ch, req, req->card_addr + req->moved, slot->table.bytes);
	ch->flight++;
	return 0;
}

/* A request that neither waits nor is at the engine any more. */
static void prd32_end(struct prd32_channel *ch, struct prd32_request *req, int error,
		      struct list_head *done)
{
	if (req->period)
		WRITE_ONCE(ch->cyclic, false);
	prd32_count(ch, req, -1);
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

/* What comes next, if the engine can take it now. */
static struct prd32_request *prd32_startable(struct prd32_channel *ch)
{
	struct prd32_request *req;

	if (ch->frozen || ch->recovering)
		return NULL;
	/* A request that has more tables than one has the engine to itself. */
	if (ch->flight && (!ch->in_queue || ch->flight == ch->slots ||
			   prd32_slot(ch, 0)->req->at.left))
		return NULL;
	req = prd32_next(ch);
	return req && ch->flight && !prd32_may_queue(ch, req) ? NULL : req;
}

/**
 * prd32_channel_tell_if_idle() - who waits for a channel with nothing to do hears of it
 * @ch: the channel, locked, which has less to do than before
 */
void prd32_channel_tell_if_idle(struct prd32_channel *ch)
{
	if (!ch->depth)
		atomic_notifier_call_chain(&ch->card->idle, 0, NULL);
}

/**
 * prd32_channel_start_next() - give the engine work, if it can take some and there is some
 * @ch: the channel, locked
 * @done: requests that could not even be started
 */
void prd32_channel_start_next(struct prd32_channel *ch, struct list_head *done)
{
	struct prd32_request *req;
	bool started = false;

	while ((req = prd32_startable(ch))) {
		int err = prd32_start_table(ch, req);

		if (err == -EAGAIN)
			break;
		ch->served = req->client->index;
		list_del_init(&req->node);
		started |= !err;
		if (err)
			prd32_end(ch, req, err, done);
		else if (ch->flight == 1)
			WRITE_ONCE(ch->active, req);
	}
	if (started && ch->in_queue)
		prd32_commands_ring(ch);
	prd32_channel_tell_if_idle(ch);
}

static int prd32_check_end(struct prd32_channel *ch, const struct prd32_report *report, u64 bytes)
{
	if (report->code == PRD32_ERR_NONE && report->moved == bytes)
		return 0;
	trace_prd32_error(ch, report);
	dev_err_ratelimited(ch->card->dma_dev,
			    "channel %u: %s at descriptor %u, address %#x; %u of %llu bytes moved\n",
			    ch->index, prd32_err_name(report->code), report->index,
			    report->address, report->moved, bytes);
	return report->code == PRD32_ERR_PATTERN_OVERRUN ? -EOVERFLOW : -EIO;
}

/* The engine has the next table now, or none. */
static void prd32_turn(struct prd32_channel *ch)
{
	WRITE_ONCE(ch->active, ch->flight ? prd32_slot(ch, 0)->req : NULL);
	if (ch->active)
		prd32_begin_deadline(ch, ch->active);
	else
		wake_up(&ch->idle);
}

/**
 * prd32_channel_table_ended() - the engine is done with its oldest table: its request goes on, or
 *				 ends
 * @ch: the channel, locked
 * @report: how the table ended
 * @error: 0, or a negative errno that ends the request unless all of it was moved
 * @done: the request, when it is done with
 *
 * prd32_channel_start_next() is still to be called.
 */
void prd32_channel_table_ended(struct prd32_channel *ch, const struct prd32_report *report,
			       int error, struct list_head *done)
{
	struct prd32_request *req = ch->active;
	u64 bytes = prd32_slot(ch, 0)->table.bytes;

	/* A lap of a cyclic request that happens to be complete is not its end. */
	if (!error || report->code || (!req->period && report->moved == bytes))
		error = prd32_check_end(ch, report, bytes);
	if (!req->period)
		req->moved += min_t(u64, report->moved, bytes);
	if (req->endpoint == PRD32_ENDPOINT_CHECKSUM && !error)
		req->crc = prd32_hw_crc(ch);
	ch->first = (ch->first + 1) % ch->slots;
	ch->flight--;
	if (!error && req->at.left)
		error = req->cancelled;
	if (!error && req->at.left && !ch->recovering) {
		error = prd32_start_table(ch, req);
		if (!error) {
			if (ch->in_queue)
				prd32_commands_ring(ch);
			return;
		}
	}
	prd32_turn(ch);
	/* The engine is not to be given anything: it goes on when that is over. */
	if (!error && req->at.left) {
		list_add(&req->node, &ch->queue[req->client->index]);
		return;
	}
	prd32_end(ch, req, error, done);
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
 * prd32_channel_catch_up() - deal with all that memory tells has ended
 * @ch: the channel, locked
 * @done: requests that are done with
 */
void prd32_channel_catch_up(struct prd32_channel *ch, struct list_head *done)
{
	struct prd32_report report;

	while (ch->in_queue && ch->flight && prd32_hw_ended(ch, &report, false) > 0)
		prd32_channel_table_ended(ch, &report, 0, done);
}

/*
 * With the channel locked: what has ended, ends. What the card says counts, not what woke us: an
 * interrupt may be lost, may be late, may tell of several tables, or may belong to somebody else on
 * the same line. Return: true when a table had ended.
 */
static bool prd32_look_for_ends(struct prd32_channel *ch, bool ask, struct list_head *done)
{
	struct prd32_report report;
	int ended;

	if (!ch->active || ch->recovering)
		return false;
	ended = prd32_hw_ended(ch, &report, ask);
	if (!ended && ch->active->period)
		ended = prd32_cyclic_ended(ch, &report);
	if (ended < 0)
		prd32_recover_soon(ch);
	if (ended <= 0)
		return false;
	prd32_channel_table_ended(ch, &report, 0, done);
	prd32_channel_catch_up(ch, done);
	return true;
}

/**
 * prd32_channel_event() - something may have happened: look, and go on
 * @ch: the channel
 * @ask: ask the card, even if it writes its status to memory
 *
 * Return: true when a table had ended.
 */
bool prd32_channel_event(struct prd32_channel *ch, bool ask)
{
	unsigned long flags;
	LIST_HEAD(done);
	bool ended;

	spin_lock_irqsave(&ch->lock, flags);
	ended = prd32_look_for_ends(ch, ask, &done);
	if (ended)
		prd32_channel_start_next(ch, &done);
	spin_unlock_irqrestore(&ch->lock, flags);
	prd32_complete(&done);
	return ended;
}

/*
 * With the channel locked: take the interrupt of a transfer back that the registers began. The
 * cause first, then the end: an interrupt of the next one cannot be lost. A cyclic table goes on
 * meanwhile, so see the cause cleared before its periods are counted.
 */
static void prd32_take_back(struct prd32_channel *ch)
{
	bool reads = ch->card->read_cause;

	/*
	 * Set again so soon that the line may not have fallen in between: then it does not rise,
	 * and no message would ever come again.
	 */
	if (prd32_hw_ack_irq(ch, reads || ch->cyclic) && !reads)
		prd32_hw_rearm(ch->card);
}

/**
 * prd32_channel_interrupted() - take the interrupt back, look what happened, and go on
 * @ch: the channel
 *
 * Return: true when a table had ended.
 */
bool prd32_channel_interrupted(struct prd32_channel *ch)
{
	unsigned long flags;
	LIST_HEAD(done);
	bool ended, known;

	spin_lock_irqsave(&ch->lock, flags);
	if (!ch->in_queue)
		prd32_take_back(ch);
	ended = prd32_look_for_ends(ch, false, &done);
	/*
	 * Who submitted more was there first. What the registers began he does not look for: if it
	 * has no news, the card is to be asked.
	 */
	known = ch->in_queue && ch->overheard;
	ch->overheard = false;
	/*
	 * Before a transfer is begun whose interrupt this might take back. A queue that is being
	 * stopped is not told what was seen: that is not looked at, and it would interrupt again.
	 */
	if (ch->in_queue && ch->recovering)
		prd32_hw_ack_irq(ch, false);
	else if (ch->in_queue && !prd32_defer(ch))
		prd32_commands_seen(ch);
	/* A line must have fallen before the handler returns, or it interrupts again. */
	if (ch->in_queue && ch->card->read_cause)
		prd32_hw_irq_pending(ch);
	if (ended)
		prd32_channel_start_next(ch, &done);
	spin_unlock_irqrestore(&ch->lock, flags);
	prd32_complete(&done);
	return ended || known;
}

/**
 * prd32_channel_replay() - the engine lost what it had: have it done again
 * @ch: the channel, locked, with an idle engine
 * @done: requests that cannot be repeated, or are not to be
 *
 * Card memory is where it was, and moving the same bytes twice does no harm. What a stream gave
 * or took is gone.
 */
void prd32_channel_replay(struct prd32_channel *ch, struct list_head *done)
{
	/* From the newest to the oldest, so that they wait in their order. */
	while (ch->flight) {
		struct prd32_slot *slot = prd32_slot(ch, --ch->flight);
		struct prd32_request *req = slot->req;

		if (req->cancelled || req->period || req->endpoint != PRD32_ENDPOINT_MEMORY) {
			prd32_end(ch, req, req->cancelled ?: -EIO, done);
			continue;
		}
		req->at = slot->from;
		list_add(&req->node, &ch->queue[req->client->index]);
	}
	prd32_turn(ch);
}
