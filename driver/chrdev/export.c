// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers for other drivers: a cached buffer as dma-buf. Each device that attaches gets a mapping
 * of its own, besides the card's, which lasts as long as the buffer does.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/iosys-map.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "chrdev.h"

/**
 * struct prd32_attachment - another device's view of a buffer
 * @node: in the buffer's list
 * @dev: the device
 * @sgt: its list of the pages
 * @given: what the device is told: the addresses in @sgt without the pages, which are not its
 *	   business. The dma-buf core may scramble it meanwhile
 * @mapped: @sgt has bus addresses; guarded by prd32_buffer.export_lock
 */
struct prd32_attachment {
	struct list_head node;
	struct device *dev;
	struct sg_table sgt;
	struct sg_table given;
	bool mapped;
};

static int prd32_export_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct prd32_buffer *buf = dmabuf->priv;
	struct prd32_attachment *a = kzalloc(sizeof(*a), GFP_KERNEL);
	int err;

	if (!a)
		return -ENOMEM;
	err = prd32_list_pages(&a->sgt, buf->pages, 0, buf->size, PRD32_LIMIT_PRD_BOUNDARY - 1);
	if (err) {
		kfree(a);
		return err;
	}
	a->dev = attachment->dev;
	attachment->priv = a;
	mutex_lock(&buf->export_lock);
	list_add(&a->node, &buf->attachments);
	mutex_unlock(&buf->export_lock);
	return 0;
}

static void prd32_export_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct prd32_buffer *buf = dmabuf->priv;
	struct prd32_attachment *a = attachment->priv;

	mutex_lock(&buf->export_lock);
	list_del(&a->node);
	mutex_unlock(&buf->export_lock);
	sg_free_table(&a->sgt);
	kfree(a);
}

static int prd32_export_give(struct prd32_attachment *a)
{
	struct scatterlist *from, *to;
	int i, err = sg_alloc_table(&a->given, a->sgt.nents, GFP_KERNEL);

	if (err)
		return err;
	to = a->given.sgl;
	for_each_sgtable_dma_sg(&a->sgt, from, i) {
		sg_dma_address(to) = sg_dma_address(from);
		sg_dma_len(to) = sg_dma_len(from);
		to = sg_next(to);
	}
	return 0;
}

/*
 * Synchronised by hand: the card has a mapping of the same pages, and the DMA API's own checks
 * allow a second one only to who says that he takes care.
 */
static struct sg_table *prd32_export_map(struct dma_buf_attachment *attachment,
					 enum dma_data_direction dir)
{
	struct prd32_buffer *buf = attachment->dmabuf->priv;
	struct prd32_attachment *a = attachment->priv;
	int err;

	mutex_lock(&buf->export_lock);
	err = dma_map_sgtable(a->dev, &a->sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (err)
		goto unlock;
	err = prd32_export_give(a);
	if (err) {
		dma_unmap_sgtable(a->dev, &a->sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
		goto unlock;
	}
	dma_sync_sgtable_for_device(a->dev, &a->sgt, dir);
	a->mapped = true;
unlock:
	mutex_unlock(&buf->export_lock);
	return err ? ERR_PTR(err) : &a->given;
}

static void prd32_export_unmap(struct dma_buf_attachment *attachment, struct sg_table *sgt,
			       enum dma_data_direction dir)
{
	struct prd32_buffer *buf = attachment->dmabuf->priv;
	struct prd32_attachment *a = attachment->priv;

	mutex_lock(&buf->export_lock);
	a->mapped = false;
	dma_sync_sgtable_for_cpu(a->dev, &a->sgt, dir);
	dma_unmap_sgtable(a->dev, &a->sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(&a->given);
	mutex_unlock(&buf->export_lock);
}

static int prd32_export_begin_cpu(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct prd32_buffer *buf = dmabuf->priv;
	struct prd32_attachment *a;

	mutex_lock(&buf->export_lock);
	list_for_each_entry(a, &buf->attachments, node)
		if (a->mapped)
			dma_sync_sgtable_for_cpu(a->dev, &a->sgt, dir);
	if (buf->vmap)
		invalidate_kernel_vmap_range(buf->vmap, buf->size);
	mutex_unlock(&buf->export_lock);
	return 0;
}

static int prd32_export_end_cpu(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct prd32_buffer *buf = dmabuf->priv;
	struct prd32_attachment *a;

	mutex_lock(&buf->export_lock);
	if (buf->vmap)
		flush_kernel_vmap_range(buf->vmap, buf->size);
	list_for_each_entry(a, &buf->attachments, node)
		if (a->mapped)
			dma_sync_sgtable_for_device(a->dev, &a->sgt, dir);
	mutex_unlock(&buf->export_lock);
	return 0;
}

static int prd32_export_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return prd32_mmap_exported(dmabuf->priv, vma);
}

static int prd32_export_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct prd32_buffer *buf = dmabuf->priv;
	int err = 0;

	mutex_lock(&buf->export_lock);
	if (!buf->vmap)
		buf->vmap = vmap(buf->pages, buf->size >> PAGE_SHIFT, VM_MAP, PAGE_KERNEL);
	if (buf->vmap) {
		buf->vmap_count++;
		iosys_map_set_vaddr(map, buf->vmap);
	} else {
		err = -ENOMEM;
	}
	mutex_unlock(&buf->export_lock);
	return err;
}

static void prd32_export_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct prd32_buffer *buf = dmabuf->priv;

	mutex_lock(&buf->export_lock);
	if (!--buf->vmap_count) {
		vunmap(buf->vmap);
		buf->vmap = NULL;
	}
	mutex_unlock(&buf->export_lock);
	iosys_map_clear(map);
}

static void prd32_export_release(struct dma_buf *dmabuf)
{
	prd32_buffer_put(dmabuf->priv);
}

static const struct dma_buf_ops prd32_export_ops = {
	.attach = prd32_export_attach,
	.detach = prd32_export_detach,
	.map_dma_buf = prd32_export_map,
	.unmap_dma_buf = prd32_export_unmap,
	.begin_cpu_access = prd32_export_begin_cpu,
	.end_cpu_access = prd32_export_end_cpu,
	.mmap = prd32_export_mmap,
	.vmap = prd32_export_vmap,
	.vunmap = prd32_export_vunmap,
	.release = prd32_export_release,
};

/* On success the dma-buf has the caller's reference to the buffer. */
static struct dma_buf *prd32_export_buffer(struct prd32_buffer *buf)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;

	info.ops = &prd32_export_ops;
	info.size = buf->size;
	info.flags = O_RDWR;
	info.priv = buf;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		prd32_buffer_put(buf);
	return dmabuf;
}

/**
 * prd32_export() - PRD32_IOC_EXPORT
 * @pf: the file; the card is there
 * @arg: struct prd32_exporting, of which the caller's argument is there
 *
 * The number is taken, but nothing is behind it before the caller was told: a descriptor that he
 * does not know of could not be taken back, as others may have used it.
 *
 * Return: 1, and prd32_export_told() is to be called, or a negative errno.
 */
int prd32_export(struct prd32_file *pf, void *arg)
{
	struct prd32_exporting *export = arg;
	struct prd32_buffer *buf = prd32_buffer_get(pf, export->args.handle);
	int fd;

	if (!buf)
		return -ENOENT;
	if (!buf->pages) {
		prd32_buffer_put(buf);
		return -EOPNOTSUPP;
	}
	export->dmabuf = prd32_export_buffer(buf);
	if (IS_ERR(export->dmabuf))
		return PTR_ERR(export->dmabuf);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		dma_buf_put(export->dmabuf);
		return fd;
	}
	export->args.fd = fd;
	return 1;
}

/**
 * prd32_export_told() - the end of an export
 * @arg: as prd32_export() left it
 * @told: the caller knows the number; else there will be no descriptor
 */
void prd32_export_told(void *arg, bool told)
{
	struct prd32_exporting *export = arg;

	if (told) {
		fd_install(export->args.fd, export->dmabuf->file);
		return;
	}
	put_unused_fd(export->args.fd);
	dma_buf_put(export->dmabuf);
}
