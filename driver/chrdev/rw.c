// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a read or a write does: piece by piece while the caller waits, or all at once while it
 * does not (io_uring, libaio).
 */
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "chrdev.h"

/*
 * In pieces of at most chunk_kib, which bounds how much memory is pinned at a time. Pages are
 * pinned before anything of the card is held, because bringing them in can take as long as user
 * space likes. Between pieces others have their turn.
 */
static ssize_t prd32_rw_waiting(struct prd32_chrdev *cd, struct iov_iter *iter, u32 card_addr,
				bool to_host, bool nowait)
{
	size_t chunk = min(prd32_chunk(), iov_iter_count(iter));
	struct prd32_transfer t;
	struct prd32_pinned mem;
	size_t done = 0;
	int err;

	err = prd32_pinned_init(&mem, cd, chunk, to_host);
	while (!err && iov_iter_count(iter)) {
		if (fatal_signal_pending(current))
			err = -EINTR;
		else
			err = prd32_pinned_pin(&mem, iter, chunk);
		if (err)
			break;
		prd32_transfer_init(&t, cd, card_addr + done, mem.len, to_host);
		t.pinned = &mem;
		t.req.nowait = nowait;
		err = prd32_transfer_run(&t) ?: t.error;
		prd32_pinned_unpin(&mem);
		iov_iter_revert(iter, mem.len - t.done);
		done += t.done;
	}
	prd32_pinned_exit(&mem);
	return done ?: err;
}

/**
 * struct prd32_part - memory of an asynchronous request: an element of it, as a rule
 * @node: in the order of the bytes
 * @mem: the memory
 */
struct prd32_part {
	struct list_head node;
	struct prd32_pinned mem;
};

/**
 * struct prd32_async - a request that nobody waits for
 * @t: the transfer of the first of @parts
 * @parts: what is still to be moved
 * @first: the first of them, and the only one of most requests
 * @iocb: what the caller gave
 * @cd: the device
 * @card_addr: where in card memory @parts begin
 * @done: bytes that were moved
 * @to_host: the card writes the memory
 */
struct prd32_async {
	struct prd32_transfer t;
	struct list_head parts;
	struct prd32_part first;
	struct kiocb *iocb;
	struct prd32_chrdev *cd;
	u32 card_addr;
	size_t done;
	bool to_host;
};

static struct prd32_part *prd32_part_alloc(struct prd32_async *async)
{
	if (!async->first.mem.cd)
		return &async->first;
	return kmalloc(sizeof(struct prd32_part), GFP_KERNEL_ACCOUNT);
}

static void prd32_part_free(struct prd32_async *async, struct prd32_part *part)
{
	prd32_pinned_unpin(&part->mem);
	prd32_pinned_exit(&part->mem);
	if (part != &async->first)
		kfree(part);
}

static void prd32_async_free(struct prd32_async *async)
{
	struct prd32_part *part, *next;

	list_for_each_entry_safe(part, next, &async->parts, node)
		prd32_part_free(async, part);
	kfree(async);
}

/* Pin what comes next: no more than an element of the user's is one part. */
static int prd32_async_pin_part(struct prd32_async *async, struct iov_iter *iter)
{
	struct prd32_part *part = prd32_part_alloc(async);
	size_t most;
	int err;

	if (!part)
		return -ENOMEM;
	/* Past what is empty. */
	iov_iter_advance(iter, 0);
	most = user_backed_iter(iter) ? iov_iter_single_seg_count(iter) : iov_iter_count(iter);
	err = prd32_pinned_init(&part->mem, async->cd, most, async->to_host);
	if (!err)
		err = prd32_pinned_pin(&part->mem, iter, most);
	if (err)
		prd32_part_free(async, part);
	else
		list_add_tail(&part->node, &async->parts);
	return err;
}

/* Pin all of it, or as much as there is before a page that is missing. */
static int prd32_async_pin(struct prd32_async *async, struct iov_iter *iter)
{
	int err = 0;

	while (!err && iov_iter_count(iter))
		err = prd32_async_pin_part(async, iter);
	return list_empty(&async->parts) ? err : 0;
}

static void prd32_async_end(struct prd32_transfer *t);

/* On success it may be over, and gone, on return. */
static int prd32_async_next(struct prd32_async *async)
{
	struct prd32_part *part = list_first_entry(&async->parts, struct prd32_part, node);
	struct prd32_transfer *t = &async->t;

	prd32_transfer_init(t, async->cd, async->card_addr, part->mem.len, async->to_host);
	t->pinned = &part->mem;
	t->end = prd32_async_end;
	/* To map the next part one may have to sleep. */
	t->at_once = list_is_singular(&async->parts);
	t->polled = async->iocb->ki_flags & IOCB_HIPRI;
	return prd32_transfer_start(t);
}

static void prd32_async_end(struct prd32_transfer *t)
{
	struct prd32_async *async = container_of(t, struct prd32_async, t);
	struct prd32_part *part = list_first_entry(&async->parts, struct prd32_part, node);
	struct kiocb *iocb = async->iocb;
	long result = t->error;

	async->card_addr += t->done;
	async->done += t->done;
	list_del(&part->node);
	prd32_part_free(async, part);
	if (!result && !list_empty(&async->parts)) {
		result = prd32_async_next(async);
		if (!result)
			return;
	}
	result = async->done ?: result;
	prd32_async_free(async);
	/* Last: it may put the file. */
	iocb->ki_complete(iocb, result);
}

/*
 * All of it is pinned; how much is mapped at a time is chunk_kib again. That the card is busy is no
 * reason to refuse it, as nobody waits: after EAGAIN io_uring would have poll() tell when to try
 * again, which it cannot.
 */
static int prd32_rw_queued(struct prd32_chrdev *cd, struct kiocb *iocb, struct iov_iter *iter,
			   u32 card_addr, bool to_host)
{
	size_t length = iov_iter_count(iter);
	struct prd32_async *async;
	int err;

	/* The transfer is made ready, all of it, for each part. */
	async = kmalloc(sizeof(*async), GFP_KERNEL);
	if (!async)
		return -ENOMEM;
	INIT_LIST_HEAD(&async->parts);
	async->first.mem.cd = NULL;
	async->done = 0;
	async->iocb = iocb;
	async->cd = cd;
	async->card_addr = card_addr;
	async->to_host = to_host;
	err = prd32_async_pin(async, iter) ?: prd32_async_next(async);
	if (!err)
		return -EIOCBQUEUED;
	iov_iter_revert(iter, length - iov_iter_count(iter));
	prd32_async_free(async);
	return err;
}

/*
 * Return: bytes moved, which are fewer than asked for when an error came after some; -EIOCBQUEUED
 * when it goes on without the caller; or, when nothing was moved, -EAGAIN (O_NONBLOCK and the card
 * is busy), -EFAULT (bad memory), -EINTR (fatal signal), -EIO (the card says so, or is out of
 * order), -ENODEV (the card was removed), -ENOMEM (or none that the card can reach), -ETIMEDOUT.
 */
static ssize_t prd32_rw_iter(struct kiocb *iocb, struct iov_iter *iter, bool to_host)
{
	struct prd32_file *pf = iocb->ki_filp->private_data;
	struct prd32_chrdev *cd = pf->cd;
	loff_t pos = iocb->ki_pos;
	ssize_t ret;
	bool nowait;

	if (!iov_iter_count(iter))
		return 0;
	if (pos >= cd->info.mem_size)
		return to_host ? 0 : -ENOSPC;
	iov_iter_truncate(iter, cd->info.mem_size - pos);
	if (!is_sync_kiocb(iocb))
		return prd32_rw_queued(cd, iocb, iter, pos, to_host);

	nowait = iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT;
	ret = prd32_rw_waiting(cd, iter, pos, to_host, nowait);
	if (ret > 0)
		iocb->ki_pos = pos + ret;
	return ret;
}

/**
 * prd32_read_iter() - read card memory
 * @iocb: the caller's request: who need not wait does not
 * @to: where to
 *
 * Return: as prd32_rw_iter().
 */
ssize_t prd32_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return prd32_rw_iter(iocb, to, true);
}

/**
 * prd32_write_iter() - write card memory
 * @iocb: the caller's request: who need not wait does not
 * @from: where from
 *
 * Return: as prd32_rw_iter().
 */
ssize_t prd32_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return prd32_rw_iter(iocb, from, false);
}

/**
 * prd32_iopoll() - look whether polled requests have ended (io_uring's IOPOLL)
 * @iocb: one of them
 * @batch: not used
 * @flags: not used: one look is all that is ever done
 *
 * The core says which channel is the least busy, so look at each.
 *
 * Return: how many requests of the core ended.
 */
int prd32_iopoll(struct kiocb *iocb, struct io_comp_batch *batch, unsigned int flags)
{
	struct prd32_file *pf = iocb->ki_filp->private_data;
	struct prd32_chrdev *cd = pf->cd;
	unsigned int i;
	int ended = 0;

	/* All that was under way has ended already when the card is gone. */
	if (!prd32_chrdev_enter(cd))
		return 0;
	for (i = 0; i < cd->info.channels; i++)
		ended += prd32_poll(cd->client->card, i);
	prd32_chrdev_leave(cd);
	return ended;
}
