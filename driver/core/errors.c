// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets and PCI errors: the hardware is lost for a while, the requests are not.
 */
#include <linux/pci.h>

#include "core.h"

/* For how long a slot is frozen, at most: the kernel does not tell when it gives it up. */
#define SLOT_PATIENCE	(60 * HZ)

/*
 * Take the engines away from their requests, which go back to the queues: nothing is started from
 * now on. @reachable: the card can be asked to stop; else it is known to be cut off.
 */
static void prd32_detach(struct prd32_card *card, bool reachable)
{
	struct pci_dev *pdev = to_pci_dev(card->dma_dev);
	struct prd32_channel *ch;

	if (card->detached)
		return;
	card->detached = true;
	/* Before memory goes back to its owners: what is not seen idle has no access to it. */
	if (!reachable)
		pci_clear_master(pdev);
	prd32_for_each_channel(ch, card) {
		LIST_HEAD(done);
		bool mine;
		int err;

		spin_lock_irq(&ch->lock);
		ch->frozen++;
		/* A channel in recovery has somebody who looks after its request. */
		mine = ch->active && !ch->recovering;
		ch->recovering |= mine;
		spin_unlock_irq(&ch->lock);
		if (!mine)
			continue;

		err = reachable ? prd32_hw_stop(ch) : 0;
		if (err)
			pci_clear_master(pdev);
		if (err == -ETIMEDOUT)
			dev_warn(card->dma_dev, "channel %u is reset while it runs\n", ch->index);
		spin_lock_irq(&ch->lock);
		ch->recovering = false;
		prd32_channel_replay(ch, &done);
		prd32_channel_tell_if_idle(ch);
		spin_unlock_irq(&ch->lock);
		prd32_complete(&done);
	}
}

/* Whatever was wrong with the channel, its engine is idle now. What was leaked stays so. */
static void prd32_revive(struct prd32_channel *ch)
{
	spin_lock_irq(&ch->lock);
	ch->refuse = 0;
	ch->broken = false;
	prd32_hw_forget(ch);
	spin_unlock_irq(&ch->lock);
}

/* The card has its reset state: make it as it was, and go on. */
static int prd32_reattach(struct prd32_card *card)
{
	struct prd32_channel *ch;
	int err;

	err = prd32_hw_identify(card);
	if (!err)
		err = prd32_hw_quiet(card);
	if (err) {
		dev_err(card->dma_dev, "the card did not come back: %d\n", err);
		pci_clear_master(to_pci_dev(card->dma_dev));
		prd32_refuse(card, -ENODEV);
	} else {
		prd32_for_each_channel(ch, card)
			prd32_revive(ch);
		prd32_open_bus(card);
		prd32_hw_enable_irqs(card);
	}
	card->detached = false;
	cancel_delayed_work(&card->slot_deadline);
	prd32_thaw(card);
	return err;
}

/* Nothing moves in a frozen slot, and no deadline runs: those who wait must not do so for ever. */
static void prd32_slot_lost(struct work_struct *work)
{
	struct prd32_card *card = container_of(to_delayed_work(work), struct prd32_card,
					       slot_deadline);

	mutex_lock(&card->recovery_lock);
	if (card->detached) {
		dev_err(card->dma_dev, "nobody reset the slot\n");
		prd32_refuse(card, -ENODEV);
	}
	mutex_unlock(&card->recovery_lock);
}

/**
 * prd32_errors_init() - prepare for what may happen to the bus
 * @card: the card
 */
void prd32_errors_init(struct prd32_card *card)
{
	INIT_DELAYED_WORK(&card->slot_deadline, prd32_slot_lost);
}

/**
 * prd32_errors_exit() - no deadline any more
 * @card: the card, which takes no requests
 */
void prd32_errors_exit(struct prd32_card *card)
{
	cancel_delayed_work_sync(&card->slot_deadline);
}

static void prd32_reset_prepare(struct pci_dev *pdev)
{
	struct prd32_card *card = pci_get_drvdata(pdev);

	/* Unless this is recovery.c's own reset, wait until it has done what it does. */
	if (card->recoverer != current)
		mutex_lock(&card->recovery_lock);
	prd32_detach(card, true);
}

static void prd32_reset_done(struct pci_dev *pdev)
{
	struct prd32_card *card = pci_get_drvdata(pdev);

	prd32_reattach(card);
	if (card->recoverer != current)
		mutex_unlock(&card->recovery_lock);
}

static pci_ers_result_t prd32_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct prd32_card *card = pci_get_drvdata(pdev);

	dev_err(card->dma_dev, "PCI error, the slot is %s\n",
		state == pci_channel_io_normal ? "working" :
		state == pci_channel_io_frozen ? "frozen" : "lost");
	switch (state) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		mutex_lock(&card->recovery_lock);
		prd32_detach(card, false);
		mutex_unlock(&card->recovery_lock);
		schedule_delayed_work(&card->slot_deadline, SLOT_PATIENCE);
		return PCI_ERS_RESULT_NEED_RESET;
	default:
		prd32_kill(card);
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

static pci_ers_result_t prd32_slot_reset(struct pci_dev *pdev)
{
	struct prd32_card *card = pci_get_drvdata(pdev);
	int err;

	mutex_lock(&card->recovery_lock);
	pci_restore_state(pdev);
	/*
	 * It may be here for another function's sake, perhaps not even reset, and nobody have said
	 * so before: the engines are stopped, or seen idle, before their memory goes.
	 */
	prd32_detach(card, true);
	err = prd32_reattach(card);
	mutex_unlock(&card->recovery_lock);
	return err ? PCI_ERS_RESULT_DISCONNECT : PCI_ERS_RESULT_RECOVERED;
}

static void prd32_resume_after_error(struct pci_dev *pdev)
{
	dev_info(&pdev->dev, "recovered from the PCI error\n");
}

const struct pci_error_handlers prd32_error_handlers = {
	.error_detected = prd32_error_detected,
	.slot_reset = prd32_slot_reset,
	.resume = prd32_resume_after_error,
	.reset_prepare = prd32_reset_prepare,
	.reset_done = prd32_reset_done,
};

/**
 * prd32_reset_card() - reset the function; requests are done again afterwards
 * @card: the card
 *
 * Return: 0 or a negative errno: -EAGAIN when it is being removed, suspended or reset already.
 */
int prd32_reset_card(struct prd32_card *card)
{
	return pci_try_reset_function(to_pci_dev(card->dma_dev));
}
