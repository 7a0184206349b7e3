// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: a vector for each channel (MSI-X), one message for all (MSI), or a line (INTx).
 */
#include <linux/interrupt.h>
#include <linux/pci.h>

#include "core.h"
#include "trace.h"

/* Not ours: on a line that another device shares, or when the card has left. */
static bool prd32_irq_is_ours(struct prd32_channel *ch)
{
	/* Without status writeback the register has to be read anyway. */
	if (!ch->card->read_cause && ch->status)
		return true;
	return prd32_hw_irq_pending(ch);
}

/* Take the interrupt back and look what happened. Return: true when a table had ended. */
static bool prd32_irq_of(struct prd32_channel *ch)
{
	ch->stats.interrupts++;
	trace_prd32_interrupt(ch);
	return prd32_channel_interrupted(ch);
}

/*
 * Without news in memory: spurious, or the bus refused the status block. Rare: ask. What goes round
 * was asked about.
 */
static void prd32_irq_without_news(struct prd32_channel *ch)
{
	unsigned long flags;
	bool ask;

	spin_lock_irqsave(&ch->lock, flags);
	ask = ch->status && ch->active && !ch->active->period;
	spin_unlock_irqrestore(&ch->lock, flags);
	if (ask)
		prd32_channel_event(ch, true);
}

static irqreturn_t prd32_irq(int irq, void *data)
{
	struct prd32_channel *ch = data;

	if (!prd32_irq_is_ours(ch))
		return IRQ_NONE;
	if (!prd32_irq_of(ch))
		prd32_irq_without_news(ch);
	return IRQ_HANDLED;
}

/* All channels share one message; each is looked at, and all are asked when none has news. */
static irqreturn_t prd32_irq_one_message(int irq, void *data)
{
	struct prd32_card *card = data;
	struct prd32_channel *ch;
	bool news = false;

	prd32_for_each_channel(ch, card)
		news |= prd32_irq_of(ch);
	prd32_hw_rearm(card);
	if (!news)
		prd32_for_each_channel(ch, card)
			prd32_irq_without_news(ch);
	return IRQ_HANDLED;
}

static void prd32_free_vectors(void *pdev)
{
	pci_free_irq_vectors(pdev);
}

static void prd32_forget_affinity(void *data)
{
	struct prd32_channel *ch = data;

	irq_update_affinity_hint(ch->irq, NULL);
}

/* Each channel's vector to a processor of its own, near the card; the administrator may differ. */
static int prd32_spread_irq(struct prd32_channel *ch)
{
	struct device *dev = ch->card->dma_dev;
	unsigned int cpu = cpumask_local_spread(ch->index, dev_to_node(dev));

	irq_set_affinity_and_hint(ch->irq, cpumask_of(cpu));
	return devm_add_action_or_reset(dev, prd32_forget_affinity, ch);
}

static int prd32_request_irqs(struct prd32_card *card, struct pci_dev *pdev)
{
	struct device *dev = &pdev->dev;
	struct prd32_channel *ch;
	int err;

	if (card->one_message)
		return devm_request_irq(dev, pci_irq_vector(pdev, 0), prd32_irq_one_message, 0,
					devm_kasprintf(dev, GFP_KERNEL, PRD32_NAME "-ch0+@%s",
						       pci_name(pdev)), card);
	prd32_for_each_channel(ch, card) {
		int vector = pdev->msix_enabled ? PRD32_VECTOR_CH0 + ch->index : 0;
		const char *name = devm_kasprintf(dev, GFP_KERNEL, PRD32_NAME "-ch%u@%s", ch->index,
						  pci_name(pdev));

		if (!name)
			return -ENOMEM;
		ch->irq = pci_irq_vector(pdev, vector);
		err = devm_request_irq(dev, ch->irq, prd32_irq, IRQF_SHARED, name, ch);
		if (!err && pdev->msix_enabled)
			err = prd32_spread_irq(ch);
		if (err)
			return err;
	}
	return 0;
}

/**
 * prd32_irq_setup() - get the card's interrupts; they come as soon as it is told to send some
 * @card: the card, identified and quiet
 *
 * A vector for each of the card's interrupts, or a single one for all of them. Managed.
 *
 * Return: 0 or a negative errno, which was reported.
 */
int prd32_irq_setup(struct prd32_card *card)
{
	struct pci_dev *pdev = to_pci_dev(card->dma_dev);
	struct device *dev = card->dma_dev;
	int err;

	err = pci_alloc_irq_vectors(pdev, PRD32_VECTORS, PRD32_VECTORS, PCI_IRQ_MSIX);
	if (err < 0)
		err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES & ~PCI_IRQ_MSIX);
	if (err < 0)
		return dev_err_probe(dev, err, "no interrupt vector\n");
	err = devm_add_action_or_reset(dev, prd32_free_vectors, pdev);
	if (err)
		return err;
	card->read_cause = !pdev->msix_enabled && !pdev->msi_enabled;
	card->one_message = pdev->msi_enabled && card->info.channels > 1;
	err = prd32_request_irqs(card, pdev);
	return err ? dev_err_probe(dev, err, "interrupt handlers\n") : 0;
}
