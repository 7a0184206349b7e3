// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends that are found by who submits more, and an interrupt that is not taken back at once. When a
 * card is done with a request before the next one comes, each would interrupt who is about to
 * submit that. He can look for ends as well, and it takes him next to nothing. So the interrupt
 * stays pending, which keeps the card from sending another, for as long as ends are found that way;
 * a timer sees to those that are not.
 *
 * Only where requests come so fast that the processor has no rest: who sleeps until the end of his
 * request is told at once, unless others on the same channel are that fast.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "compat.h"
#include "core.h"

/* After how many interrupts it is tried again, at most, where it is not worth it. */
#define WARIEST		63

/* Less would be spent with looking alone. */
#define SHORTEST_US	10u

static ktime_t prd32_defer_time(void)
{
	return ns_to_ktime((u64)max(READ_ONCE(prd32_defer_us), SHORTEST_US) * NSEC_PER_USEC);
}

/* What has a message of its own: a line would interrupt again, a shared message nobody. */
static bool prd32_may_defer(const struct prd32_card *card)
{
	return READ_ONCE(prd32_defer_us) && !card->read_cause && !card->one_message;
}

/**
 * prd32_defer() - leave the queue's interrupt pending, if that is likely to be worth it
 * @ch: the channel, locked; its interrupt has come, and what memory tells of was dealt with
 *
 * Return: true if so; else it is to be taken back.
 */
bool prd32_defer(struct prd32_channel *ch)
{
	ch->deferred = false;
	/* In a thread (threadirqs), whether the processor was idle is not known. */
	if (!prd32_may_defer(ch->card) || !in_hardirq() || is_idle_task(current))
		return false;
	if (ch->refuse || ch->frozen || ch->recovering)
		return false;
	if (ch->wary) {
		ch->wary--;
		return false;
	}
	ch->deferred = true;
	ch->found = 0;
	ch->found_before = 0;
	ch->stats.deferred++;
	if (!hrtimer_is_queued(&ch->late))
		hrtimer_start(&ch->late, prd32_defer_time(), HRTIMER_MODE_REL);
	else
		/* It was set for a deferral that has ended: too soon to tell of this one. */
		ch->found_before = UINT_MAX;
	return true;
}

/**
 * prd32_defer_end() - take the interrupt back if it was left pending
 * @ch: the channel, locked
 */
void prd32_defer_end(struct prd32_channel *ch)
{
	if (!ch->deferred)
		return;
	ch->deferred = false;
	prd32_commands_seen(ch);
}

/**
 * prd32_defer_end_if_behind() - have the card tell of ends again when it does not keep up
 * @ch: the channel, locked; it was given more
 *
 * Its engine has all that it can have. Who submits more waits for it, or will sleep.
 */
void prd32_defer_end_if_behind(struct prd32_channel *ch)
{
	if (ch->depth >= ch->slots)
		prd32_defer_end(ch);
}

/* With an interrupt that comes later there may be no news. */
static void prd32_count_found(struct prd32_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	ch->found++;
	ch->stats.found++;
	ch->overheard = true;
	spin_unlock_irqrestore(&ch->lock, flags);
}

/**
 * prd32_take_ends() - deal with what has ended unheard
 * @card: the card
 *
 * For who is about to submit a request, with no locks held that a complete() of his takes. Whether
 * an interrupt is pending or still to come: who finds that there is room does not wait for it.
 */
void prd32_take_ends(struct prd32_card *card)
{
	struct prd32_channel *ch;

	if (!prd32_may_defer(card))
		return;
	prd32_for_each_channel(ch, card)
		if (READ_ONCE(ch->in_queue) && prd32_hw_has_news(ch) &&
		    prd32_channel_event(ch, false))
			prd32_count_found(ch);
}

/* With the channel locked: nobody came who would find ends. */
static void prd32_defer_no_more(struct prd32_channel *ch)
{
	ch->wariness = ch->found ? 0 : min(2 * ch->wariness + 1, WARIEST);
	ch->wary = ch->wariness;
	prd32_defer_end(ch);
}

/* With the channel locked. Return: true to look again. */
static bool prd32_look_after(struct prd32_channel *ch, struct list_head *done)
{
	if (!ch->deferred)
		return false;
	/* Somebody stops the engine, and will say what has ended. */
	if (ch->recovering)
		return true;
	prd32_channel_catch_up(ch, done);
	prd32_channel_start_next(ch, done);
	if (ch->found != ch->found_before) {
		ch->found_before = ch->found;
		return true;
	}
	if (!ch->frozen) {
		prd32_defer_no_more(ch);
		return false;
	}
	/* The card may be asleep or cut off before long, and is reset in any case. */
	ch->deferred = ch->flight;
	return ch->deferred;
}

static enum hrtimer_restart prd32_late(struct hrtimer *timer)
{
	struct prd32_channel *ch = container_of(timer, struct prd32_channel, late);
	unsigned long flags;
	LIST_HEAD(done);
	bool again;

	spin_lock_irqsave(&ch->lock, flags);
	/* Set anew while this waited for the lock, it is too soon to tell. */
	again = !hrtimer_is_queued(timer) && prd32_look_after(ch, &done);
	if (again)
		hrtimer_forward_now(timer, prd32_defer_time());
	spin_unlock_irqrestore(&ch->lock, flags);
	prd32_complete(&done);
	return again ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

/**
 * prd32_defer_init() - prepare a channel's timer
 * @ch: the channel
 */
void prd32_defer_init(struct prd32_channel *ch)
{
	prd32_hrtimer_setup(&ch->late, prd32_late, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
}

/**
 * prd32_defer_exit() - nothing is looked after any more
 * @ch: a channel without requests, that takes none
 */
void prd32_defer_exit(struct prd32_channel *ch)
{
	hrtimer_cancel(&ch->late);
}
