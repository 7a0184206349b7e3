// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of uapi/linux/prd32.h: arguments in and out, and the small ones.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "chrdev.h"

static int prd32_query(struct prd32_file *pf, void *arg)
{
	const struct prd32_chrdev *cd = pf->cd;
	struct prd32_ioc_query *args = arg;

	args->uapi_version = PRD32_UAPI_VERSION;
	args->card = cd->info.id;
	args->memory_size = cd->info.mem_size;
	args->max_request = prd32_chunk();
	args->features = (cd->info.cyclic ? PRD32_FEATURE_CYCLIC : 0) |
			 (cd->info.writeback ? PRD32_FEATURE_WRITEBACK : 0) |
			 (cd->info.endpoints ? PRD32_FEATURE_ENDPOINTS : 0);
	args->granule = cd->info.granule;
	args->dma_alignment = cd->align_in;
	args->max_prds = cd->info.max_prds;
	args->channels = cd->info.channels;
	args->max_results = PRD32_MAX_RESULTS;
	args->reserved = 0;
	return 1;
}

static int prd32_statistics_ioctl(struct prd32_file *pf, void *arg)
{
	struct prd32_ioc_statistics *args = arg;
	struct prd32_stats stats;

	if (args->reserved || args->channel >= pf->cd->info.channels)
		return -EINVAL;
	prd32_statistics(pf->cd->client->card, args->channel, &stats);
	args->requests = stats.requests;
	args->failed = stats.failed;
	args->bytes_to_host = stats.bytes_to_host;
	args->bytes_from_host = stats.bytes_from_host;
	args->tables = stats.tables;
	args->prds = stats.prds;
	args->interrupts = stats.interrupts;
	args->polls = stats.polls;
	args->lost = stats.lost;
	args->timeouts = stats.timeouts;
	args->stops = stats.stops;
	args->channel_resets = stats.channel_resets;
	args->function_resets = stats.function_resets;
	return 1;
}

static int prd32_reset(struct prd32_file *pf, void *arg)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return prd32_reset_card(pf->cd->client->card);
}

/**
 * struct prd32_call - an ioctl
 * @call: does it, with the argument in kernel memory; returns a negative errno, 0, or 1 when the
 *	  argument has results for the caller
 * @told: after such a @call: whether the results could be copied to the caller
 * @size: of the argument, as this driver knows it
 * @least: of the argument, as the first version of the interface knew it
 * @flags: those that exist
 * @anytime: also when the card is not there any more; else the card stays until @call returns
 */
struct prd32_call {
	int (*call)(struct prd32_file *pf, void *arg);
	void (*told)(void *arg, bool told);
	size_t size;
	size_t least;
	u32 flags;
	bool anytime;
};

#define CALL(name, type, function, ...)				\
	[_IOC_NR(PRD32_IOC_ ## name)] = {			\
		.call = function,				\
		.size = sizeof(struct prd32_ioc_ ## type),	\
		.least = PRD32_SIZE_VER0_ ## name,		\
		__VA_ARGS__					\
	}

static const struct prd32_call prd32_calls[] = {
	CALL(QUERY, query, prd32_query),
	CALL(STATISTICS, statistics, prd32_statistics_ioctl),
	CALL(RESET, reset, prd32_reset),
	CALL(AREA_ALLOC, area_alloc, prd32_area_alloc),
	CALL(AREA_FREE, area_free, prd32_area_free, .anytime = true),
	CALL(BUFFER_ALLOC, buffer_alloc, prd32_buffer_alloc),
	CALL(BUFFER_FREE, buffer_free, prd32_buffer_free, .anytime = true),
	CALL(BUFFER_SYNC, buffer_sync, prd32_buffer_sync),
	CALL(EXPORT, export, prd32_export, .told = prd32_export_told),
	/* These wait, and hold the card for as long as they need it. */
	CALL(SUBMIT, submit, prd32_submit_ioctl, .anytime = true,
	     .flags = PRD32_SUBMIT_WAIT | PRD32_SUBMIT_NOWAIT | PRD32_SUBMIT_EVENTFD),
	CALL(RESULT, result, prd32_result, .anytime = true),
	CALL(ABORT, abort, prd32_abort, .flags = PRD32_ABORT_ALL),
};

/* Each argument begins so. */
struct prd32_head {
	u32 size;
	u32 flags;
};

/* As large as the largest of them, and what the driver keeps behind one. */
union prd32_arg {
	struct prd32_head head;
	struct prd32_ioc_query query;
	struct prd32_ioc_statistics statistics;
	struct prd32_ioc_submit submit;
	struct prd32_exporting exporting;
};

static const struct prd32_call *prd32_find_call(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	if (cmd != _IO(PRD32_IOC_TYPE, nr) || nr >= ARRAY_SIZE(prd32_calls) ||
	    !prd32_calls[nr].call)
		return NULL;
	return &prd32_calls[nr];
}

static int prd32_copy_arg(const struct prd32_call *call, union prd32_arg *arg,
			  const void __user *user, u32 *size)
{
	int err;

	if (get_user(*size, (const u32 __user *)user))
		return -EFAULT;
	if (*size < call->least)
		return -EINVAL;
	if (*size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(arg, call->size, user, *size);
	if (err)
		return err;
	return arg->head.flags & ~call->flags ? -EINVAL : 0;
}

static int prd32_do_call(const struct prd32_call *call, struct prd32_file *pf, void *arg)
{
	int err;

	if (call->anytime)
		return call->call(pf, arg);
	if (!prd32_chrdev_enter(pf->cd))
		return -ENODEV;
	err = call->call(pf, arg);
	prd32_chrdev_leave(pf->cd);
	return err;
}

/**
 * prd32_ioctl() - PRD32_IOC_*
 * @file: the file
 * @cmd: which
 * @arg: address of its structure
 *
 * Return: 0 or a negative errno; see uapi/linux/prd32.h.
 */
long prd32_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct prd32_call *call = prd32_find_call(cmd);
	void __user *user = (void __user *)arg;
	union prd32_arg kernel;
	u32 size;
	int err;

	if (!call)
		return -ENOTTY;
	err = prd32_copy_arg(call, &kernel, user, &size);
	if (err)
		return err;
	err = prd32_do_call(call, file->private_data, &kernel);
	if (err <= 0)
		return err;
	/* What the caller has beyond is zero already. */
	err = copy_to_user(user, &kernel, min_t(size_t, size, call->size)) ? -EFAULT : 0;
	if (call->told)
		call->told(&kernel, !err);
	return err;
}
