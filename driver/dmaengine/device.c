// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dmaengine device of a card, from its first moment to its last, which may come long after
 * the card has gone: whoever holds a channel then keeps it, and gets errors.
 */
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "dma.h"

static struct workqueue_struct *prd32_dma_wq;

static bool prd32_dma_no_channel(struct dma_chan *chan, void *unused)
{
	return false;
}

static void prd32_dma_free(struct work_struct *work)
{
	struct prd32_dma *dma = container_of(work, struct prd32_dma, free);
	dma_cap_mask_t any;
	unsigned int i;

	/*
	 * Who lets go of the last channel touches it once more after the device was released, with
	 * the framework's lock held. Looking for a channel that cannot be had waits for that lock.
	 */
	dma_cap_zero(any);
	dma_request_channel(any, prd32_dma_no_channel, NULL);
	for (i = 0; i < PRD32_DMA_CHANNELS; i++)
		put_device(&dma->ch[i].chan.dev->device);
	put_device(dma->device.dev);
	kfree(dma);
}

/* Nobody holds a channel any more. */
static void prd32_dma_release(struct dma_device *device)
{
	struct prd32_dma *dma = container_of(device, struct prd32_dma, device);

	queue_work(prd32_dma_wq, &dma->free);
}

/* A card that moves words cannot be given a width below that. */
static u32 prd32_dma_widths(const struct prd32_info *info)
{
	u32 widths = 0;
	unsigned int i;

	for (i = info->granule; i <= DMA_SLAVE_BUSWIDTH_8_BYTES; i *= 2)
		widths |= BIT(i);
	return widths;
}

static void prd32_dma_describe(struct dma_device *device, const struct prd32_info *info)
{
	/* Private: async_tx would take the channels for copies that a processor does faster. */
	dma_cap_set(DMA_PRIVATE, device->cap_mask);
	dma_cap_set(DMA_SLAVE, device->cap_mask);
	dma_cap_set(DMA_MEMCPY, device->cap_mask);
	if (info->cyclic)
		dma_cap_set(DMA_CYCLIC, device->cap_mask);
	device->copy_align = ilog2(info->granule);
	device->src_addr_widths = prd32_dma_widths(info);
	device->dst_addr_widths = device->src_addr_widths;
	device->directions = BIT(DMA_DEV_TO_MEM) | BIT(DMA_MEM_TO_DEV);
	/* Segment size and boundary are the PCI function's: see prd32_limit_segments(). */
	device->max_sg_burst = info->max_prds;
	device->residue_granularity = DMA_RESIDUE_GRANULARITY_SEGMENT;
	device->descriptor_reuse = true;
	device->desc_metadata_modes = DESC_METADATA_ENGINE;
	device->device_release = prd32_dma_release;
	prd32_dma_chan_operations(device);
}

static struct prd32_dma *prd32_dma_alloc(struct prd32_client *client)
{
	struct prd32_dma *dma = kzalloc(sizeof(*dma), GFP_KERNEL);
	unsigned int i;

	if (!dma)
		return NULL;
	dma->info = *prd32_info(client->card);
	INIT_WORK(&dma->free, prd32_dma_free);
	INIT_LIST_HEAD(&dma->device.channels);
	for (i = 0; i < PRD32_DMA_CHANNELS; i++)
		prd32_dma_chan_init(dma, i, client);
	prd32_dma_describe(&dma->device, &dma->info);
	/* Clients map memory for it, perhaps until after the card has gone. */
	dma->device.dev = get_device(prd32_dma_dev(client->card));
	return dma;
}

static int prd32_dma_probe(struct auxiliary_device *adev, const struct auxiliary_device_id *id)
{
	struct prd32_client *client = to_prd32_client(adev);
	struct prd32_dma *dma;
	unsigned int i;
	int err;

	client->refuse = 0;
	dma = prd32_dma_alloc(client);
	if (!dma)
		return -ENOMEM;
	err = dma_async_device_register(&dma->device);
	if (err) {
		put_device(dma->device.dev);
		kfree(dma);
		return err;
	}
	/* The framework lets go of them on unbind; who holds a channel may still ask its name. */
	for (i = 0; i < PRD32_DMA_CHANNELS; i++)
		get_device(&dma->ch[i].chan.dev->device);
	auxiliary_set_drvdata(adev, dma);
	return 0;
}

static void prd32_dma_remove(struct auxiliary_device *adev)
{
	struct prd32_dma *dma = auxiliary_get_drvdata(adev);
	unsigned int i;

	for (i = 0; i < PRD32_DMA_CHANNELS; i++)
		prd32_dma_chan_leave(&dma->ch[i]);
	prd32_cancel_all(to_prd32_client(adev), -ENODEV);
	for (i = 0; i < PRD32_DMA_CHANNELS; i++)
		prd32_dma_chan_left(&dma->ch[i]);
	dma_async_device_unregister(&dma->device);
}

static const struct auxiliary_device_id prd32_dma_ids[] = {
	{ .name = PRD32_NAME "." PRD32_CLIENT_DMA },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, prd32_dma_ids);

static struct auxiliary_driver prd32_dma_driver = {
	.name = PRD32_CLIENT_DMA,
	.id_table = prd32_dma_ids,
	.probe = prd32_dma_probe,
	.remove = prd32_dma_remove,
};

/**
 * prd32_dma_init() - once, before any card
 *
 * Return: 0 or a negative errno.
 */
int prd32_dma_init(void)
{
	int err;

	prd32_dma_wq = alloc_workqueue("prd32-dma", WQ_UNBOUND, 0);
	if (!prd32_dma_wq)
		return -ENOMEM;
	err = auxiliary_driver_register(&prd32_dma_driver);
	if (err)
		destroy_workqueue(prd32_dma_wq);
	return err;
}

/**
 * prd32_dma_exit() - once, after the last card; and after the last client, who holds the module
 */
void prd32_dma_exit(void)
{
	auxiliary_driver_unregister(&prd32_dma_driver);
	destroy_workqueue(prd32_dma_wq);
}
