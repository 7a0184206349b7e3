// SPDX-License-Identifier: GPL-2.0-only
/*
 * Card and driver meet here: PCI probe and remove, interrupts, power, module parameters.
 *
 * Everything that probe acquires is managed, in an order in which it can be let go from last to
 * first. What is not managed is what remove does by hand: making the hardware quiet.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/of_reserved_mem.h>
#include <linux/pci.h>

#include "prd32.h"

unsigned int prd32_timeout_ms = 10 * MSEC_PER_SEC;
unsigned int prd32_chunk_kib = 16 * 1024;

static int prd32_set_timeout(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, 10 * 60 * MSEC_PER_SEC);
}

static const struct kernel_param_ops prd32_timeout_ops = {
	.set = prd32_set_timeout,
	.get = param_get_uint,
};
module_param_cb(timeout_ms, &prd32_timeout_ops, &prd32_timeout_ms, 0644);
MODULE_PARM_DESC(timeout_ms, "deadline of one descriptor table, ms (1..600000, default 10000)");

static int prd32_set_chunk(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 64, 256 * 1024);
}

static const struct kernel_param_ops prd32_chunk_ops = {
	.set = prd32_set_chunk,
	.get = param_get_uint,
};
module_param_cb(chunk_kib, &prd32_chunk_ops, &prd32_chunk_kib, 0644);
MODULE_PARM_DESC(chunk_kib, "memory pinned at a time by one caller, KiB (64..262144, default 16384)");

/* One a channel. With a single vector they share it, and each looks only at its own cause. */
static irqreturn_t prd32_irq(int irq, void *data)
{
	struct prd32_channel *ch = data;

	if (!prd32_hw_ack_irq(ch))
		return IRQ_NONE;
	WRITE_ONCE(ch->irq_seen, true);
	wake_up(&ch->waitq);
	return IRQ_HANDLED;
}

static void prd32_put_card(void *card)
{
	put_device(&((struct prd32_card *)card)->dev);
}

static void prd32_free_vectors(void *pdev)
{
	pci_free_irq_vectors(pdev);
}

static void prd32_free_prdt(void *data)
{
	struct prd32_channel *ch = data;

	/* An engine that does not stop may still read its table. */
	if (!ch->broken)
		prd32_prdt_free(ch->card->dma_dev, &ch->prdt);
}

static int prd32_setup_dma(struct device *dev)
{
	int err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(PRD32_LIMIT_ADDRESS_BITS));

	if (err)
		return dev_err_probe(dev, err, "no 32-bit DMA on this system\n");
	/* An IOMMU merges, and it and bounce buffers place segments, within these limits. */
	dma_set_seg_boundary(dev, PRD32_LIMIT_PRD_BOUNDARY - 1);
	dma_set_max_seg_size(dev, PRD32_LIMIT_PRD_MAX_BYTES);
	/*
	 * A bounce buffer keeps the offset in the page, hence the room up to the next boundary. Not
	 * the 64 KiB that one might wish for: under some IOMMUs no mapping succeeds then.
	 */
	dma_set_min_align_mask(dev, SZ_4K - 1);
	return 0;
}

static void prd32_release_pool(void *dev)
{
	of_reserved_mem_device_release(dev);
}

/* A device tree may set memory aside for this card. The PCI core does not look for that. */
static int prd32_setup_pool(struct device *dev)
{
	int err;

	if (!IS_ENABLED(CONFIG_OF_RESERVED_MEM) || !dev->of_node)
		return 0;
	err = of_reserved_mem_device_init_by_idx(dev, dev->of_node, 0);
	if (err == -ENODEV) /* none is named */
		return 0;
	if (err)
		return dev_err_probe(dev, err, "its reserved memory cannot be used\n");
	return devm_add_action_or_reset(dev, prd32_release_pool, dev);
}

static int prd32_setup_prdts(struct prd32_card *card)
{
	unsigned int i;
	int err;

	err = prd32_setup_pool(card->dma_dev);
	if (err)
		return err;
	for (i = 0; i < PRD32_CHANNELS_USED; i++) {
		err = prd32_prdt_alloc(card->dma_dev, &card->ch[i].prdt);
		if (err)
			return err;
		err = devm_add_action_or_reset(card->dma_dev, prd32_free_prdt, &card->ch[i]);
		if (err)
			return err;
	}
	return 0;
}

/* A vector for each of the card's interrupts, or a single one for all of them. */
static int prd32_setup_irqs(struct prd32_card *card, struct pci_dev *pdev)
{
	struct device *dev = &pdev->dev;
	unsigned int i;
	int err;

	err = pci_alloc_irq_vectors(pdev, PRD32_VECTORS, PRD32_VECTORS, PCI_IRQ_MSIX);
	if (err < 0)
		err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES & ~PCI_IRQ_MSIX);
	if (err < 0)
		return dev_err_probe(dev, err, "no interrupt vector\n");
	err = devm_add_action_or_reset(dev, prd32_free_vectors, pdev);
	if (err)
		return err;
	card->flush_irq = !pdev->msix_enabled && !pdev->msi_enabled;

	for (i = 0; i < PRD32_CHANNELS_USED; i++) {
		int vector = pdev->msix_enabled ? PRD32_VECTOR_CH0 + i : 0;
		const char *name = devm_kasprintf(dev, GFP_KERNEL, PRD32_NAME "-ch%u@%s", i,
						  pci_name(pdev));

		if (!name)
			return -ENOMEM;
		err = devm_request_irq(dev, pci_irq_vector(pdev, vector), prd32_irq, IRQF_SHARED,
				       name, &card->ch[i]);
		if (err)
			return dev_err_probe(dev, err, "interrupt vector %d\n", vector);
	}
	return 0;
}

static int prd32_map_registers(struct prd32_card *card, struct pci_dev *pdev)
{
	struct device *dev = &pdev->dev;

	if (pci_resource_len(pdev, PRD32_BAR_MMIO) < PRD32_BAR_MMIO_SIZE)
		return dev_err_probe(dev, -ENODEV, "BAR %d is too small\n", PRD32_BAR_MMIO);
	card->mmio = devm_ioremap_resource(dev, &pdev->resource[PRD32_BAR_MMIO]);
	return PTR_ERR_OR_ZERO(card->mmio);
}

/* Quiet again, when a step of probe fails after bus mastering was switched on, and on removal. */
static void prd32_silence(struct prd32_card *card)
{
	unsigned int i;
	int err;

	for (i = 0; i < PRD32_CHANNELS_USED; i++)
		prd32_xfer_refuse(&card->ch[i], -ENODEV);
	err = prd32_hw_quiet(card);
	pci_clear_master(to_pci_dev(card->dma_dev));
	if (!err)
		return;
	dev_crit(card->dma_dev, "a channel does not stop: its table is leaked\n");
	for (i = 0; i < PRD32_CHANNELS_USED; i++)
		card->ch[i].broken = true;
}

static int prd32_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct prd32_card *card;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return dev_err_probe(dev, err, "cannot be enabled\n");
	err = prd32_setup_dma(dev);
	if (err)
		return err;

	/* First, so that it is let go last: the interrupt handlers use it until they are freed. */
	card = prd32_card_alloc(dev);
	if (!card)
		return -ENOMEM;
	err = devm_add_action_or_reset(dev, prd32_put_card, card);
	if (err)
		return err;
	pci_set_drvdata(pdev, card);

	err = prd32_map_registers(card, pdev);
	if (err)
		return err;
	err = prd32_hw_identify(card);
	if (err)
		return err;
	/* Whatever drove the card before may have left it running. */
	err = prd32_hw_quiet(card);
	if (err)
		return dev_err_probe(dev, err, "a channel is running and does not stop\n");
	err = prd32_setup_prdts(card);
	if (err)
		return err;
	err = prd32_setup_irqs(card, pdev);
	if (err)
		return err;

	/* Only now may the card reach memory; it needs to for message interrupts, too. */
	pci_set_master(pdev);
	prd32_hw_enable_irq(card);
	err = prd32_chrdev_add(card);
	if (err) {
		prd32_silence(card);
		return dev_err_probe(dev, err, "no character device\n");
	}
	dev_info(dev, "%s: %u MiB of card memory\n", dev_name(&card->dev), card->mem_size >> 20);
	return 0;
}

static void prd32_remove(struct pci_dev *pdev)
{
	struct prd32_card *card = pci_get_drvdata(pdev);

	prd32_chrdev_del(card);
	prd32_silence(card);
}

/* A card that goes on writing to memory must not meet the next kernel. */
static void prd32_shutdown(struct pci_dev *pdev)
{
	prd32_silence(pci_get_drvdata(pdev));
}

static int prd32_suspend(struct device *dev)
{
	struct prd32_card *card = dev_get_drvdata(dev);
	unsigned int i;
	int err;

	for (i = 0; i < PRD32_CHANNELS_USED; i++)
		prd32_xfer_refuse(&card->ch[i], -EBUSY);
	err = prd32_hw_quiet(card);
	if (!err)
		return 0;
	prd32_hw_enable_irq(card);
	for (i = 0; i < PRD32_CHANNELS_USED; i++)
		prd32_xfer_allow(&card->ch[i]);
	return err;
}

/* Each transfer programs all that it needs, so only what outlives one has to be put back. */
static int prd32_resume(struct device *dev)
{
	struct prd32_card *card = dev_get_drvdata(dev);
	unsigned int i;
	int err;

	err = prd32_hw_identify(card);
	if (!err)
		err = prd32_hw_quiet(card);
	if (!err)
		prd32_hw_enable_irq(card);
	for (i = 0; i < PRD32_CHANNELS_USED; i++) {
		/* Without its card a channel is not busy, which passes, but gone. */
		if (err)
			prd32_xfer_refuse(&card->ch[i], -ENODEV);
		else
			prd32_xfer_allow(&card->ch[i]);
	}
	return err;
}

static DEFINE_SIMPLE_DEV_PM_OPS(prd32_pm_ops, prd32_suspend, prd32_resume);

static const struct pci_device_id prd32_ids[] = {
	{ PCI_DEVICE(PRD32_PCI_VENDOR_ID, PRD32_PCI_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, prd32_ids);

static struct pci_driver prd32_driver = {
	.name = PRD32_NAME,
	.id_table = prd32_ids,
	.probe = prd32_probe,
	.remove = prd32_remove,
	.shutdown = prd32_shutdown,
	.driver.pm = pm_sleep_ptr(&prd32_pm_ops),
};

static int __init prd32_init(void)
{
	int err = prd32_chrdev_init();

	if (err)
		return err;
	err = pci_register_driver(&prd32_driver);
	if (err)
		prd32_chrdev_exit();
	return err;
}

static void __exit prd32_exit(void)
{
	pci_unregister_driver(&prd32_driver);
	prd32_chrdev_exit();
}

module_init(prd32_init);
module_exit(prd32_exit);

MODULE_DESCRIPTION("32-bit bus-master scatter-gather DMA card");
MODULE_AUTHOR("The prd32 authors");
MODULE_LICENSE("GPL");
