// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client does with a channel besides preparing transfers, and how it is called back.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "dma.h"

static int prd32_dma_config(struct dma_chan *chan, struct dma_slave_config *config)
{
	const struct prd32_dma_peripheral *peripheral = config->peripheral_config;
	struct prd32_dma_chan *dc = to_prd32_dma_chan(chan);
	unsigned long flags;

	if (peripheral && config->peripheral_size != sizeof(*peripheral))
		return -EINVAL;
	if (peripheral && peripheral->endpoint != PRD32_ENDPOINT_MEMORY && !dc->info->endpoints)
		return -EOPNOTSUPP;
	spin_lock_irqsave(&dc->lock, flags);
	dc->config = *config;
	dc->peripheral = peripheral ? *peripheral : (struct prd32_dma_peripheral){};
	spin_unlock_irqrestore(&dc->lock, flags);
	return 0;
}

static void prd32_dma_issue_pending(struct dma_chan *chan)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(chan);
	unsigned long flags;

	spin_lock_irqsave(&dc->lock, flags);
	list_splice_tail_init(&dc->submitted, &dc->issued);
	prd32_dma_go_on(dc);
	spin_unlock_irqrestore(&dc->lock, flags);
}

static bool prd32_dma_has_failed(struct prd32_dma_chan *dc, dma_cookie_t cookie)
{
	unsigned int i;

	for (i = 0; i < PRD32_DMA_FAILURES; i++)
		if (dc->failed[i] == cookie)
			return true;
	return false;
}

/* With the channel locked: how much of a transfer that has not ended is left. */
static u32 prd32_dma_left_of(struct prd32_dma_chan *dc, dma_cookie_t cookie)
{
	struct prd32_dma_desc *desc = dc->active;

	if (desc && desc->tx.cookie == cookie)
		return dc->client ? prd32_dma_residue(desc) : desc->length;
	list_for_each_entry(desc, &dc->issued, node)
		if (desc->tx.cookie == cookie)
			return desc->length;
	list_for_each_entry(desc, &dc->submitted, node)
		if (desc->tx.cookie == cookie)
			return desc->length;
	return 0;
}

static enum dma_status prd32_dma_tx_status(struct dma_chan *chan, dma_cookie_t cookie,
					   struct dma_tx_state *state)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(chan);
	enum dma_status status;
	unsigned long flags;
	u32 residue = 0;

	spin_lock_irqsave(&dc->lock, flags);
	status = dma_async_is_complete(cookie, chan->completed_cookie, chan->cookie);
	if (status != DMA_COMPLETE && state)
		residue = prd32_dma_left_of(dc, cookie);
	else if (status == DMA_COMPLETE && prd32_dma_has_failed(dc, cookie))
		status = DMA_ERROR;
	dma_set_tx_state(state, chan->completed_cookie, chan->cookie, residue);
	spin_unlock_irqrestore(&dc->lock, flags);
	return status;
}

/* Nobody is called back any more. The active descriptor is freed when its request has ended. */
static int prd32_dma_terminate_all(struct dma_chan *chan)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(chan);
	struct prd32_dma_desc *desc, *next;
	unsigned long flags;
	LIST_HEAD(gone);

	spin_lock_irqsave(&dc->lock, flags);
	/* Another thread may be about to submit what it prepared; what is reused is idle here. */
	list_for_each_entry_safe(desc, next, &dc->prepared, node)
		if (dmaengine_desc_test_reuse(&desc->tx))
			list_move_tail(&desc->node, &gone);
	list_splice_tail_init(&dc->submitted, &gone);
	list_splice_tail_init(&dc->issued, &gone);
	list_splice_tail_init(&dc->ended, &gone);
	desc = dc->active;
	if (desc) {
		desc->terminated = true;
		/* Without a client the request is being cancelled already. */
		if (dc->client) {
			dc->cancelling++;
			spin_unlock_irqrestore(&dc->lock, flags);
			prd32_cancel(&desc->req, -ECANCELED);
			spin_lock_irqsave(&dc->lock, flags);
			dc->cancelling--;
			wake_up(&dc->quiet);
		}
	}
	spin_unlock_irqrestore(&dc->lock, flags);
	prd32_dma_desc_free_list(&gone);
	return 0;
}

/* Nobody calls the core, and no request is left, or none that was given up. */
static bool prd32_dma_is_quiet(struct prd32_dma_chan *dc, bool terminated_only)
{
	unsigned long flags;
	bool quiet;

	spin_lock_irqsave(&dc->lock, flags);
	quiet = !dc->giving && !dc->cancelling &&
		(!dc->active || (terminated_only && !dc->active->terminated));
	spin_unlock_irqrestore(&dc->lock, flags);
	return quiet;
}

/*
 * With the channel locked: how many periods the client has to be told of. No more than a lap has:
 * what is older was overwritten, and a client that is slower than the card must not hang here.
 */
static u32 prd32_dma_periods_due(struct prd32_dma_chan *dc)
{
	struct prd32_dma_desc *desc = dc->active;
	u32 periods, lap;

	if (!desc || !desc->req.period || desc->terminated)
		return 0;
	periods = READ_ONCE(desc->periods);
	lap = desc->length / desc->req.period;
	if (periods - desc->reported > lap)
		desc->reported = periods - lap;
	return periods - desc->reported;
}

static void prd32_dma_synchronize(struct dma_chan *chan)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(chan);
	LIST_HEAD(gone);

	wait_event(dc->quiet, prd32_dma_is_quiet(dc, true));
	spin_lock_irq(&dc->lock);
	list_splice_init(&dc->terminated, &gone);
	spin_unlock_irq(&dc->lock);
	tasklet_kill(&dc->task);
	spin_lock_irq(&dc->lock);
	/* What others scheduled while it was being killed was lost. */
	if (!list_empty(&dc->ended) || prd32_dma_periods_due(dc))
		tasklet_schedule(&dc->task);
	spin_unlock_irq(&dc->lock);
	prd32_dma_desc_free_list(&gone);
}

/* How a client wants to hear of a descriptor, and what: a copy, as the descriptor may go first. */
struct prd32_dma_callback {
	dma_async_tx_callback call;
	dma_async_tx_callback_result call_result;
	void *param;
	struct dmaengine_result result;
};

static struct prd32_dma_callback prd32_dma_callback(const struct prd32_dma_desc *desc)
{
	return (struct prd32_dma_callback){
		.call = desc->tx.callback,
		.call_result = desc->tx.callback_result,
		.param = desc->tx.callback_param,
		.result = desc->result,
	};
}

static void prd32_dma_call_back(const struct prd32_dma_callback *back)
{
	if (back->call_result)
		back->call_result(back->param, &back->result);
	else if (back->call)
		back->call(back->param);
}

/* The lock is let go for each callback, which may do anything, also give up what comes next. */
static void prd32_dma_task(struct tasklet_struct *task)
{
	struct prd32_dma_chan *dc = container_of(task, struct prd32_dma_chan, task);
	struct prd32_dma_callback back;
	struct prd32_dma_desc *desc;
	u32 due;

	spin_lock_irq(&dc->lock);
	for (due = prd32_dma_periods_due(dc); due && prd32_dma_periods_due(dc); due--) {
		dc->active->reported++;
		back = prd32_dma_callback(dc->active);
		spin_unlock_irq(&dc->lock);
		prd32_dma_call_back(&back);
		spin_lock_irq(&dc->lock);
	}
	while ((desc = list_first_entry_or_null(&dc->ended, struct prd32_dma_desc, node))) {
		bool reuse = dmaengine_desc_test_reuse(&desc->tx);

		back = prd32_dma_callback(desc);
		/* One that is reused may be submitted again, or freed, by the very callback. */
		if (reuse)
			list_move_tail(&desc->node, &dc->prepared);
		else
			list_del_init(&desc->node);
		spin_unlock_irq(&dc->lock);
		if (!reuse)
			dma_descriptor_unmap(&desc->tx);
		prd32_dma_call_back(&back);
		if (!reuse)
			prd32_dma_desc_free(desc);
		spin_lock_irq(&dc->lock);
	}
	spin_unlock_irq(&dc->lock);
}

/* Card memory for copies, if there is some; without it the channel does all the rest. */
static int prd32_dma_alloc_chan_resources(struct dma_chan *chan)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(chan);
	int err = 0;

	spin_lock_irq(&dc->lock);
	if (dc->client)
		dc->staged = !prd32_memory_alloc(dc->card, PRD32_DMA_STAGING, &dc->staging);
	else
		err = -ENXIO; /* -ENODEV has the framework forget the device, and later once more */
	spin_unlock_irq(&dc->lock);
	return err;
}

static void prd32_dma_unstage(struct prd32_dma_chan *dc)
{
	spin_lock_irq(&dc->lock);
	if (dc->staged)
		prd32_memory_free(dc->card, dc->staging, PRD32_DMA_STAGING);
	dc->staged = false;
	spin_unlock_irq(&dc->lock);
}

static void prd32_dma_free_chan_resources(struct dma_chan *chan)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(chan);
	LIST_HEAD(gone);

	prd32_dma_terminate_all(chan);
	prd32_dma_synchronize(chan);
	prd32_dma_unstage(dc);
	spin_lock_irq(&dc->lock);
	list_splice_init(&dc->prepared, &gone);
	memset(&dc->config, 0, sizeof(dc->config));
	memset(&dc->peripheral, 0, sizeof(dc->peripheral));
	spin_unlock_irq(&dc->lock);
	prd32_dma_desc_free_list(&gone);
}

/**
 * prd32_dma_chan_leave() - the card goes: nothing more is given to the core
 * @dc: the channel; what it has with the core is cancelled by the caller
 */
void prd32_dma_chan_leave(struct prd32_dma_chan *dc)
{
	spin_lock_irq(&dc->lock);
	dc->client = NULL;
	spin_unlock_irq(&dc->lock);
}

/**
 * prd32_dma_chan_left() - wait until a channel has nothing of the card any more
 * @dc: the channel, after prd32_dma_chan_leave() and the cancelling
 *
 * What was issued ends as aborted, and so does what will be.
 */
void prd32_dma_chan_left(struct prd32_dma_chan *dc)
{
	wait_event(dc->quiet, prd32_dma_is_quiet(dc, false));
	prd32_dma_unstage(dc);
}

/**
 * prd32_dma_chan_init() - prepare a channel
 * @dma: its device
 * @index: its number
 * @client: the seat at the card
 */
void prd32_dma_chan_init(struct prd32_dma *dma, unsigned int index, struct prd32_client *client)
{
	struct prd32_dma_chan *dc = &dma->ch[index];

	dc->info = &dma->info;
	dc->card = client->card;
	dc->client = client;
	spin_lock_init(&dc->lock);
	INIT_LIST_HEAD(&dc->prepared);
	INIT_LIST_HEAD(&dc->submitted);
	INIT_LIST_HEAD(&dc->issued);
	INIT_LIST_HEAD(&dc->ended);
	INIT_LIST_HEAD(&dc->terminated);
	init_waitqueue_head(&dc->quiet);
	tasklet_setup(&dc->task, prd32_dma_task);
	dc->chan.device = &dma->device;
	dc->chan.cookie = DMA_MIN_COOKIE;
	dc->chan.completed_cookie = DMA_MIN_COOKIE;
	list_add_tail(&dc->chan.device_node, &dma->device.channels);
}

/**
 * prd32_dma_chan_operations() - set what can be done with a channel
 * @device: the device that gets channels
 */
void prd32_dma_chan_operations(struct dma_device *device)
{
	device->device_alloc_chan_resources = prd32_dma_alloc_chan_resources;
	device->device_free_chan_resources = prd32_dma_free_chan_resources;
	device->device_config = prd32_dma_config;
	device->device_issue_pending = prd32_dma_issue_pending;
	device->device_tx_status = prd32_dma_tx_status;
	device->device_terminate_all = prd32_dma_terminate_all;
	device->device_synchronize = prd32_dma_synchronize;
	device->device_prep_dma_memcpy = prd32_dma_prep_memcpy;
	device->device_prep_slave_sg = prd32_dma_prep_slave_sg;
	device->device_prep_dma_cyclic = prd32_dma_prep_cyclic;
}
