// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/prd32-N: the card's memory as a file of fixed size, and what comes with the file.
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
MODULE_PARM_DESC(chunk_kib, "memory mapped at a time by one caller, KiB (64..262144, default 16384)");

static int prd32_open(struct inode *inode, struct file *file)
{
	/* The file holds the cdev, which holds the device: see prd32_chrdev_probe(). */
	struct prd32_chrdev *cd = container_of(inode->i_cdev, struct prd32_chrdev, cdev);
	struct prd32_file *pf = kzalloc(sizeof(*pf), GFP_KERNEL);

	if (!pf)
		return -ENOMEM;
	pf->cd = cd;
	pf->file = file;
	/* Nothing else is ever done, so who asks for it, as for polled I/O he must, may have it. */
	file->f_mode |= FMODE_CAN_ODIRECT;
	INIT_LIST_HEAD(&pf->areas);
	xa_init_flags(&pf->buffers, XA_FLAGS_ALLOC1);
	spin_lock_init(&pf->lock);
	INIT_LIST_HEAD(&pf->running);
	INIT_LIST_HEAD(&pf->results);
	init_waitqueue_head(&pf->wait);
	mutex_lock(&cd->lock);
	list_add_tail(&pf->node, &cd->files);
	mutex_unlock(&cd->lock);
	file->private_data = pf;
	/* Else io_uring would ask poll() whether it may read, which speaks of results. */
	file->f_mode |= FMODE_NOWAIT;
	return 0;
}

/* Nothing moves any more on return, but mappings and dma-bufs may keep buffers. */
static int prd32_release(struct inode *inode, struct file *file)
{
	struct prd32_file *pf = file->private_data;

	prd32_results_release(pf);
	prd32_buffers_release(pf);
	mutex_lock(&pf->cd->lock);
	prd32_areas_release(pf);
	list_del(&pf->node);
	mutex_unlock(&pf->cd->lock);
	kfree(pf);
	return 0;
}

static loff_t prd32_llseek(struct file *file, loff_t offset, int whence)
{
	struct prd32_file *pf = file->private_data;

	return fixed_size_llseek(file, offset, whence, pf->cd->info.mem_size);
}

/* Readable: there are results. Writable: a request would be started at once. */
static __poll_t prd32_file_poll(struct file *file, poll_table *wait)
{
	struct prd32_file *pf = file->private_data;
	struct prd32_chrdev *cd = pf->cd;
	__poll_t mask = 0;

	poll_wait(file, &pf->wait, wait);
	poll_wait(file, &cd->wait, wait);
	if (prd32_chrdev_enter(cd)) {
		if (prd32_has_idle_channel(cd->client->card))
			mask |= EPOLLOUT | EPOLLWRNORM;
		prd32_chrdev_leave(cd);
	} else {
		mask |= EPOLLHUP | EPOLLERR;
	}
	spin_lock(&pf->lock);
	if (!list_empty(&pf->results))
		mask |= EPOLLIN | EPOLLRDNORM;
	spin_unlock(&pf->lock);
	return mask;
}

/* owner: an open file keeps the module loaded. */
static const struct file_operations prd32_fops = {
	.owner = THIS_MODULE,
	.open = prd32_open,
	.release = prd32_release,
	.llseek = prd32_llseek,
	.read_iter = prd32_read_iter,
	.write_iter = prd32_write_iter,
	.iopoll = prd32_iopoll,
	.splice_read = copy_splice_read,
	.splice_write = iter_file_splice_write,
	.poll = prd32_file_poll,
	.mmap = prd32_mmap,
	.unlocked_ioctl = prd32_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static void prd32_chrdev_release(struct device *dev)
{
	struct prd32_chrdev *cd = container_of(dev, struct prd32_chrdev, dev);

	percpu_ref_exit(&cd->users);
	kvfree(cd->spare);
	kfree(cd);
}

static void prd32_chrdev_unused(struct percpu_ref *users)
{
	complete(&container_of(users, struct prd32_chrdev, users)->unused);
}

/* With the channel locked, interrupts off. */
static int prd32_chrdev_idle(struct notifier_block *nb, unsigned long action, void *data)
{
	struct prd32_chrdev *cd = container_of(nb, struct prd32_chrdev, idle);

	if (wq_has_sleeper(&cd->wait))
		wake_up_interruptible_poll(&cd->wait, EPOLLOUT | EPOLLWRNORM);
	return NOTIFY_OK;
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
	cd->idle.notifier_call = prd32_chrdev_idle;
	init_waitqueue_head(&cd->wait);
	mutex_init(&cd->lock);
	INIT_LIST_HEAD(&cd->files);
	INIT_LIST_HEAD(&cd->buffers);
	INIT_LIST_HEAD(&cd->mappings);
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
static int prd32_chrdev_add(struct prd32_chrdev *cd)
{
	int err;

	if (cd->info.id >= PRD32_MAX_CARDS)
		return -ENOSPC;
	cd->dev.devt = MKDEV(MAJOR(prd32_devt), cd->info.id);
	err = dev_set_name(&cd->dev, PRD32_NAME "-%u", cd->info.id);
	if (err)
		return err;
	cdev_init(&cd->cdev, &prd32_fops);
	cd->cdev.owner = THIS_MODULE;
	return cdev_device_add(&cd->cdev, &cd->dev);
}

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
	err = prd32_edges_create(cd);
	if (err)
		goto put;
	prd32_idle_register(client->card, &cd->idle);
	err = prd32_chrdev_add(cd);
	if (err)
		goto unregister;
	prd32_addresses_add(cd);
	auxiliary_set_drvdata(adev, cd);
	return 0;

unregister:
	prd32_idle_unregister(client->card, &cd->idle);
	prd32_edges_destroy(cd);
put:
	put_device(&cd->dev);
	return err;
}

/* What must not outlive the card, with nobody in between any more. */
static void prd32_chrdev_detach(struct prd32_chrdev *cd)
{
	struct prd32_file *pf;

	prd32_mappings_zap(cd);
	mutex_lock(&cd->lock);
	prd32_buffers_detach(cd);
	list_for_each_entry(pf, &cd->files, node)
		prd32_areas_release(pf);
	mutex_unlock(&cd->lock);
}

/* Tell those who sleep that there is nothing to wait for any more. */
static void prd32_chrdev_hang_up(struct prd32_chrdev *cd)
{
	struct prd32_file *pf;

	wake_up_interruptible_poll(&cd->wait, EPOLLHUP | EPOLLERR);
	mutex_lock(&cd->lock);
	list_for_each_entry(pf, &cd->files, node)
		wake_up_interruptible_all(&pf->wait);
	mutex_unlock(&cd->lock);
}

/* No more opens; files that are open stay so, and answer ENODEV. */
static void prd32_chrdev_remove(struct auxiliary_device *adev)
{
	struct prd32_chrdev *cd = auxiliary_get_drvdata(adev);

	prd32_addresses_remove(cd);
	cdev_device_del(&cd->cdev, &cd->dev);
	percpu_ref_kill(&cd->users);
	prd32_cancel_all(cd->client, -ENODEV);
	wait_for_completion(&cd->unused);
	prd32_idle_unregister(cd->client->card, &cd->idle);
	prd32_chrdev_detach(cd);
	prd32_chrdev_hang_up(cd);
	prd32_edges_destroy(cd);
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
	int err = prd32_transfer_setup();

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
	prd32_transfer_cleanup();
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
	prd32_transfer_cleanup();
}
