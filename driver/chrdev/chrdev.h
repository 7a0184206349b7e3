/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The character device. device.c is the file, ioctl.c its calls. A transfer (transfer.c) is what
 * read and write (rw.c) and requests (submit.c, result.c) have in common; memory comes from the
 * caller (pinned.c), from the driver (buffers.c, kinds.c, mmap.c), or from a dma-buf (import.c;
 * export.c is the other way). addresses.c shows where all of it is.
 */
#ifndef PRD32_CHRDEV_H
#define PRD32_CHRDEV_H

#include <linux/cdev.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/percpu-refcount.h>
#include <linux/poll.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <linux/prd32.h>

#include "prd32.h"

struct dma_buf;
struct dma_buf_attachment;
struct dma_pool;
struct eventfd_ctx;

/* Requests of a file, under way or with a result that nobody has fetched. */
#define PRD32_MAX_RESULTS	1024

/* A page full: what almost 2 MiB need. */
#define PRD32_SPARE_PAGES	(PAGE_SIZE / sizeof(struct page *))

/**
 * struct prd32_chrdev - /dev/prd32-N; an open file keeps it, beyond the card
 * @dev: the class device; its reference count is the lifetime of this structure
 * @cdev: the character device
 * @info: what the card is
 * @align_in: memory that the card writes must begin and end at multiples of so many bytes
 * @align_out: likewise memory that it reads
 * @client: the seat at the card; to be used between prd32_chrdev_enter() and _leave() only
 * @users: who is between them
 * @unused: nobody is, and nobody will be
 * @edges: pieces for the edges of memory that is not aligned; NULL when there is no such memory
 * @spare: PRD32_SPARE_PAGES pointers that a request has done with; or NULL. Taken by xchg()
 * @idle: wakes @wait
 * @wait: for a channel to become idle, or the card to leave
 * @lock: guards what follows, and what DMA memory the buffers have
 * @files: open files
 * @buffers: buffers, with or without a handle
 * @mappings: mappings of buffers, see mmap.c
 */
struct prd32_chrdev {
	struct device dev;
	struct cdev cdev;
	struct prd32_info info;
	u32 align_in;
	u32 align_out;
	struct prd32_client *client;
	struct percpu_ref users;
	struct completion unused;
	struct dma_pool *edges;
	struct page **spare;
	struct notifier_block idle;
	wait_queue_head_t wait;
	struct mutex lock; /* see above */
	struct list_head files;
	struct list_head buffers;
	struct list_head mappings;
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

/* Between prd32_chrdev_enter() and _leave(). */
static inline struct device *prd32_chrdev_dma(struct prd32_chrdev *cd)
{
	return prd32_dma_dev(cd->client->card);
}

/**
 * struct prd32_file - an open file
 * @cd: the device
 * @file: the file
 * @node: in the device's list
 * @areas: areas of card memory; guarded by the device's lock
 * @buffers: buffers by handle
 * @lock: guards what follows
 * @running: requests under way
 * @results: requests that ended
 * @count: requests in both, and those that are being made
 * @wait: woken when @results gets one, when @running loses one, and when the card leaves
 */
struct prd32_file {
	struct prd32_chrdev *cd;
	struct file *file;
	struct list_head node;
	struct list_head areas;
	struct xarray buffers;
	spinlock_t lock; /* see above */
	struct list_head running;
	struct list_head results;
	unsigned int count;
	wait_queue_head_t wait;
};

/**
 * struct prd32_pinned - memory of the caller
 * @cd: the device
 * @pages: its pages
 * @max_pages: room in @pages
 * @nr_pages: how many are in
 * @offset: where it starts in the first page
 * @len: its length in bytes
 * @pinned: the pages are the user's and pinned; else the kernel caller keeps them in place
 * @to_host: the card writes it
 * @easy: see prd32_pinned_is_easy()
 * @contiguous: the pages are known to be physically contiguous
 */
struct prd32_pinned {
	struct prd32_chrdev *cd;
	struct page **pages;
	unsigned int max_pages;
	unsigned int nr_pages;
	size_t offset;
	size_t len;
	bool pinned;
	bool to_host;
	bool easy;
	bool contiguous;
};

/**
 * struct prd32_transfer - bytes that move, in as many requests as it takes
 * @req: the request under way. Endpoint, pattern and nowait are the owner's; the last counts for
 *	 the first request only
 * @cd: the device
 * @card_addr: where in card memory
 * @length: how many bytes
 * @to_host: the card writes host memory
 * @pinned: memory of the caller, of which parts are mapped in turn; or NULL, and
 * @mapped: memory that is mapped already, from
 * @skip: this byte on
 * @end: called when all is over, where one may sleep, and while the card is still there; NULL when
 *	 prd32_transfer_run() is waiting
 * @polled: somebody calls prd32_iopoll() until it ends
 * @at_once: @end does not sleep if @pinned is easy to unpin: it may be called in the interrupt
 * @done: result: bytes moved, from the beginning on
 * @error: result: 0 or a negative errno
 * @stuck: result: the engine may still be at the memory: it must never be given back
 * @lock: guards @abort, and the submission of @req against it
 * @abort: the errno with which it is to end
 * @window: bytes to be mapped at a time
 * @sgt: what is mapped of @pinned
 * @edge: bytes of @pinned that are under way through @piece; 0: in place
 * @merged: @piece has been read from the card and merged, and is to be written
 * @piece: the piece; made when it is needed
 * @piece_dma: its bus address
 * @piece_sg: the same, as the core wants it
 * @done_event: @req completed, when @end is NULL
 * @work: likewise, when it is not
 */
struct prd32_transfer {
	struct prd32_request req;
	struct prd32_chrdev *cd;
	u32 card_addr;
	size_t length;
	bool to_host;
	struct prd32_pinned *pinned;
	struct sg_table *mapped;
	u64 skip;
	void (*end)(struct prd32_transfer *t);
	bool polled;
	bool at_once;
	size_t done;
	int error;
	bool stuck;

	spinlock_t lock; /* see above */
	int abort;
	size_t window;
	struct sg_table sgt;
	size_t edge;
	bool merged;
	void *piece;
	dma_addr_t piece_dma;
	struct scatterlist piece_sg;
	struct completion done_event;
	struct work_struct work;
};

struct prd32_buffer;

/**
 * struct prd32_buffer_ops - what is different for each kind of buffer
 * @name: its name
 * @alloc: get memory; prd32_buffer.size is set
 * @free: give back what must not outlive the card
 * @free_pages: give back the rest; NULL when there is none
 * @mmap: map into a process; vm_pgoff counts from the buffer's beginning
 * @sync: change hands; NULL when there is nothing to do
 */
struct prd32_buffer_ops {
	const char *name;
	int (*alloc)(struct prd32_buffer *buf, struct device *dev);
	void (*free)(struct prd32_buffer *buf, struct device *dev);
	void (*free_pages)(struct prd32_buffer *buf);
	int (*mmap)(struct prd32_buffer *buf, struct device *dev, struct vm_area_struct *vma);
	void (*sync)(struct prd32_buffer *buf, struct device *dev, u64 offset, u64 length,
		     bool for_cpu);
};

/**
 * struct prd32_buffer - memory that the driver owns
 * @ref: the handle, mappings, requests and dma-bufs have one each
 * @cd: the device, referenced
 * @node: in its list
 * @ops: the kind
 * @length: as it was asked for
 * @size: in whole pages
 * @attached: the DMA memory is there; guarded by the device's lock
 * @stuck: it must never be freed
 * @cpu: the kernel's address, for kinds that have one
 * @dma: the bus address, likewise
 * @pages: the pages, for kinds that have them
 * @sgt: the bus addresses, whatever the kind; points to @own, or to what the DMA API made
 * @own: see @sgt
 * @export_lock: guards what follows
 * @attachments: of other devices to dma-bufs of this buffer
 * @vmap: mapping in the kernel, for other drivers
 * @vmap_count: how many use it
 */
struct prd32_buffer {
	struct kref ref;
	struct prd32_chrdev *cd;
	struct list_head node;
	const struct prd32_buffer_ops *ops;
	u64 length;
	u64 size;
	bool attached;
	bool stuck;
	void *cpu;
	dma_addr_t dma;
	struct page **pages;
	struct sg_table *sgt;
	struct sg_table own;
	struct mutex export_lock; /* see above */
	struct list_head attachments;
	void *vmap;
	unsigned int vmap_count;
};

/**
 * struct prd32_import - a dma-buf of somebody's, mapped for one transfer
 * @dmabuf: the dma-buf; NULL: there is none
 * @attachment: of the card
 * @sgt: where the card finds it
 * @dir: who writes it
 */
struct prd32_import {
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attachment;
	struct sg_table *sgt;
	enum dma_data_direction dir;
};

/**
 * struct prd32_exporting - an export under way
 * @args: the caller's argument
 * @dmabuf: what the descriptor in it will be of; not for the caller
 */
struct prd32_exporting {
	struct prd32_ioc_export args;
	struct dma_buf *dmabuf;
};

/**
 * struct prd32_submission - a request of PRD32_IOC_SUBMIT, and later its result
 * @t: the transfer
 * @pf: the file
 * @node: among those of the file that run, or have ended
 * @cookie: the caller's name for it
 * @waited: the caller waits for it: the result is not for others to fetch
 * @eventfd: to be signalled; or NULL
 * @pinned: memory of the caller
 * @buffer: memory of the driver; or NULL
 * @import: memory of somebody else
 */
struct prd32_submission {
	struct prd32_transfer t;
	struct prd32_file *pf;
	struct list_head node;
	u64 cookie;
	bool waited;
	struct eventfd_ctx *eventfd;
	struct prd32_pinned pinned;
	struct prd32_buffer *buffer;
	struct prd32_import import;
};

/* pinned.c */
int prd32_pinned_init(struct prd32_pinned *mem, struct prd32_chrdev *cd, size_t most,
		      bool to_host);
void prd32_pinned_exit(struct prd32_pinned *mem);
int prd32_pinned_pin(struct prd32_pinned *mem, struct iov_iter *iter, size_t max);
bool prd32_pinned_is_easy(struct prd32_pinned *mem);
int prd32_pinned_list(struct prd32_pinned *mem, struct sg_table *sgt, size_t from, size_t len);
void prd32_pinned_unpin(struct prd32_pinned *mem);
void prd32_pinned_abandon(struct prd32_pinned *mem);
int prd32_list_pages(struct sg_table *sgt, struct page **pages, size_t offset, size_t len,
		     unsigned long boundary);

/* transfer.c */
extern unsigned int prd32_chunk_kib;
size_t prd32_chunk(void);
int prd32_transfer_setup(void);
void prd32_transfer_cleanup(void);
void prd32_transfer_init(struct prd32_transfer *t, struct prd32_chrdev *cd, u32 card_addr,
			 size_t length, bool to_host);
int prd32_transfer_run(struct prd32_transfer *t);
int prd32_transfer_start(struct prd32_transfer *t);
void prd32_transfer_abort(struct prd32_transfer *t, int error);

/* edge.c */
int prd32_edges_create(struct prd32_chrdev *cd);
void prd32_edges_destroy(struct prd32_chrdev *cd);
size_t prd32_edge_length(const struct prd32_transfer *t);
u32 prd32_edge_card_addr(const struct prd32_transfer *t);
int prd32_edge_prepare(struct prd32_transfer *t, size_t length);
int prd32_edge_finish(struct prd32_transfer *t);
void prd32_edge_free(struct prd32_transfer *t);

/* rw.c */
ssize_t prd32_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t prd32_write_iter(struct kiocb *iocb, struct iov_iter *from);
int prd32_iopoll(struct kiocb *iocb, struct io_comp_batch *batch, unsigned int flags);

/* ioctl.c */
long prd32_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* area.c */
int prd32_area_alloc(struct prd32_file *pf, void *arg);
int prd32_area_free(struct prd32_file *pf, void *arg);
void prd32_areas_release(struct prd32_file *pf);

/* buffers.c */
int prd32_buffer_alloc(struct prd32_file *pf, void *arg);
int prd32_buffer_free(struct prd32_file *pf, void *arg);
int prd32_buffer_sync(struct prd32_file *pf, void *arg);
struct prd32_buffer *prd32_buffer_get(struct prd32_file *pf, u32 handle);
void prd32_buffer_put(struct prd32_buffer *buf);
void prd32_buffers_release(struct prd32_file *pf);
void prd32_buffers_detach(struct prd32_chrdev *cd);

/* kinds.c */
const struct prd32_buffer_ops *prd32_buffer_kind(u32 kind);

/* mmap.c */
#define PRD32_MMAP_SHIFT 32	/* a buffer's mappings begin at its handle, shifted by so much */
int prd32_mmap(struct file *file, struct vm_area_struct *vma);
int prd32_mmap_pages(struct prd32_buffer *buf, struct device *dev, struct vm_area_struct *vma);
int prd32_mmap_exported(struct prd32_buffer *buf, struct vm_area_struct *vma);
void prd32_mappings_zap(struct prd32_chrdev *cd);

/* submit.c */
int prd32_submit_ioctl(struct prd32_file *pf, void *arg);

/* result.c */
int prd32_submission_add(struct prd32_submission *s);
void prd32_submission_remove(struct prd32_submission *s);
void prd32_submission_ended(struct prd32_submission *s);
int prd32_result(struct prd32_file *pf, void *arg);
int prd32_abort(struct prd32_file *pf, void *arg);
void prd32_results_release(struct prd32_file *pf);

/* export.c */
int prd32_export(struct prd32_file *pf, void *arg);
void prd32_export_told(void *arg, bool told);

/* import.c */
int prd32_import(struct prd32_import *import, struct device *dev, int fd, bool to_host);
void prd32_import_release(struct prd32_import *import);

/* addresses.c */
void prd32_addresses_add(struct prd32_chrdev *cd);
void prd32_addresses_remove(struct prd32_chrdev *cd);

#endif /* PRD32_CHRDEV_H */
