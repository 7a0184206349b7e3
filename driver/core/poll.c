// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking for the end of a request, instead of being told by an interrupt: for as long as somebody
 * likes (io_uring's polled I/O), or for a moment, by who would sleep until then anyway. That saves
 * the interrupt and, what is more, falling asleep and waking up.
 */
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "core.h"

/*
 * How often memory is looked at before the caller goes on, which may cost more: it looks at the
 * time, at others who want the processor, and takes a pause, for which a virtual one stops.
 */
#define LOOKS	32

/* To look for less than this makes no difference. */
#define SHORTEST_NS	10000u

static bool prd32_look(const struct prd32_channel *ch)
{
	unsigned int i;

	for (i = 0; i < LOOKS; i++)
		if (prd32_hw_has_news(ch))
			return true;
	return false;
}

/**
 * prd32_poll() - look whether a request has ended, without an interrupt
 * @card: the card
 * @channel: the channel that the request was submitted to
 *
 * Return: true when one had; its complete() was called.
 */
bool prd32_poll(struct prd32_card *card, unsigned int channel)
{
	struct prd32_channel *ch = &card->ch[channel];
	bool ended = READ_ONCE(ch->active) && prd32_look(ch) && prd32_channel_event(ch, false);

	if (ended)
		ch->stats.polls++;
	return ended;
}

/* For how long who waits may look, ns; 0: not at all. */
static u32 prd32_longest(u64 length)
{
	if (length > (u64)READ_ONCE(prd32_spin_kib) * SZ_1K)
		return 0;
	return READ_ONCE(prd32_spin_us) * NSEC_PER_USEC;
}

/* For how long he does. */
static u32 prd32_patience(const struct prd32_card *card, u64 length)
{
	return min(READ_ONCE(card->patience), prd32_longest(length));
}

/**
 * prd32_worth_spinning() - shall who waits for a request look for its end for a moment
 * @card: the card
 * @length: bytes that it moves
 *
 * Return: true if its @polled should be set, and prd32_spin() called.
 */
bool prd32_worth_spinning(const struct prd32_card *card, u64 length)
{
	return prd32_patience(card, length);
}

/**
 * prd32_waited() - learn from how long a request took, looked for or not
 * @card: the card
 * @length: bytes that it moved
 * @since: when the waiting began, ktime_get_ns()
 *
 * To look longer is worth it while that might have done, and less where even spin_us would not
 * have: the card is slow, or others need the processors. As with KVM's halt_poll_ns, one that was
 * late by chance does not count for much. What two learn at the same time may count once: no harm.
 */
void prd32_waited(struct prd32_card *card, u64 length, u64 since)
{
	u32 longest = prd32_longest(length);
	u32 patience = prd32_patience(card, length);
	u64 waited = ktime_get_ns() - since;

	if (!longest || waited <= patience)
		return;
	if (waited <= longest)
		patience = clamp(2 * patience, min(SHORTEST_NS, longest), longest);
	else
		patience = patience > SHORTEST_NS ? patience - patience / 4 : 0;
	WRITE_ONCE(card->patience, patience);
}

/* With the channel locked: from now on an interrupt tells of a request's end. */
static void prd32_want_interrupt(struct prd32_request *req, struct prd32_channel *ch)
{
	req->polled = false;
	if (prd32_at_engine(req))
		prd32_hw_set_irq(ch, true);
}

/*
 * What ended before its cause was cleared interrupts nobody. The register that is read here comes
 * after the clearing, and says so; it is read only once memory tells of no further end.
 */
static void prd32_look_once_more(struct prd32_channel *ch)
{
	while (prd32_channel_event(ch, true))
		;
}

/* Enough was looked. */
static void prd32_stop_spinning(struct prd32_request *req, struct prd32_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	if (req->ch == ch)
		prd32_want_interrupt(req, ch);
	spin_unlock_irqrestore(&ch->lock, flags);
	prd32_look_once_more(ch);
}

/**
 * prd32_poll_no_more() - the end of what the engine has is waited for, and nobody may be polling
 * @ch: the channel, which starts no other request
 *
 * Who polls is asleep already when the system goes to sleep.
 */
void prd32_poll_no_more(struct prd32_channel *ch)
{
	bool polled = false;
	unsigned int i;

	spin_lock_irq(&ch->lock);
	for (i = 0; i < ch->flight; i++) {
		polled |= prd32_slot(ch, i)->req->polled;
		prd32_want_interrupt(prd32_slot(ch, i)->req, ch);
	}
	spin_unlock_irq(&ch->lock);
	if (polled)
		prd32_look_once_more(ch);
}

/**
 * prd32_spin() - look for the end of a request for a moment
 * @req: a request that was submitted with @polled; it may be completing right now, but must exist
 *	 until this returns
 *
 * For as long as was learned to be worth it, and not while others need this processor, nor while it
 * waits behind other requests. From then on it is not a polled one any more. From any context that
 * may take so long. See prd32_waited().
 */
void prd32_spin(struct prd32_request *req)
{
	struct prd32_card *card = req->client->card;
	u64 until = ktime_get_ns() + prd32_patience(card, req->length);
	struct prd32_channel *ch;

	while ((ch = READ_ONCE(req->ch))) {
		if (prd32_poll(card, ch->index))
			continue;
		if (READ_ONCE(ch->active) != req || need_resched() || ktime_get_ns() > until) {
			prd32_stop_spinning(req, ch);
			return;
		}
		cpu_relax();
	}
}
