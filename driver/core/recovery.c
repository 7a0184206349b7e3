// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a transfer does not end, or is not wanted any more: stop it, and if it does not stop, reset
 * its channel, and then the whole card. Memory is given back only after one of them worked.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/pci.h>

#include "core.h"
#include "trace.h"

/* For how long another's reset, suspend or removal of the card is waited for. */
#define OTHERS_MS	5000
#define OTHERS_POLL_MS	20

/* An error of the queue itself may take that long to be noticed, or twice. */
#define LISTEN_MS	50

static struct workqueue_struct *prd32_recovery_wq;

/* As prd32_hw_stop() returns it. */
static int prd32_engine_state(struct prd32_channel *ch)
{
	int status = prd32_hw_status(ch);

	if (status < 0)
		return status;
	return status & PRD32_BM_STATUS_ACTIVE ? -ETIMEDOUT : 0;
}

/*
 * Reset the function, which needs its device lock. Who holds that may wait for this very work to
 * end, hence only an attempt; or may be resetting the function, which will do as well. What counts
 * in the end is the engine. Return: as prd32_hw_stop().
 */
static int prd32_reset_function(struct prd32_channel *ch)
{
	struct prd32_card *card = ch->card;
	unsigned long end = jiffies + msecs_to_jiffies(OTHERS_MS);
	int err;

	do {
		card->recoverer = current;
		err = pci_try_reset_function(to_pci_dev(card->dma_dev));
		card->recoverer = NULL;
		ch->stats.function_resets += !err;
		if (err != -EAGAIN)
			break;
		mutex_unlock(&card->recovery_lock);
		msleep(OTHERS_POLL_MS);
		mutex_lock(&card->recovery_lock);
	} while (prd32_engine_state(ch) == -ETIMEDOUT && time_before(jiffies, end));
	return prd32_engine_state(ch);
}

/* The engine goes on although it was told to stop. Its memory is lost, the system is not. */
static void prd32_give_up(struct prd32_channel *ch)
{
	/* The last means that does not depend on the engine: the function's access to the bus. */
	pci_clear_master(to_pci_dev(ch->card->dma_dev));
	dev_crit(ch->card->dma_dev,
		 "channel %u does not stop: its memory is leaked, bus mastering is off\n",
		 ch->index);
	/* Nothing on the card can be used without bus mastering. */
	prd32_refuse(ch->card, -EIO);
}

/* All ones: it was pulled out, or its link is down and the PCI core is about to deal with that. */
static void prd32_has_left(struct prd32_channel *ch)
{
	struct pci_dev *pdev = to_pci_dev(ch->card->dma_dev);

	/*
	 * What it has begun it may go on with when it comes back, or is at right now, as all ones
	 * need not last: into memory that is others' by then. Configuration space may still answer.
	 */
	pci_clear_master(pdev);
	if (!pci_channel_offline(pdev))
		prd32_refuse(ch->card, -ENODEV);
}

/*
 * From the mildest means to the strongest. What the engine had moved can be told only after a
 * stop: a reset clears it. Return: as prd32_hw_stop().
 */
static int prd32_stop_engine(struct prd32_channel *ch, struct prd32_report *report)
{
	struct device *dev = ch->card->dma_dev;
	int err;

	memset(report, 0, sizeof(*report));
	ch->stats.stops++;
	err = prd32_hw_stop(ch);
	if (!err)
		prd32_hw_report(ch, report);
	if (err != -ETIMEDOUT)
		return err;
	dev_err_ratelimited(dev, "channel %u does not stop: resetting it\n", ch->index);
	ch->stats.channel_resets++;
	err = prd32_hw_reset_channel(ch);
	if (err != -ETIMEDOUT)
		return err;
	dev_err_ratelimited(dev, "channel %u does not reset: resetting the card\n", ch->index);
	err = prd32_reset_function(ch);
	/* The channel's reset cleared its registers, even if its engine took until now to stop. */
	if (!err)
		prd32_hw_forget(ch);
	return err;
}

/* With the lock held: a table has ended, and no interrupt told of it. */
static void prd32_ended_unheard(struct prd32_channel *ch, const struct prd32_report *report,
				struct list_head *done)
{
	/* Or it would never interrupt again: a message is sent when the cause rises. */
	prd32_hw_ack_irq(ch, false);
	/* Of a polled request there was none: nobody polled. */
	if (ch->overdue && !ch->active->polled) {
		ch->stats.lost++;
		dev_warn_ratelimited(ch->card->dma_dev, "channel %u: an interrupt was lost\n",
				     ch->index);
	}
	prd32_channel_table_ended(ch, report, 0, done);
}

static bool prd32_any_cancelled(struct prd32_channel *ch)
{
	unsigned int i;

	for (i = 0; i < ch->flight; i++)
		if (prd32_slot(ch, i)->req->cancelled)
			return true;
	return false;
}

/*
 * With the lock held: is there still something to be stopped? An end may have come meanwhile, and
 * what runs now be another request, which has nothing to do with it.
 */
static bool prd32_still_needed(struct prd32_channel *ch, struct list_head *done)
{
	struct prd32_report report;
	bool heard = true;
	int ended = 0;

	if (!ch->active || ch->recovering)
		return false;
	while (ch->active && (ended = prd32_hw_ended(ch, &report, true)) > 0) {
		heard = false;
		prd32_ended_unheard(ch, &report, done);
		/* What the registers said they said of that table. */
		if (!ch->in_queue)
			break;
	}
	if (!heard)
		prd32_channel_start_next(ch, done);
	return ended < 0 || (heard && ch->overdue) || prd32_any_cancelled(ch);
}

/*
 * The oldest request's result, unless all of it was moved: its own, whatever all others get when
 * the card is refused because of it. @stopped: what prd32_stop_engine() returned; @own: why it was
 * to end before that.
 */
static int prd32_recovery_error(struct prd32_channel *ch, const struct prd32_report *report,
				int stopped, int own)
{
	int error = -ENODEV;

	if (!stopped)
		own = ch->active->cancelled ?: ch->refuse;
	if (stopped != -ENODEV)
		error = own ?: -ETIMEDOUT;
	/* That it ended in error says more than that it took its time. */
	if (error != -ETIMEDOUT || report->code)
		return error;
	ch->stats.timeouts++;
	trace_prd32_timeout(ch, report);
	dev_err_ratelimited(ch->card->dma_dev,
			    "channel %u: timeout, stopped after %u of %llu bytes\n",
			    ch->index, report->moved, prd32_slot(ch, 0)->table.bytes);
	return error;
}

/* Of a queue: what had ended before the stop, and what was done of which memory does not tell. */
static void prd32_settle_ended(struct prd32_channel *ch, struct list_head *done)
{
	struct prd32_report report = { .code = PRD32_ERR_WRITEBACK_REFUSED };
	unsigned int lost;

	prd32_channel_catch_up(ch, done);
	for (lost = prd32_commands_stopped(ch); lost; lost--)
		prd32_channel_table_ended(ch, &report, 0, done);
}

/*
 * With the lock held: the engine was stopped, or could not be. The oldest request ends if it is the
 * reason for that. Those behind it were not begun: they wait again.
 */
static void prd32_settle(struct prd32_channel *ch, const struct prd32_report *report, int stopped,
			 int own, struct list_head *done)
{
	if (ch->in_queue && !stopped)
		prd32_settle_ended(ch, done);
	if (!ch->active)
		return;
	if (!ch->in_queue || stopped || report->code || ch->overdue || ch->active->cancelled)
		prd32_channel_table_ended(ch, report,
					  prd32_recovery_error(ch, report, stopped, own), done);
	prd32_channel_replay(ch, done);
}

static void prd32_recover_locked(struct prd32_channel *ch)
{
	struct prd32_report report;
	bool halted = false;
	LIST_HEAD(done);
	int err, own;

	spin_lock_irq(&ch->lock);
	ch->recovering = prd32_still_needed(ch, &done);
	if (!ch->recovering)
		goto out;
	spin_unlock_irq(&ch->lock);

	err = prd32_stop_engine(ch, &report);
	spin_lock_irq(&ch->lock);
	own = ch->active->cancelled ?: ch->refuse;
	halted = !err && ch->in_queue && prd32_commands_halted(ch);
	spin_unlock_irq(&ch->lock);
	if (err == -ENODEV)
		prd32_has_left(ch);
	else if (err)
		prd32_give_up(ch);

	spin_lock_irq(&ch->lock);
	ch->broken = err == -ETIMEDOUT;
	prd32_settle(ch, &report, err, own, &done);
	if (halted) {
		spin_unlock_irq(&ch->lock);
		/* It is idle already; should it have left meanwhile, the next request finds out. */
		prd32_hw_reset_channel(ch);
		spin_lock_irq(&ch->lock);
	}
	ch->recovering = false;
	prd32_channel_start_next(ch, &done);
out:
	spin_unlock_irq(&ch->lock);
	prd32_complete(&done);
}

static void prd32_recover(struct work_struct *work)
{
	struct prd32_channel *ch = container_of(work, struct prd32_channel, recovery);

	mutex_lock(&ch->card->recovery_lock);
	prd32_recover_locked(ch);
	mutex_unlock(&ch->card->recovery_lock);
}

static void prd32_watchdog(struct timer_list *timer)
{
	struct prd32_channel *ch = container_of(timer, struct prd32_channel, watchdog);
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	/*
	 * What has come since it was set may have no deadline, or a later one; and it may have been
	 * set anew while this waited for the lock.
	 */
	if (ch->active && !ch->active->period && !timer_pending(timer)) {
		if (time_before(jiffies, ch->deadline)) {
			mod_timer(timer, ch->deadline);
		} else {
			ch->overdue = true;
			prd32_recover_soon(ch);
		}
	}
	spin_unlock_irqrestore(&ch->lock, flags);
}

/**
 * prd32_recovery_watch() - give a table its time
 * @ch: the channel, locked; its engine is about to be started
 *
 * The timer stays set from table to table, and looks at the deadline when it goes off: to set it
 * and delete it for each would be a good part of what a short transfer costs.
 */
void prd32_recovery_watch(struct prd32_channel *ch)
{
	ch->deadline = jiffies + msecs_to_jiffies(READ_ONCE(prd32_timeout_ms));
	if (!timer_pending(&ch->watchdog) || time_before(ch->deadline, ch->watchdog.expires))
		mod_timer(&ch->watchdog, ch->deadline);
}

/* Nothing has ended since? Have the card asked. Else somebody hears what it says. */
static void prd32_unheard(struct timer_list *timer)
{
	struct prd32_channel *ch = container_of(timer, struct prd32_channel, unheard);
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	if (ch->in_queue && ch->flight && !ch->recovering && !timer_pending(timer)) {
		if (ch->number == ch->number_then)
			prd32_recover_soon(ch);
		else
			prd32_recovery_listen(ch);
	}
	spin_unlock_irqrestore(&ch->lock, flags);
}

/**
 * prd32_recovery_listen() - an interrupt of the queue was taken back: see to it that it goes on
 * @ch: the channel, locked; its engine has commands
 *
 * The queue may have halted, and have told so with that interrupt. Nothing is in memory then, and
 * it interrupts no more.
 */
void prd32_recovery_listen(struct prd32_channel *ch)
{
	if (timer_pending(&ch->unheard))
		return;
	ch->number_then = ch->number;
	mod_timer(&ch->unheard, jiffies + msecs_to_jiffies(LISTEN_MS));
}

/**
 * prd32_recover_soon() - have a channel's request stopped, or found to have ended
 * @ch: the channel
 *
 * From any context.
 */
void prd32_recover_soon(struct prd32_channel *ch)
{
	queue_work(prd32_recovery_wq, &ch->recovery);
}

/**
 * prd32_recovery_init() - prepare a channel's deadline
 * @ch: the channel
 */
void prd32_recovery_init(struct prd32_channel *ch)
{
	timer_setup(&ch->watchdog, prd32_watchdog, 0);
	timer_setup(&ch->unheard, prd32_unheard, 0);
	INIT_WORK(&ch->recovery, prd32_recover);
}

/**
 * prd32_recovery_exit() - no deadline and no recovery any more
 * @ch: a channel without requests, that takes none
 */
void prd32_recovery_exit(struct prd32_channel *ch)
{
	timer_delete_sync(&ch->watchdog);
	timer_delete_sync(&ch->unheard);
	cancel_work_sync(&ch->recovery);
}

/**
 * prd32_recovery_setup() - once, before any card
 *
 * Who is short of memory may be waiting for the disk, and the disk for a recovery: that must not
 * wait for a worker whose creation needs memory.
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_recovery_setup(void)
{
	prd32_recovery_wq = alloc_workqueue("prd32-recovery", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return prd32_recovery_wq ? 0 : -ENOMEM;
}

/**
 * prd32_recovery_cleanup() - once, after the last card
 */
void prd32_recovery_cleanup(void)
{
	destroy_workqueue(prd32_recovery_wq);
}
