// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a read or a write does: piece by piece while the caller waits, or all at once while it
 * does not (io_uring, libaio).
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "chrdev.h"
#include "compat.h"

unsigned int prd32_chunk_kib = 16 * 1024;

static struct workqueue_struct *prd32_wq;

/* A request whose submitter waits for it. */
struct prd32_waited {
	struct prd32_request req;
	struct completion done;
};

static void prd32_waited_complete(struct prd32_request *req)
{
	complete(&container_of(req, struct prd32_waited, req)->done);
}

/* Only a fatal signal is heeded: then the engine is stopped, and has stopped on return. */
static int prd32_submit_and_wait(struct prd32_waited *waited)
{
	int err;

	init_completion(&waited->done);
	waited->req.complete = prd32_waited_complete;
	err = prd32_submit(&waited->req, PRD32_ANY_CHANNEL);
	if (err)
		return err;
	if (wait_for_completion_killable(&waited->done)) {
		prd32_cancel(&waited->req, -EINTR);
		wait_for_completion(&waited->done);
	}
	return waited->req.error;
}

static void prd32_describe(struct prd32_request *req, struct prd32_chrdev *cd,
			   struct prd32_buffer *buf, u32 card_addr)
{
	req->client = cd->client;
	req->sg = buf->sgt.sgl;
	req->nents = buf->sgt.nents;
	req->length = buf->len;
	req->card_addr = card_addr;
	req->to_host = buf->to_host;
}

/* Move a pinned piece. *@moved counts from its beginning, also on error. */
static int prd32_move(struct prd32_chrdev *cd, struct prd32_buffer *buf, u32 card_addr,
		      bool nowait, size_t *moved)
{
	struct prd32_waited waited = { .req.nowait = nowait };
	struct device *dev;
	int err;

	if (!prd32_chrdev_enter(cd))
		return -ENODEV;
	dev = prd32_dma_dev(cd->client->card);
	err = prd32_buffer_map(buf, dev);
	if (err)
		goto leave;
	prd32_describe(&waited.req, cd, buf, card_addr);
	err = prd32_submit_and_wait(&waited);
	*moved = waited.req.moved;
	if (waited.req.stuck)
		prd32_buffer_abandon(buf);
	else
		prd32_buffer_unmap(buf, dev);
leave:
	prd32_chrdev_leave(cd);
	return err;
}

/*
 * In pieces of at most chunk_kib, which bounds how much memory is pinned at a time. Pages are
 * pinned before anything of the card is held, because bringing them in can take as long as user
 * space likes. Between pieces others have their turn.
 */
static ssize_t prd32_transfer_waiting(struct prd32_chrdev *cd, struct iov_iter *iter,
				      u32 card_addr, bool to_host, bool nowait)
{
	size_t chunk = min((size_t)READ_ONCE(prd32_chunk_kib) * SZ_1K, iov_iter_count(iter));
	struct prd32_buffer buf;
	size_t done = 0;
	int err;

	err = prd32_buffer_init(&buf, chunk, to_host);
	while (!err && iov_iter_count(iter)) {
		size_t moved = 0;

		if (fatal_signal_pending(current))
			err = -EINTR;
		else
			err = prd32_buffer_pin(&buf, iter, chunk);
		if (err)
			break;
		err = prd32_move(cd, &buf, card_addr + done, nowait, &moved);
		prd32_buffer_unpin(&buf);
		iov_iter_revert(iter, buf.len - moved);
		done += moved;
		if (err == -ENOMEM && buf.len > PAGE_SIZE) {
			chunk = max(round_down(buf.len / 2, PAGE_SIZE), PAGE_SIZE);
			err = 0;
		}
	}
	prd32_buffer_exit(&buf);
	return done ?: err;
}

/**
 * struct prd32_async - a request that nobody waits for
 * @req: the request
 * @cd: the device
 * @iocb: what the caller gave
 * @buf: its memory
 * @work: the end, where one may sleep
 */
struct prd32_async {
	struct prd32_request req;
	struct prd32_chrdev *cd;
	struct kiocb *iocb;
	struct prd32_buffer buf;
	struct work_struct work;
};

static void prd32_async_free(struct prd32_async *async)
{
	prd32_buffer_unpin(&async->buf);
	prd32_buffer_exit(&async->buf);
	kfree(async);
}

static void prd32_async_end(struct work_struct *work)
{
	struct prd32_async *async = container_of(work, struct prd32_async, work);
	struct kiocb *iocb = async->iocb;
	long result = async->req.moved ?: async->req.error;

	if (async->req.stuck)
		prd32_buffer_abandon(&async->buf);
	else
		prd32_buffer_unmap(&async->buf, prd32_dma_dev(async->cd->client->card));
	prd32_chrdev_leave(async->cd);
	prd32_async_free(async);
	/* Last: it may put the file. */
	iocb->ki_complete(iocb, result);
}

static void prd32_async_complete(struct prd32_request *req)
{
	struct prd32_async *async = container_of(req, struct prd32_async, req);

	queue_work(prd32_wq, &async->work);
}

static int prd32_async_submit(struct prd32_async *async, u32 card_addr)
{
	struct prd32_chrdev *cd = async->cd;
	struct device *dev;
	int err;

	if (!prd32_chrdev_enter(cd))
		return -ENODEV;
	dev = prd32_dma_dev(cd->client->card);
	err = prd32_buffer_map(&async->buf, dev);
	if (err)
		goto leave;
	prd32_describe(&async->req, cd, &async->buf, card_addr);
	async->req.complete = prd32_async_complete;
	INIT_WORK(&async->work, prd32_async_end);
	err = prd32_submit(&async->req, PRD32_ANY_CHANNEL);
	if (!err)
		return 0;
	prd32_buffer_unmap(&async->buf, dev);
leave:
	prd32_chrdev_leave(cd);
	return err;
}

/*
 * Return: 0 when the request is under way, -ENOMEM when it must be done in pieces, which somebody
 * has to wait for.
 */
static int prd32_transfer_queued(struct prd32_chrdev *cd, struct kiocb *iocb,
				 struct iov_iter *iter, u32 card_addr, bool to_host)
{
	size_t length = iov_iter_count(iter);
	struct prd32_async *async;
	int err;

	if (length > (size_t)READ_ONCE(prd32_chunk_kib) * SZ_1K)
		return -ENOMEM;
	async = kzalloc(sizeof(*async), GFP_KERNEL);
	if (!async)
		return -ENOMEM;
	async->cd = cd;
	async->iocb = iocb;
	err = prd32_buffer_init(&async->buf, length, to_host);
	if (!err)
		err = prd32_buffer_pin(&async->buf, iter, length);
	if (!err)
		err = prd32_async_submit(async, card_addr);
	if (!err)
		return 0;
	iov_iter_revert(iter, async->buf.len);
	prd32_async_free(async);
	return err;
}

/**
 * prd32_transfer() - move memory to or from the card
 * @cd: the device
 * @iocb: the caller's request: who need not wait does not
 * @iter: the memory; user or kernel
 * @card_addr: offset into card memory in bytes; the whole of @iter must fit behind it
 * @to_host: true reads the card, false writes it
 *
 * Return: bytes moved, which are fewer than asked for when an error came after some; -EIOCBQUEUED
 * when it goes on without the caller; or, when nothing was moved, -EAGAIN (O_NONBLOCK and the card
 * is busy), -EFAULT (bad memory), -EINTR (fatal signal), -EIO (the card says so, or is out of
 * order), -ENODEV (the card was removed), -ENOMEM (or none that the card can reach), -ETIMEDOUT.
 */
ssize_t prd32_transfer(struct prd32_chrdev *cd, struct kiocb *iocb, struct iov_iter *iter,
		       u32 card_addr, bool to_host)
{
	bool nowait = iocb->ki_filp->f_flags & O_NONBLOCK;

	if (!is_sync_kiocb(iocb) && !nowait) {
		int err = prd32_transfer_queued(cd, iocb, iter, card_addr, to_host);

		if (!err)
			return -EIOCBQUEUED;
		if (err != -ENOMEM)
			return err;
	}
	return prd32_transfer_waiting(cd, iter, card_addr, to_host, nowait);
}

/**
 * prd32_transfer_init() - once, before any device
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_transfer_init(void)
{
	prd32_wq = alloc_workqueue("prd32", WQ_UNBOUND | WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	return prd32_wq ? 0 : -ENOMEM;
}

/**
 * prd32_transfer_exit() - once, after the last device
 */
void prd32_transfer_exit(void)
{
	destroy_workqueue(prd32_wq);
}
