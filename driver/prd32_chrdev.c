// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/prd32-N: the card's memory as a file of fixed size.
 */
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "prd32.h"
#include "prd32_compat.h"

#define PRD32_MAX_CARDS 64

static dev_t prd32_devt;
static DEFINE_IDA(prd32_ida);
static struct class prd32_class = { .name = PRD32_NAME };

static int prd32_open(struct inode *inode, struct file *file)
{
	/* The file holds the cdev, which holds the card: see prd32_chrdev_add(). */
	file->private_data = container_of(inode->i_cdev, struct prd32_card, cdev);
	return 0;
}

static loff_t prd32_llseek(struct file *file, loff_t offset, int whence)
{
	struct prd32_card *card = file->private_data;

	return fixed_size_llseek(file, offset, whence, card->mem_size);
}

/* A card that moves words cannot move bytes: memory, length and offset must be whole words. */
static bool prd32_aligned(struct prd32_card *card, loff_t pos, struct iov_iter *iter)
{
	return !((pos | iov_iter_alignment(iter)) & (card->granule - 1));
}

static ssize_t prd32_rw_iter(struct kiocb *iocb, struct iov_iter *iter, bool to_host)
{
	struct prd32_card *card = iocb->ki_filp->private_data;
	loff_t pos = iocb->ki_pos;
	ssize_t ret;

	if (!iov_iter_count(iter))
		return 0;
	if (pos >= card->mem_size)
		return to_host ? 0 : -ENOSPC;
	iov_iter_truncate(iter, card->mem_size - pos);
	if (!prd32_aligned(card, pos, iter))
		return -EINVAL;

	ret = prd32_xfer_iter(&card->ch[0], iter, pos, to_host,
			      iocb->ki_filp->f_flags & O_NONBLOCK);
	if (ret > 0)
		iocb->ki_pos = pos + ret;
	return ret;
}

static ssize_t prd32_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return prd32_rw_iter(iocb, to, true);
}

static ssize_t prd32_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return prd32_rw_iter(iocb, from, false);
}

/* owner: an open file keeps the module loaded. */
static const struct file_operations prd32_fops = {
	.owner = THIS_MODULE,
	.open = prd32_open,
	.llseek = prd32_llseek,
	.read_iter = prd32_read_iter,
	.write_iter = prd32_write_iter,
	.splice_read = copy_splice_read,
	.splice_write = iter_file_splice_write,
};

static void prd32_card_release(struct device *dev)
{
	kfree(container_of(dev, struct prd32_card, dev));
}

/**
 * prd32_card_alloc() - allocate a card
 * @parent: the PCI function
 *
 * Return: the card, to be given back with put_device() on its dev, or NULL.
 */
struct prd32_card *prd32_card_alloc(struct device *parent)
{
	struct prd32_card *card = kzalloc(sizeof(*card), GFP_KERNEL);
	unsigned int i;

	if (!card)
		return NULL;
	card->dma_dev = parent;
	for (i = 0; i < ARRAY_SIZE(card->ch); i++) {
		struct prd32_channel *ch = &card->ch[i];

		ch->card = card;
		ch->index = i;
		mutex_init(&ch->lock);
		init_waitqueue_head(&ch->waitq);
	}
	device_initialize(&card->dev);
	card->dev.parent = parent;
	card->dev.class = &prd32_class;
	card->dev.release = prd32_card_release;
	return card;
}

/**
 * prd32_chrdev_add() - make a card accessible; the last step of bringing it up
 * @card: the card, ready to transfer
 *
 * The device becomes the parent of the cdev's kobject, so an open file keeps the card's memory,
 * though not its hardware, until it is closed.
 *
 * Return: 0 or a negative errno.
 */
int prd32_chrdev_add(struct prd32_card *card)
{
	int err, id = ida_alloc_max(&prd32_ida, PRD32_MAX_CARDS - 1, GFP_KERNEL);

	if (id < 0)
		return id;
	card->dev.devt = MKDEV(MAJOR(prd32_devt), id);
	err = dev_set_name(&card->dev, PRD32_NAME "-%d", id);
	if (err)
		goto free_id;
	cdev_init(&card->cdev, &prd32_fops);
	card->cdev.owner = THIS_MODULE;
	err = cdev_device_add(&card->cdev, &card->dev);
	if (err)
		goto free_id;
	return 0;

free_id:
	ida_free(&prd32_ida, id);
	return err;
}

/**
 * prd32_chrdev_del() - no more opens; files that are open stay so
 * @card: the card
 */
void prd32_chrdev_del(struct prd32_card *card)
{
	cdev_device_del(&card->cdev, &card->dev);
	ida_free(&prd32_ida, MINOR(card->dev.devt));
}

/**
 * prd32_chrdev_init() - once, before any card
 *
 * Return: 0 or a negative errno.
 */
int prd32_chrdev_init(void)
{
	int err = alloc_chrdev_region(&prd32_devt, 0, PRD32_MAX_CARDS, PRD32_NAME);

	if (err)
		return err;
	err = class_register(&prd32_class);
	if (err)
		unregister_chrdev_region(prd32_devt, PRD32_MAX_CARDS);
	return err;
}

/**
 * prd32_chrdev_exit() - once, after the last card
 */
void prd32_chrdev_exit(void)
{
	class_unregister(&prd32_class);
	unregister_chrdev_region(prd32_devt, PRD32_MAX_CARDS);
}
