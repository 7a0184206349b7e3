// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/prd32-N: the card's memory as a file of fixed size.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "chrdev.h"
#include "compat.h"

#define PRD32_MAX_CARDS 64

static dev_t prd32_devt;
static struct class prd32_class = { .name = PRD32_NAME };

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

static int prd32_open(struct inode *inode, struct file *file)
{
	/* The file holds the cdev, which holds the device: see prd32_chrdev_probe(). */
	file->private_data = container_of(inode->i_cdev, struct prd32_chrdev, cdev);
	return 0;
}

static loff_t prd32_llseek(struct file *file, loff_t offset, int whence)
{
	struct prd32_chrdev *cd = file->private_data;

	return fixed_size_llseek(file, offset, whence, cd->info.mem_size);
}

/* A card that moves words cannot move bytes: memory, length and offset must be whole words. */
static bool prd32_aligned(struct prd32_chrdev *cd, loff_t pos, struct iov_iter *iter)
{
	return !((pos | iov_iter_alignment(iter)) & (cd->info.granule - 1));
}

static ssize_t prd32_rw_iter(struct kiocb *iocb, struct iov_iter *iter, bool to_host)
{
	struct prd32_chrdev *cd = iocb->ki_filp->private_data;
	loff_t pos = iocb->ki_pos;
	ssize_t ret;

	if (!iov_iter_count(iter))
		return 0;
	if (pos >= cd->info.mem_size)
		return to_host ? 0 : -ENOSPC;
	iov_iter_truncate(iter, cd->info.mem_size - pos);
	if (!prd32_aligned(cd, pos, iter))
		return -EINVAL;

	ret = prd32_transfer(cd, iocb, iter, pos, to_host);
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

static void prd32_chrdev_release(struct device *dev)
{
	struct prd32_chrdev *cd = container_of(dev, struct prd32_chrdev, dev);

	percpu_ref_exit(&cd->users);
	kfree(cd);
}

static void prd32_chrdev_unused(struct percpu_ref *users)
{
	complete(&container_of(users, struct prd32_chrdev, users)->unused);
}

static struct prd32_chrdev *prd32_chrdev_alloc(struct prd32_client *client)
{
	struct prd32_chrdev *cd = kzalloc(sizeof(*cd), GFP_KERNEL);

	if (!cd)
		return NULL;
	if (percpu_ref_init(&cd->users, prd32_chrdev_unused, 0, GFP_KERNEL)) {
		kfree(cd);
		return NULL;
	}
	init_completion(&cd->unused);
	cd->client = client;
	cd->info = *prd32_info(client->card);
	device_initialize(&cd->dev);
	cd->dev.parent = prd32_dma_dev(client->card);
	cd->dev.class = &prd32_class;
	cd->dev.release = prd32_chrdev_release;
	return cd;
}

/*
 * The device becomes the parent of the cdev's kobject, so an open file keeps it, though not the
 * card, until it is closed.
 */
static int prd32_chrdev_probe(struct auxiliary_device *adev,
			      const struct auxiliary_device_id *id)
{
	struct prd32_client *client = to_prd32_client(adev);
	struct prd32_chrdev *cd;
	int err;

	client->refuse = 0;
	cd = prd32_chrdev_alloc(client);
	if (!cd)
		return -ENOMEM;
	err = -ENOSPC;
	if (cd->info.id >= PRD32_MAX_CARDS)
		goto put;
	cd->dev.devt = MKDEV(MAJOR(prd32_devt), cd->info.id);
	err = dev_set_name(&cd->dev, PRD32_NAME "-%u", cd->info.id);
	if (err)
		goto put;
	cdev_init(&cd->cdev, &prd32_fops);
	cd->cdev.owner = THIS_MODULE;
	err = cdev_device_add(&cd->cdev, &cd->dev);
	if (err)
		goto put;
	auxiliary_set_drvdata(adev, cd);
	return 0;

put:
	put_device(&cd->dev);
	return err;
}

/* No more opens; files that are open stay so, and answer ENODEV. */
static void prd32_chrdev_remove(struct auxiliary_device *adev)
{
	struct prd32_chrdev *cd = auxiliary_get_drvdata(adev);

	cdev_device_del(&cd->cdev, &cd->dev);
	percpu_ref_kill(&cd->users);
	prd32_cancel_all(cd->client, -ENODEV);
	wait_for_completion(&cd->unused);
	put_device(&cd->dev);
}

static const struct auxiliary_device_id prd32_chrdev_ids[] = {
	{ .name = PRD32_NAME "." PRD32_CLIENT_CHRDEV },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, prd32_chrdev_ids);

static struct auxiliary_driver prd32_chrdev_driver = {
	.name = PRD32_CLIENT_CHRDEV,
	.id_table = prd32_chrdev_ids,
	.probe = prd32_chrdev_probe,
	.remove = prd32_chrdev_remove,
};

/**
 * prd32_chrdev_init() - once, before any card
 *
 * Return: 0 or a negative errno.
 */
int prd32_chrdev_init(void)
{
	int err = prd32_transfer_init();

	if (err)
		return err;
	err = alloc_chrdev_region(&prd32_devt, 0, PRD32_MAX_CARDS, PRD32_NAME);
	if (err)
		goto exit_transfer;
	err = class_register(&prd32_class);
	if (err)
		goto unregister_region;
	err = auxiliary_driver_register(&prd32_chrdev_driver);
	if (err)
		goto unregister_class;
	return 0;

unregister_class:
	class_unregister(&prd32_class);
unregister_region:
	unregister_chrdev_region(prd32_devt, PRD32_MAX_CARDS);
exit_transfer:
	prd32_transfer_exit();
	return err;
}

/**
 * prd32_chrdev_exit() - once, after the last card
 */
void prd32_chrdev_exit(void)
{
	auxiliary_driver_unregister(&prd32_chrdev_driver);
	class_unregister(&prd32_class);
	unregister_chrdev_region(prd32_devt, PRD32_MAX_CARDS);
	prd32_transfer_exit();
}
