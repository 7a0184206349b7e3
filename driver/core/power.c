// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleep, and silence for good.
 */
#include <linux/pci.h>
#include <linux/pm.h>

#include "core.h"

static int prd32_suspend(struct device *dev)
{
	struct prd32_card *card = dev_get_drvdata(dev);
	int err;

	prd32_freeze(card);
	err = prd32_hw_quiet(card);
	/* One that has left keeps nobody awake, nor finds the bus open should it be back. */
	if (err == -ENODEV)
		pci_clear_master(to_pci_dev(dev));
	if (!err || err == -ENODEV)
		return 0;
	prd32_hw_enable_irqs(card);
	prd32_thaw(card);
	return err;
}

/* Each transfer programs all that it needs, so only what outlives one has to be put back. */
static int prd32_resume(struct device *dev)
{
	struct prd32_card *card = dev_get_drvdata(dev);
	struct prd32_channel *ch;
	int err;

	err = prd32_hw_identify(card);
	if (!err)
		err = prd32_hw_quiet(card);
	if (err) {
		prd32_kill(card);
		prd32_thaw(card);
		return err;
	}
	prd32_for_each_channel(ch, card)
		prd32_hw_forget(ch);
	prd32_open_bus(card);
	prd32_hw_enable_irqs(card);
	prd32_thaw(card);
	return 0;
}

DEFINE_SIMPLE_DEV_PM_OPS(prd32_pm_ops, prd32_suspend, prd32_resume);

/**
 * prd32_silence() - no requests, no transfers, no access to the bus, for good
 * @card: the card
 *
 * On removal, and before the next kernel: a card that goes on writing must not meet that.
 */
void prd32_silence(struct prd32_card *card)
{
	struct prd32_channel *ch;

	prd32_kill(card);
	/* One that has left may come back, but has no access to the bus then. */
	if (prd32_hw_quiet(card) == -ETIMEDOUT) {
		dev_crit(card->dma_dev, "a channel does not stop: its table is leaked\n");
		prd32_for_each_channel(ch, card)
			ch->broken = true;
	}
	pci_clear_master(to_pci_dev(card->dma_dev));
}
