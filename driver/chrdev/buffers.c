// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that the driver owns: handles, and lifetime. The handle, each mapping, each request and
 * each dma-buf holds one; its DMA memory goes with the last of them, or with the card.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "chrdev.h"

/* As many as the offsets of 32-bit programs can tell apart, whose unit is a page. */
#define PRD32_HANDLES	XA_LIMIT(1, (1 << (32 + 12 - PRD32_MMAP_SHIFT)) - 1)

static void prd32_buffer_detach(struct prd32_buffer *buf)
{
	if (buf->attached && !buf->stuck)
		buf->ops->free(buf, prd32_chrdev_dma(buf->cd));
	buf->attached = false;
}

static void prd32_buffer_destroy(struct kref *ref)
{
	struct prd32_buffer *buf = container_of(ref, struct prd32_buffer, ref);
	struct prd32_chrdev *cd = buf->cd;

	mutex_lock(&cd->lock);
	list_del(&buf->node);
	/* Attached means that the card is there, and it stays as long as the device is locked. */
	prd32_buffer_detach(buf);
	mutex_unlock(&cd->lock);
	if (buf->ops->free_pages && !buf->stuck)
		buf->ops->free_pages(buf);
	kfree(buf);
	put_device(&cd->dev);
}

/**
 * prd32_buffer_put() - let go of a buffer
 * @buf: the buffer; its device is not locked
 */
void prd32_buffer_put(struct prd32_buffer *buf)
{
	kref_put(&buf->ref, prd32_buffer_destroy);
}

/**
 * prd32_buffer_get() - the buffer of a handle
 * @pf: the file
 * @handle: the handle
 *
 * Return: the buffer, referenced, or NULL.
 */
struct prd32_buffer *prd32_buffer_get(struct prd32_file *pf, u32 handle)
{
	struct prd32_buffer *buf;

	xa_lock(&pf->buffers);
	buf = xa_load(&pf->buffers, handle);
	if (buf)
		kref_get(&buf->ref);
	xa_unlock(&pf->buffers);
	return buf;
}

static struct prd32_buffer *prd32_buffer_create(struct prd32_chrdev *cd,
						const struct prd32_buffer_ops *ops, u64 length)
{
	struct prd32_buffer *buf = kzalloc(sizeof(*buf), GFP_KERNEL);
	int err;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	kref_init(&buf->ref);
	buf->cd = cd;
	buf->ops = ops;
	buf->length = length;
	buf->size = PAGE_ALIGN(length);
	buf->sgt = &buf->own;
	mutex_init(&buf->export_lock);
	INIT_LIST_HEAD(&buf->attachments);
	err = ops->alloc(buf, prd32_chrdev_dma(cd));
	if (err) {
		kfree(buf);
		return ERR_PTR(err);
	}
	get_device(&cd->dev);
	mutex_lock(&cd->lock);
	buf->attached = true;
	list_add_tail(&buf->node, &cd->buffers);
	mutex_unlock(&cd->lock);
	return buf;
}

/**
 * prd32_buffer_alloc() - PRD32_IOC_BUFFER_ALLOC
 * @pf: the file; the card is there
 * @arg: struct prd32_ioc_buffer_alloc
 *
 * Return: 1 or a negative errno.
 */
int prd32_buffer_alloc(struct prd32_file *pf, void *arg)
{
	struct prd32_ioc_buffer_alloc *args = arg;
	const struct prd32_buffer_ops *ops = prd32_buffer_kind(args->kind);
	struct prd32_buffer *buf;
	int err;

	if (!ops || !args->length || args->length > PRD32_BUFFER_MAX)
		return -EINVAL;
	buf = prd32_buffer_create(pf->cd, ops, args->length);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	err = xa_alloc(&pf->buffers, &args->handle, buf, PRD32_HANDLES, GFP_KERNEL);
	if (err) {
		prd32_buffer_put(buf);
		return err == -EBUSY ? -ENOSPC : err;
	}
	args->mmap_offset = (u64)args->handle << PRD32_MMAP_SHIFT;
	return 1;
}

/**
 * prd32_buffer_free() - PRD32_IOC_BUFFER_FREE
 * @pf: the file
 * @arg: struct prd32_ioc_buffer_free
 *
 * Return: 0 or a negative errno.
 */
int prd32_buffer_free(struct prd32_file *pf, void *arg)
{
	struct prd32_ioc_buffer_free *args = arg;
	struct prd32_buffer *buf;

	if (args->reserved)
		return -EINVAL;
	buf = xa_erase(&pf->buffers, args->handle);
	if (!buf)
		return -ENOENT;
	prd32_buffer_put(buf);
	return 0;
}

/**
 * prd32_buffer_sync() - PRD32_IOC_BUFFER_SYNC
 * @pf: the file; the card is there
 * @arg: struct prd32_ioc_buffer_sync
 *
 * Return: 0 or a negative errno.
 */
int prd32_buffer_sync(struct prd32_file *pf, void *arg)
{
	struct prd32_ioc_buffer_sync *args = arg;
	struct prd32_buffer *buf;
	int err = -EINVAL;

	if (args->sync > PRD32_SYNC_FOR_DEVICE)
		return -EINVAL;
	buf = prd32_buffer_get(pf, args->handle);
	if (!buf)
		return -ENOENT;
	if (args->length <= buf->length && args->offset <= buf->length - args->length) {
		if (buf->ops->sync)
			buf->ops->sync(buf, prd32_chrdev_dma(pf->cd), args->offset, args->length,
				       args->sync == PRD32_SYNC_FOR_CPU);
		err = 0;
	}
	prd32_buffer_put(buf);
	return err;
}

/**
 * prd32_buffers_release() - give up all handles of a file
 * @pf: the file, which nobody uses any more
 */
void prd32_buffers_release(struct prd32_file *pf)
{
	struct prd32_buffer *buf;
	unsigned long handle;

	xa_for_each(&pf->buffers, handle, buf)
		prd32_buffer_put(buf);
	xa_destroy(&pf->buffers);
}

/**
 * prd32_buffers_detach() - free what must not outlive the card
 * @cd: the device, locked; nothing moves, nothing is mapped
 */
void prd32_buffers_detach(struct prd32_chrdev *cd)
{
	struct prd32_buffer *buf;

	list_for_each_entry(buf, &cd->buffers, node)
		prd32_buffer_detach(buf);
}
