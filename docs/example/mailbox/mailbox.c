// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for the prd32 card that is as small as one can be: a page that is kept on the card.
 *
 * What is written to /sys/bus/pci/drivers/mailbox/<address>/letter goes to the card by DMA, and comes back the same way
 * when it is read. Register offsets: docs/registers.md.
 */
#include <linux/dma-mapping.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/pci.h>

#define BM_COMMAND	0x00
#define   START		BIT(0)
#define   TO_HOST	BIT(3)
#define BM_STATUS	0x02
#define   ACTIVE	BIT(0)
#define   ERROR		BIT(1)
#define BM_PRDT		0x04
#define CARD_ADDR	0x40
#define LENGTH		0x44
#define PRD_EOT		BIT(31)

struct mailbox {
	void __iomem *mmio;
	struct { __le32 base, count; } *prd; /* a table of one entry */
	dma_addr_t prd_bus;
	void *page;
	struct mutex lock; /* of the card and the page */
};

static int mailbox_move(struct device *dev, struct mailbox *box, bool to_host)
{
	enum dma_data_direction dir = to_host ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	dma_addr_t bus = dma_map_single(dev, box->page, PAGE_SIZE, dir);
	u8 status;
	int err;

	if (dma_mapping_error(dev, bus))
		return -EIO;
	box->prd->base = cpu_to_le32(bus);
	box->prd->count = cpu_to_le32(PAGE_SIZE | PRD_EOT);
	iowrite32(box->prd_bus, box->mmio + BM_PRDT);
	iowrite32(0, box->mmio + CARD_ADDR);
	iowrite32(PAGE_SIZE, box->mmio + LENGTH);
	iowrite8(START | (to_host ? TO_HOST : 0), box->mmio + BM_COMMAND);
	err = read_poll_timeout(ioread8, status, !(status & ACTIVE), 10, USEC_PER_SEC, false, box->mmio + BM_STATUS);
	if (err)
		iowrite8(0, box->mmio + BM_COMMAND);
	iowrite8(status, box->mmio + BM_STATUS); /* what is set is cleared by writing it */
	dma_unmap_single(dev, bus, PAGE_SIZE, dir);
	return err ?: status & ERROR ? -EIO : 0;
}

static ssize_t letter_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct mailbox *box = dev_get_drvdata(dev);
	int err;

	guard(mutex)(&box->lock);
	memset(box->page, 0, PAGE_SIZE); /* so that what is read can only come from the card */
	err = mailbox_move(dev, box, true);
	return err ?: sysfs_emit(buf, "%.*s", (int)PAGE_SIZE - 1, (char *)box->page);
}

static ssize_t letter_store(struct device *dev, struct device_attribute *attr, const char *buf, size_t count)
{
	struct mailbox *box = dev_get_drvdata(dev);
	int err;

	guard(mutex)(&box->lock);
	memset(box->page, 0, PAGE_SIZE);
	memcpy(box->page, buf, min_t(size_t, count, PAGE_SIZE - 1));
	err = mailbox_move(dev, box, false);
	return err ?: count;
}
static DEVICE_ATTR_RW(letter);

static struct attribute *mailbox_attrs[] = { &dev_attr_letter.attr, NULL };
ATTRIBUTE_GROUPS(mailbox);

static int mailbox_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct mailbox *box = devm_kzalloc(&pdev->dev, sizeof(*box), GFP_KERNEL);
	int err = pcim_enable_device(pdev);

	if (err || !box)
		return err ?: -ENOMEM;
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (err)
		return err;
	box->mmio = pcim_iomap(pdev, 0, 0);
	/* The card wants its table 64 KiB aligned: an allocation is aligned to its size. */
	box->prd = dmam_alloc_coherent(&pdev->dev, SZ_64K, &box->prd_bus, GFP_KERNEL);
	box->page = (void *)devm_get_free_pages(&pdev->dev, GFP_KERNEL, 0);
	if (!box->mmio || !box->prd || !box->page)
		return -ENOMEM;
	mutex_init(&box->lock);
	pci_set_drvdata(pdev, box);
	pci_set_master(pdev);
	return 0;
}

static const struct pci_device_id mailbox_ids[] = { { PCI_DEVICE(0x1234, 0x3270) }, { } };
MODULE_DEVICE_TABLE(pci, mailbox_ids);

static struct pci_driver mailbox_driver = {
	.name = "mailbox",
	.id_table = mailbox_ids,
	.probe = mailbox_probe,
	.dev_groups = mailbox_groups,
};
module_pci_driver(mailbox_driver);

MODULE_DESCRIPTION("A page on the prd32 card");
MODULE_LICENSE("GPL");
