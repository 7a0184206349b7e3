// SPDX-License-Identifier: GPL-2.0-only
/*
 * PRD32_IOC_SUBMIT: requests, in all the ways that memory can be given.
 */
#include <linux/dma-buf.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "chrdev.h"
#include "compat.h"

/* The interface's numbers are the card's. */
static_assert((int)PRD32_EP_MEMORY == PRD32_ENDPOINT_MEMORY);
static_assert((int)PRD32_EP_PATTERN == PRD32_ENDPOINT_PATTERN);
static_assert((int)PRD32_EP_CHECKSUM == PRD32_ENDPOINT_CHECKSUM);
static_assert((int)PRD32_EP_LOOPBACK == PRD32_ENDPOINT_LOOPBACK);

static int prd32_check_endpoint(const struct prd32_info *info,
				const struct prd32_ioc_submit *args)
{
	bool to_host = args->direction == PRD32_TO_HOST;

	if (args->endpoint == PRD32_EP_MEMORY) {
		if (args->length > info->mem_size ||
		    args->card_addr > info->mem_size - args->length)
			return -EINVAL;
	} else if (args->card_addr) {
		return -EINVAL;
	}
	if (args->endpoint == PRD32_EP_PATTERN) {
		if (args->pattern & ~(u32)PRD32_PATTERN_KIND)
			return -EINVAL;
	} else if (args->pattern || args->pattern_seed || args->pattern_rate ||
		   args->pattern_fifo) {
		return -EINVAL;
	}
	if ((args->endpoint == PRD32_EP_PATTERN && !to_host) ||
	    (args->endpoint == PRD32_EP_CHECKSUM && to_host))
		return -EINVAL;
	return args->endpoint == PRD32_EP_MEMORY || info->endpoints ? 0 : -EOPNOTSUPP;
}

static int prd32_check_memory(const struct prd32_chrdev *cd, const struct prd32_ioc_submit *args)
{
	u32 align = cd->info.granule;

	if ((args->memory != PRD32_MEMORY_BUFFER && args->handle) ||
	    (args->memory != PRD32_MEMORY_DMABUF && args->fd))
		return -EINVAL;
	if (args->memory == PRD32_MEMORY_USER) {
		if (args->length > prd32_chunk())
			return -EINVAL;
		/* Edges are done apart, which only card memory does not notice. */
		align = args->endpoint == PRD32_EP_MEMORY ? 1 : cd->align_in;
	}
	return (args->address | args->length) & (align - 1) ? -EINVAL : 0;
}

static int prd32_check_submit(struct prd32_file *pf, const struct prd32_ioc_submit *args)
{
	int err;

	if (args->direction > PRD32_TO_HOST || args->endpoint > PRD32_EP_LOOPBACK ||
	    args->memory > PRD32_MEMORY_DMABUF || !args->length)
		return -EINVAL;
	if (!(args->flags & PRD32_SUBMIT_EVENTFD) && args->eventfd)
		return -EINVAL;
	err = prd32_check_endpoint(&pf->cd->info, args);
	if (err)
		return err;
	err = prd32_check_memory(pf->cd, args);
	if (err)
		return err;
	return pf->file->f_mode & (args->direction == PRD32_TO_HOST ? FMODE_READ : FMODE_WRITE) ?
	       0 : -EBADF;
}

/* May take as long as user space likes, so the card must not be held. */
static int prd32_take_user(struct prd32_submission *s, u64 address)
{
	void __user *user = u64_to_user_ptr(address);
	struct iov_iter iter;
	int err;

	if (!access_ok(user, s->t.length))
		return -EFAULT;
	err = prd32_pinned_init(&s->pinned, s->pf->cd, s->t.length, s->t.to_host);
	if (err)
		return err;
	s->t.pinned = &s->pinned;
	iov_iter_ubuf(&iter, s->t.to_host ? READ : WRITE, user, s->t.length);
	err = prd32_pinned_pin(&s->pinned, &iter, s->t.length);
	if (err)
		return err;
	return s->pinned.len == s->t.length ? 0 : -EFAULT;
}

static int prd32_take_buffer(struct prd32_submission *s, u32 handle, u64 offset)
{
	s->buffer = prd32_buffer_get(s->pf, handle);
	if (!s->buffer)
		return -ENOENT;
	if (s->t.length > s->buffer->length || offset > s->buffer->length - s->t.length)
		return -EINVAL;
	s->t.mapped = s->buffer->sgt;
	s->t.skip = offset;
	return 0;
}

static int prd32_take_dmabuf(struct prd32_submission *s, int fd, u64 offset)
{
	int err = prd32_import(&s->import, prd32_chrdev_dma(s->pf->cd), fd, s->t.to_host);

	if (err)
		return err;
	if (s->t.length > s->import.dmabuf->size ||
	    offset > s->import.dmabuf->size - s->t.length)
		return -EINVAL;
	s->t.mapped = s->import.sgt;
	s->t.skip = offset;
	return 0;
}

/* With the card there. Memory that the engine may still be at is never given back. */
static void prd32_release_memory(struct prd32_submission *s)
{
	if (s->t.pinned) {
		prd32_pinned_unpin(&s->pinned);
		prd32_pinned_exit(&s->pinned);
	}
	if (s->buffer) {
		if (s->t.stuck)
			s->buffer->stuck = true;
		prd32_buffer_put(s->buffer);
	}
	if (!s->t.stuck)
		prd32_import_release(&s->import);
}

static void prd32_submission_free(struct prd32_submission *s)
{
	prd32_release_memory(s);
	if (s->eventfd)
		eventfd_ctx_put(s->eventfd);
	kfree(s);
}

static void prd32_submission_end(struct prd32_transfer *t)
{
	struct prd32_submission *s = container_of(t, struct prd32_submission, t);

	prd32_release_memory(s);
	prd32_submission_ended(s);
}

static struct prd32_submission *prd32_submission_create(struct prd32_file *pf,
							const struct prd32_ioc_submit *args)
{
	struct prd32_submission *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return ERR_PTR(-ENOMEM);
	prd32_transfer_init(&s->t, pf->cd, args->card_addr, args->length,
			    args->direction == PRD32_TO_HOST);
	s->t.req.nowait = args->flags & PRD32_SUBMIT_NOWAIT || pf->file->f_flags & O_NONBLOCK;
	s->t.req.endpoint = args->endpoint;
	s->t.req.pattern = args->pattern;
	s->t.req.pattern_seed = args->pattern_seed;
	s->t.req.pattern_rate = args->pattern_rate;
	s->t.req.pattern_fifo = args->pattern_fifo;
	s->pf = pf;
	s->cookie = args->cookie;
	s->waited = args->flags & PRD32_SUBMIT_WAIT;
	if (!s->waited)
		s->t.end = prd32_submission_end;
	if (args->flags & PRD32_SUBMIT_EVENTFD) {
		struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->eventfd);

		if (IS_ERR(eventfd)) {
			kfree(s);
			return ERR_CAST(eventfd);
		}
		s->eventfd = eventfd;
	}
	return s;
}

static int prd32_take_memory(struct prd32_submission *s, const struct prd32_ioc_submit *args)
{
	switch (args->memory) {
	case PRD32_MEMORY_BUFFER:
		return prd32_take_buffer(s, args->handle, args->address);
	case PRD32_MEMORY_DMABUF:
		return prd32_take_dmabuf(s, args->fd, args->address);
	default:
		return 0;
	}
}

static int prd32_submission_run(struct prd32_submission *s, struct prd32_ioc_submit *args)
{
	int err = prd32_transfer_run(&s->t);

	prd32_submission_remove(s);
	if (!err) {
		args->moved = s->t.done;
		args->error = s->t.error;
		args->crc = s->t.req.crc;
		if (s->eventfd)
			prd32_eventfd_signal(s->eventfd);
	}
	prd32_submission_free(s);
	return err ?: 1;
}

/* With the card there. */
static int prd32_submission_go(struct prd32_submission *s, struct prd32_ioc_submit *args)
{
	int err = prd32_take_memory(s, args);

	if (!err)
		err = prd32_submission_add(s);
	if (err) {
		prd32_submission_free(s);
		return err;
	}
	if (s->waited)
		return prd32_submission_run(s, args);
	err = prd32_transfer_start(&s->t);
	if (err) {
		prd32_submission_remove(s);
		prd32_submission_free(s);
	}
	return err;
}

/**
 * prd32_submit_ioctl() - PRD32_IOC_SUBMIT
 * @pf: the file
 * @arg: struct prd32_ioc_submit
 *
 * Return: 0 when the request is under way, 1 when it is over, or a negative errno.
 */
int prd32_submit_ioctl(struct prd32_file *pf, void *arg)
{
	struct prd32_ioc_submit *args = arg;
	struct prd32_submission *s;
	int err = prd32_check_submit(pf, args);

	if (err)
		return err;
	s = prd32_submission_create(pf, args);
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (args->memory == PRD32_MEMORY_USER)
		err = prd32_take_user(s, args->address);
	if (!err && !prd32_chrdev_enter(pf->cd))
		err = -ENODEV;
	if (err) {
		prd32_submission_free(s);
		return err;
	}
	err = prd32_submission_go(s, args);
	prd32_chrdev_leave(pf->cd);
	return err;
}
