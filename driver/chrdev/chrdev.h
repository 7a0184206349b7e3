/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The character device: device.c is the file, transfer.c what a read or write does, buffer.c the
 * caller's memory on its way to the card.
 */
#ifndef PRD32_CHRDEV_H
#define PRD32_CHRDEV_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/percpu-refcount.h>
#include <linux/uio.h>

#include "prd32.h"

/**
 * struct prd32_chrdev - /dev/prd32-N; an open file keeps it, beyond the card
 * @dev: the class device; its reference count is the lifetime of this structure
 * @cdev: the character device
 * @info: what the card is
 * @client: the seat at the card; to be used between prd32_chrdev_enter() and _leave() only
 * @users: who is between them
 * @unused: nobody is, and nobody will be
 */
struct prd32_chrdev {
	struct device dev;
	struct cdev cdev;
	struct prd32_info info;
	struct prd32_client *client;
	struct percpu_ref users;
	struct completion unused;
};

/* The card is there and stays, until prd32_chrdev_leave(). From any context. */
static inline bool prd32_chrdev_enter(struct prd32_chrdev *cd)
{
	return percpu_ref_tryget_live(&cd->users);
}

static inline void prd32_chrdev_leave(struct prd32_chrdev *cd)
{
	percpu_ref_put(&cd->users);
}

/**
 * struct prd32_buffer - a piece of the caller's memory on its way to the card
 * @pages: its pages
 * @max_pages: room in @pages
 * @nr_pages: how many are in
 * @offset: where it starts in the first page
 * @len: its length in bytes
 * @pinned: the pages are the user's and pinned; else the kernel caller keeps them in place
 * @to_host: the card writes it
 * @sgt: the same memory as the DMA API wants it
 */
struct prd32_buffer {
	struct page **pages;
	unsigned int max_pages;
	unsigned int nr_pages;
	size_t offset;
	size_t len;
	bool pinned;
	bool to_host;
	struct sg_table sgt;
};

/* buffer.c */
int prd32_buffer_init(struct prd32_buffer *buf, size_t most, bool to_host);
void prd32_buffer_exit(struct prd32_buffer *buf);
int prd32_buffer_pin(struct prd32_buffer *buf, struct iov_iter *iter, size_t max);
void prd32_buffer_unpin(struct prd32_buffer *buf);
int prd32_buffer_map(struct prd32_buffer *buf, struct device *dev);
void prd32_buffer_unmap(struct prd32_buffer *buf, struct device *dev);
void prd32_buffer_abandon(struct prd32_buffer *buf);

/* transfer.c */
extern unsigned int prd32_chunk_kib;
int prd32_transfer_init(void);
void prd32_transfer_exit(void);
ssize_t prd32_transfer(struct prd32_chrdev *cd, struct kiocb *iocb, struct iov_iter *iter,
		       u32 card_addr, bool to_host);

#endif /* PRD32_CHRDEV_H */
