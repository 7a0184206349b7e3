// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that nobody waits for: those that run, those that ended, and how to end them early.
 */
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "chrdev.h"
#include "compat.h"

/**
 * prd32_submission_add() - a request is about to be begun
 * @s: the request
 *
 * Return: 0, or -EBUSY when results must be fetched first.
 */
int prd32_submission_add(struct prd32_submission *s)
{
	struct prd32_file *pf = s->pf;
	int err = -EBUSY;

	spin_lock(&pf->lock);
	if (s->waited || pf->count < PRD32_MAX_RESULTS) {
		pf->count += !s->waited;
		list_add_tail(&s->node, &pf->running);
		err = 0;
	}
	spin_unlock(&pf->lock);
	return err;
}

/**
 * prd32_submission_remove() - it was not begun, or there is no result to be fetched
 * @s: the request
 */
void prd32_submission_remove(struct prd32_submission *s)
{
	struct prd32_file *pf = s->pf;

	spin_lock(&pf->lock);
	pf->count -= !s->waited;
	list_del(&s->node);
	spin_unlock(&pf->lock);
}

/**
 * prd32_submission_ended() - a request that nobody waited for has become a result
 * @s: the request, without its memory
 */
void prd32_submission_ended(struct prd32_submission *s)
{
	struct eventfd_ctx *eventfd = s->eventfd;
	struct prd32_file *pf = s->pf;

	/* With the lock held: the file may be gone when it is not. */
	spin_lock(&pf->lock);
	list_move_tail(&s->node, &pf->results);
	wake_up_poll(&pf->wait, EPOLLIN | EPOLLRDNORM);
	spin_unlock(&pf->lock);

	/* Last: who waits for it finds the result. */
	if (eventfd) {
		prd32_eventfd_signal(eventfd);
		eventfd_ctx_put(eventfd);
	}
}

static struct prd32_submission *prd32_result_take(struct prd32_file *pf)
{
	struct prd32_submission *s;

	spin_lock(&pf->lock);
	s = list_first_entry_or_null(&pf->results, struct prd32_submission, node);
	if (s) {
		list_del(&s->node);
		pf->count--;
	}
	spin_unlock(&pf->lock);
	return s;
}

static void prd32_result_put_back(struct prd32_file *pf, struct prd32_submission *s)
{
	spin_lock(&pf->lock);
	list_add(&s->node, &pf->results);
	pf->count++;
	spin_unlock(&pf->lock);
}

/* Has a wait for results come to an end: are there some, or will there never be? */
static bool prd32_result_waited(struct prd32_file *pf)
{
	bool gone = percpu_ref_is_dying(&pf->cd->users);
	bool ended;

	spin_lock(&pf->lock);
	ended = !list_empty(&pf->results) || (gone && list_empty(&pf->running));
	spin_unlock(&pf->lock);
	return ended;
}

static int prd32_result_wait(struct prd32_file *pf, s64 timeout_ns)
{
	ktime_t timeout = timeout_ns < 0 ? KTIME_MAX : ns_to_ktime(timeout_ns);
	int err;

	if (prd32_result_waited(pf))
		return 0;
	if (!timeout_ns || pf->file->f_flags & O_NONBLOCK)
		return -EAGAIN;
	err = wait_event_interruptible_hrtimeout(pf->wait, prd32_result_waited(pf), timeout);
	switch (err) {
	case -ETIME:
		return -ETIMEDOUT;
	case -ERESTARTSYS:
		/*
		 * EINTR for who has a handler, as the time is relative. But what is no signal to
		 * user space, such as io_uring's way to wake a task, does not end the wait.
		 */
		return -ERESTARTNOHAND;
	default:
		return err;
	}
}

static int prd32_result_store(const struct prd32_submission *s, void __user *to, u32 size)
{
	struct prd32_result result = {
		.cookie = s->cookie,
		.moved = s->t.done,
		.error = s->t.error,
		.crc = s->t.req.crc,
	};

	if (copy_to_user(to, &result, sizeof(result)))
		return -EFAULT;
	return clear_user(to + sizeof(result), size - sizeof(result)) ? -EFAULT : 0;
}

static int prd32_results_store(struct prd32_file *pf, void __user *to, u32 size, u32 *count)
{
	struct prd32_submission *s;
	u32 room = *count;

	for (*count = 0; *count < room; (*count)++, to += size) {
		s = prd32_result_take(pf);
		if (!s)
			break;
		if (prd32_result_store(s, to, size)) {
			prd32_result_put_back(pf, s);
			return *count ? 1 : -EFAULT;
		}
		kfree(s);
	}
	return *count ? 1 : 0;
}

/**
 * prd32_result() - PRD32_IOC_RESULT
 * @pf: the file
 * @arg: struct prd32_ioc_result
 *
 * Return: 1 or a negative errno.
 */
int prd32_result(struct prd32_file *pf, void *arg)
{
	struct prd32_ioc_result *args = arg;
	u32 count;
	int err;

	if (!args->count || args->result_size < sizeof(struct prd32_result) ||
	    args->result_size > PAGE_SIZE)
		return -EINVAL;
	do {
		err = prd32_result_wait(pf, args->timeout_ns);
		if (err)
			return err;
		count = args->count;
		err = prd32_results_store(pf, u64_to_user_ptr(args->results), args->result_size,
					  &count);
		/* Nothing: somebody else was faster, or the card has left. */
		if (!err && percpu_ref_is_dying(&pf->cd->users) && prd32_result_waited(pf))
			err = -ENODEV;
	} while (!err);
	args->count = count;
	return err;
}

/**
 * prd32_abort() - PRD32_IOC_ABORT
 * @pf: the file; the card is there
 * @arg: struct prd32_ioc_abort
 *
 * Return: 1 or a negative errno.
 */
int prd32_abort(struct prd32_file *pf, void *arg)
{
	struct prd32_ioc_abort *args = arg;
	bool all = args->flags & PRD32_ABORT_ALL;
	struct prd32_submission *s;

	if (args->reserved || (all && args->cookie))
		return -EINVAL;
	args->count = 0;
	spin_lock(&pf->lock);
	list_for_each_entry(s, &pf->running, node) {
		if (!all && s->cookie != args->cookie)
			continue;
		prd32_transfer_abort(&s->t, -ECANCELED);
		args->count++;
	}
	spin_unlock(&pf->lock);
	return args->count || all ? 1 : -ENOENT;
}

static bool prd32_nothing_runs(struct prd32_file *pf)
{
	bool nothing;

	spin_lock(&pf->lock);
	nothing = list_empty(&pf->running);
	spin_unlock(&pf->lock);
	return nothing;
}

/**
 * prd32_results_release() - end all requests of a file, and forget their results
 * @pf: the file, which nobody uses any more
 */
void prd32_results_release(struct prd32_file *pf)
{
	struct prd32_submission *s, *next;

	spin_lock(&pf->lock);
	list_for_each_entry(s, &pf->running, node)
		prd32_transfer_abort(&s->t, -ECANCELED);
	spin_unlock(&pf->lock);
	/* Not for ever: each is told to stop, and stopping has a deadline. */
	wait_event(pf->wait, prd32_nothing_runs(pf));
	list_for_each_entry_safe(s, next, &pf->results, node)
		kfree(s);
}
