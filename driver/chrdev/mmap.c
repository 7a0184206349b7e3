// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers in user space. What the DMA API maps must be gone before the card is, so mappings are
 * taken away then: whoever touches them gets SIGBUS. Cached pages come in one by one, when they
 * are touched, and stay as long as anybody has them.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "chrdev.h"
#include "compat.h"

/**
 * struct prd32_mapping - a call of mmap(), and what became of it by fork() and partial munmap()
 * @ref: the areas that it consists of
 * @buf: the buffer, referenced
 * @mm: the address space in which the call was made
 * @node: in the device's list, until the card leaves
 */
struct prd32_mapping {
	struct kref ref;
	struct prd32_buffer *buf;
	struct mm_struct *mm;
	struct list_head node;
};

static void prd32_mapping_destroy(struct kref *ref)
{
	struct prd32_mapping *map = container_of(ref, struct prd32_mapping, ref);

	mutex_lock(&map->buf->cd->lock);
	list_del(&map->node);
	mutex_unlock(&map->buf->cd->lock);
	mmdrop(map->mm);
	prd32_buffer_put(map->buf);
	kfree(map);
}

static void prd32_vm_open(struct vm_area_struct *vma)
{
	struct prd32_mapping *map = vma->vm_private_data;

	kref_get(&map->ref);
}

static void prd32_vm_close(struct vm_area_struct *vma)
{
	struct prd32_mapping *map = vma->vm_private_data;

	kref_put(&map->ref, prd32_mapping_destroy);
}

static vm_fault_t prd32_fault_page(struct prd32_buffer *buf, struct vm_fault *vmf)
{
	/* Above these bits is the handle. */
	pgoff_t index = vmf->pgoff & (BIT_ULL(PRD32_MMAP_SHIFT - PAGE_SHIFT) - 1);

	if (!buf->pages || index >= buf->size >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;
	get_page(buf->pages[index]);
	vmf->page = buf->pages[index];
	return 0;
}

static vm_fault_t prd32_vm_fault(struct vm_fault *vmf)
{
	struct prd32_mapping *map = vmf->vma->vm_private_data;

	return prd32_fault_page(map->buf, vmf);
}

static const struct vm_operations_struct prd32_vm_ops = {
	.open = prd32_vm_open,
	.close = prd32_vm_close,
	.fault = prd32_vm_fault,
};

static vm_fault_t prd32_vm_exported_fault(struct vm_fault *vmf)
{
	return prd32_fault_page(vmf->vma->vm_private_data, vmf);
}

/* The dma-buf's file keeps the buffer. */
static const struct vm_operations_struct prd32_vm_exported_ops = {
	.fault = prd32_vm_exported_fault,
};

/**
 * prd32_mmap_pages() - prd32_buffer_ops.mmap for buffers with pages
 * @buf: the buffer
 * @dev: the card
 * @vma: where to; filled when it is touched
 *
 * Return: 0.
 */
int prd32_mmap_pages(struct prd32_buffer *buf, struct device *dev, struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

/**
 * prd32_mmap_exported() - map a buffer for a user of its dma-buf
 * @buf: the buffer, with pages
 * @vma: where to
 *
 * Return: 0 or -EINVAL.
 */
int prd32_mmap_exported(struct prd32_buffer *buf, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	vma->vm_ops = &prd32_vm_exported_ops;
	vma->vm_private_data = buf;
	return prd32_mmap_pages(buf, NULL, vma);
}

/* With the card there. What the DMA API maps counts from the buffer's beginning. */
static int prd32_mmap_buffer(struct prd32_buffer *buf, struct vm_area_struct *vma, pgoff_t index)
{
	pgoff_t pgoff = vma->vm_pgoff;
	int err;

	if (index + vma_pages(vma) > buf->size >> PAGE_SHIFT)
		return -EINVAL;
	vma->vm_pgoff = index;
	err = buf->ops->mmap(buf, prd32_chrdev_dma(buf->cd), vma);
	vma->vm_pgoff = pgoff;
	return err;
}

static struct prd32_mapping *prd32_mapping_create(struct prd32_file *pf, u32 handle)
{
	struct prd32_mapping *map = kzalloc(sizeof(*map), GFP_KERNEL);

	if (!map)
		return ERR_PTR(-ENOMEM);
	map->buf = prd32_buffer_get(pf, handle);
	if (!map->buf) {
		kfree(map);
		return ERR_PTR(-EINVAL);
	}
	kref_init(&map->ref);
	map->mm = current->mm;
	mmgrab(map->mm);
	mutex_lock(&pf->cd->lock);
	list_add_tail(&map->node, &pf->cd->mappings);
	mutex_unlock(&pf->cd->lock);
	return map;
}

static int prd32_mmap_entered(struct prd32_file *pf, struct vm_area_struct *vma)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	struct prd32_mapping *map;
	int err;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (offset >> PRD32_MMAP_SHIFT > U32_MAX)
		return -EINVAL;
	map = prd32_mapping_create(pf, offset >> PRD32_MMAP_SHIFT);
	if (IS_ERR(map))
		return PTR_ERR(map);
	err = prd32_mmap_buffer(map->buf, vma, lower_32_bits(offset) >> PAGE_SHIFT);
	if (err) {
		kref_put(&map->ref, prd32_mapping_destroy);
		return err;
	}
	vma->vm_private_data = map;
	vma->vm_ops = &prd32_vm_ops;
	return 0;
}

/**
 * prd32_mmap() - map a buffer
 * @file: the file
 * @vma: where to; its offset says which buffer, and from where on
 *
 * Return: 0; -EINVAL for another offset or length, or a private mapping; -ENODEV, -ENOMEM.
 */
int prd32_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct prd32_file *pf = file->private_data;
	int err;

	if (!prd32_chrdev_enter(pf->cd))
		return -ENODEV;
	err = prd32_mmap_entered(pf, vma);
	prd32_chrdev_leave(pf->cd);
	return err;
}

/* A call of mmap() that has left this file still has to make its area known. */
static void prd32_mmap_settle(struct mm_struct *mm)
{
	if (!mmget_not_zero(mm))
		return;
	mmap_write_lock(mm);
	mmap_write_unlock(mm);
	mmput(mm);
}

static void prd32_mappings_settle(struct prd32_chrdev *cd)
{
	struct prd32_mapping *map;
	struct mm_struct *mm;

	mutex_lock(&cd->lock);
	while (!list_empty(&cd->mappings)) {
		map = list_first_entry(&cd->mappings, struct prd32_mapping, node);
		list_del_init(&map->node);
		mm = map->mm;
		mmgrab(mm);
		mutex_unlock(&cd->lock);
		prd32_mmap_settle(mm);
		mmdrop(mm);
		mutex_lock(&cd->lock);
	}
	mutex_unlock(&cd->lock);
}

/**
 * prd32_mappings_zap() - take all mappings away
 * @cd: the device; its card is about to leave, and no new mappings are made
 */
void prd32_mappings_zap(struct prd32_chrdev *cd)
{
	struct prd32_file *pf;

	prd32_mappings_settle(cd);
	mutex_lock(&cd->lock);
	list_for_each_entry(pf, &cd->files, node)
		unmap_mapping_range(pf->file->f_mapping, 0, 0, 1);
	mutex_unlock(&cd->lock);
}
