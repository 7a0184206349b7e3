// SPDX-License-Identifier: GPL-2.0-only
/*
 * Card and driver meet here: PCI probe and remove.
 *
 * Everything that probe acquires is managed, in an order in which it can be let go from last to
 * first. What is not managed is what remove does by hand: making the hardware quiet.
 */
#include <linux/dma-mapping.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/of_reserved_mem.h>
#include <linux/pci.h>

#include "core.h"

static DEFINE_IDA(prd32_ids_in_use);

static void prd32_free_id(void *data)
{
	struct prd32_card *card = data;

	ida_free(&prd32_ids_in_use, card->info.id);
}

static int prd32_setup_dma(struct device *dev)
{
	int err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(PRD32_LIMIT_ADDRESS_BITS));

	if (err)
		return dev_err_probe(dev, err, "no 32-bit DMA on this system\n");
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

/*
 * An IOMMU merges, and it and bounce buffers place segments, within these limits. Where neither is,
 * memory is what it is, and the driver cuts it into descriptors anyway: one long segment is then
 * mapped with less work than many of a descriptor's size.
 */
static void prd32_limit_segments(struct device *dev)
{
	bool placed = device_iommu_mapped(dev) || dma_max_mapping_size(dev) != SIZE_MAX;

	dma_set_seg_boundary(dev, (placed ? PRD32_LIMIT_PRD_BOUNDARY : SZ_1G) - 1);
	dma_set_max_seg_size(dev, placed ? PRD32_LIMIT_PRD_MAX_BYTES : SZ_1G);
}

static void prd32_free_prdt(void *data)
{
	struct prd32_channel *ch = data;

	/* An engine that does not stop may still read its tables. */
	while (!ch->broken && ch->slots)
		prd32_prdt_free(ch->card->dma_dev, &ch->slot[--ch->slots].prdt);
}

/*
 * The status block and the commands live behind the first table, in what alignment makes the
 * allocator give anyway.
 */
static void prd32_place_status(struct prd32_channel *ch)
{
	const struct prd32_prdt *prdt = &ch->slot->prdt;
	void *behind = prdt->entries + PRD32_LIMIT_PRDT_MAX_ENTRIES;
	dma_addr_t dma = prdt->dma + PRD32_LIMIT_PRDT_MAX_ENTRIES * PRD32_PRD_SIZE;

	if (!ch->card->info.writeback || !prd32_use_writeback)
		return;
	ch->status = behind;
	ch->status_dma = dma;
	memset(ch->status, 0, sizeof(*ch->status));
	if (!ch->card->info.queue || !prd32_use_queue)
		return;
	BUILD_BUG_ON(sizeof(*ch->status) > sizeof(*ch->commands));
	prd32_commands_setup(ch, behind + sizeof(*ch->commands), dma + sizeof(*ch->commands));
}

/* Several tables at a time are nice to have: as many as there is memory for. */
static void prd32_add_slots(struct prd32_channel *ch)
{
	while (ch->commands && ch->slots < PRD32_SLOTS &&
	       !prd32_prdt_alloc(ch->card->dma_dev, &ch->slot[ch->slots].prdt))
		ch->slots++;
}

static int prd32_setup_memory(struct prd32_card *card)
{
	struct prd32_channel *ch;
	int err;

	err = prd32_setup_pool(card->dma_dev);
	if (err)
		return err;
	/* Only now: the device tree's memory may be for bouncing. */
	prd32_limit_segments(card->dma_dev);
	prd32_for_each_channel(ch, card) {
		err = prd32_prdt_alloc(card->dma_dev, &ch->slot->prdt);
		if (err)
			return err;
		err = devm_add_action_or_reset(card->dma_dev, prd32_free_prdt, ch);
		if (err)
			return err;
		prd32_place_status(ch);
		prd32_add_slots(ch);
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

static struct prd32_card *prd32_card_alloc(struct device *dev)
{
	struct prd32_card *card = devm_kzalloc(dev, sizeof(*card), GFP_KERNEL);
	unsigned int i;
	int id;

	if (!card)
		return NULL;
	card->dma_dev = dev;
	spin_lock_init(&card->irq_lock);
	mutex_init(&card->recovery_lock);
	ATOMIC_INIT_NOTIFIER_HEAD(&card->idle);
	prd32_errors_init(card);
	for (i = 0; i < ARRAY_SIZE(card->ch); i++)
		prd32_channel_init(card, i);
	id = ida_alloc(&prd32_ids_in_use, GFP_KERNEL);
	if (id < 0)
		return NULL;
	card->info.id = id;
	return devm_add_action_or_reset(dev, prd32_free_id, card) ? NULL : card;
}

/* The hardware, from unknown to quiet. */
static int prd32_setup_hardware(struct prd32_card *card, struct pci_dev *pdev)
{
	int err = prd32_map_registers(card, pdev);

	if (err)
		return err;
	err = prd32_hw_identify(card);
	if (err)
		return err;
	/* Whatever drove the card before may have left it running. */
	err = prd32_hw_quiet(card);
	if (err)
		return dev_err_probe(&pdev->dev, err, "a channel is running and does not stop\n");
	return 0;
}

/**
 * prd32_open_bus() - let the card reach memory
 * @card: the card, quiet
 *
 * And save what a reset of the slot takes away, BARs and interrupts, without the access to the bus:
 * it is restored before the card is known to be quiet. Each time, as what was saved is used up by
 * that, on Linux 6.1.
 */
void prd32_open_bus(struct prd32_card *card)
{
	struct pci_dev *pdev = to_pci_dev(card->dma_dev);

	pci_clear_master(pdev);
	pci_save_state(pdev);
	pci_set_master(pdev);
}

/* Nobody uses it any more, and nothing is to happen to it. */
static void prd32_card_end(struct prd32_card *card)
{
	struct prd32_channel *ch;

	prd32_debugfs_remove(card);
	prd32_silence(card);
	prd32_for_each_channel(ch, card) {
		prd32_defer_exit(ch);
		prd32_recovery_exit(ch);
	}
	prd32_errors_exit(card);
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
	pci_set_drvdata(pdev, card);
	err = prd32_setup_hardware(card, pdev);
	if (err)
		return err;
	err = prd32_memory_setup(card);
	if (err)
		return err;
	err = prd32_setup_memory(card);
	if (err)
		return err;
	err = prd32_irq_setup(card);
	if (err)
		return err;

	/* Only now may the card reach memory; it needs to for message interrupts, too. */
	prd32_open_bus(card);
	prd32_hw_enable_irqs(card);
	prd32_debugfs_add(card);
	err = prd32_clients_add(card);
	if (err) {
		prd32_card_end(card);
		return dev_err_probe(dev, err, "no auxiliary devices\n");
	}
	dev_info(dev, "card %u: %u MiB of card memory, %u channels, status %s, tables at a time: %u\n",
		 card->info.id, card->info.mem_size >> 20, card->info.channels,
		 card->ch[0].status ? "in memory" : "in registers", card->ch[0].slots);
	return 0;
}

static void prd32_remove(struct pci_dev *pdev)
{
	struct prd32_card *card = pci_get_drvdata(pdev);

	/* A card that is gone or cut off cannot write back what the front ends like to save. */
	if (!pci_device_is_present(pdev) || card->detached)
		prd32_kill(card);
	prd32_clients_remove(card);
	prd32_card_end(card);
}

static void prd32_shutdown(struct pci_dev *pdev)
{
	prd32_silence(pci_get_drvdata(pdev));
}

static const struct pci_device_id prd32_ids[] = {
	{ PCI_DEVICE(PRD32_PCI_VENDOR_ID, PRD32_PCI_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, prd32_ids);

struct pci_driver prd32_pci_driver = {
	.name = PRD32_NAME,
	.id_table = prd32_ids,
	.probe = prd32_probe,
	.remove = prd32_remove,
	.shutdown = prd32_shutdown,
	.dev_groups = prd32_groups,
	.err_handler = &prd32_error_handlers,
	.driver.pm = pm_sleep_ptr(&prd32_pm_ops),
};

/**
 * prd32_dma_dev() - the device to map memory for
 * @card: the card
 *
 * Return: the PCI function.
 */
struct device *prd32_dma_dev(struct prd32_card *card)
{
	return card->dma_dev;
}

/**
 * prd32_info() - what the card is
 * @card: the card
 *
 * Return: valid as long as @card.
 */
const struct prd32_info *prd32_info(struct prd32_card *card)
{
	return &card->info;
}
