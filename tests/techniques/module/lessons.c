// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lessons of the DMA API, each carried out with the real card, in the place of its driver.
 *
 * insmod prd32_lessons.ko while no driver has the card, then read debugfs' prd32_lessons/NAME: the
 * lesson runs then, and what it found are lines of key=value. Errors are told as -errno.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/of_reserved_mem.h>

#include "lessons.h"
#include "prd32_regs.h"

static struct lesson_card the_card;
static struct dentry *folder;
static DEFINE_MUTEX(one_at_a_time);

static int lesson_show(struct seq_file *told, void *unused)
{
	const struct lesson *lesson = told->private;
	int ret;

	mutex_lock(&one_at_a_time);
	ret = lesson->show(&the_card, told);
	mutex_unlock(&one_at_a_time);
	return ret;
}
DEFINE_SHOW_ATTRIBUTE(lesson);

static void lesson_files(const struct lesson *lesson)
{
	for (; lesson->name; lesson++)
		debugfs_create_file(lesson->name, 0400, folder, (void *)lesson, &lesson_fops);
}

static int lessons_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret;

	if (the_card.pdev)
		return -EBUSY; /* one card is enough to learn from */
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(PRD32_LIMIT_ADDRESS_BITS));
	if (ret)
		return ret;
	the_card.dev = &pdev->dev;
	/* A device tree may reserve memory for the card; most machines have none. */
	ret = pdev->dev.of_node ? of_reserved_mem_device_init(&pdev->dev) : 0;
	if (ret && ret != -ENODEV)
		return ret;
	the_card.regs = pcim_iomap(pdev, PRD32_BAR_MMIO, 0);
	if (!the_card.regs)
		return -ENOMEM;
	ret = lesson_table_alloc(&the_card);
	if (ret)
		return ret;
	pci_set_master(pdev);
	the_card.pdev = pdev;
	folder = debugfs_create_dir(KBUILD_MODNAME, NULL);
	lesson_files(streaming_lessons);
	lesson_files(allocator_lessons);
	return 0;
}

static void lessons_remove(struct pci_dev *pdev)
{
	debugfs_remove_recursive(folder);
	pci_clear_master(pdev);
	lesson_table_free(&the_card);
	of_reserved_mem_device_release(&pdev->dev);
	the_card.pdev = NULL;
}

static const struct pci_device_id lessons_ids[] = {
	{ PCI_DEVICE(PRD32_PCI_VENDOR_ID, PRD32_PCI_DEVICE_ID) },
	{ }
};

static struct pci_driver lessons_driver = {
	.name = KBUILD_MODNAME,
	.id_table = lessons_ids,
	.probe = lessons_probe,
	.remove = lessons_remove,
};
module_pci_driver(lessons_driver);

MODULE_DESCRIPTION("Lessons of the DMA API with a prd32 card");
MODULE_AUTHOR("The prd32 authors");
MODULE_LICENSE("GPL");
