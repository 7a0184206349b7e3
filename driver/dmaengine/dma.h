/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dmaengine provider: device.c is the device and its lifetime, channel.c what a client does
 * with a channel, prepare.c makes descriptors, transfer.c has them done, one after the other.
 */
#ifndef PRD32_DMA_PRIVATE_H
#define PRD32_DMA_PRIVATE_H

#include <linux/dmaengine.h>
#include <linux/interrupt.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "prd32.h"
#include "prd32_dma.h"

/* More than the card has engines: most channels are idle most of the time. */
#define PRD32_DMA_CHANNELS	4

/* Card memory that copies go through, bytes; what is longer is copied in pieces. */
#define PRD32_DMA_STAGING	(128 * 1024)

/* So many of the latest failures a channel remembers for those who ask later. */
#define PRD32_DMA_FAILURES	16

/**
 * struct prd32_dma_desc - a transfer that a client asked for
 * @tx: the framework's part
 * @node: place in one of the channel's lists
 * @req: what the core is asked for; of a copy, one step after the other
 * @sgt: the client's memory, mapped by it; of a copy, source and destination
 * @length: bytes in all; in a cyclic transfer of a lap
 * @copied: of a copy: bytes that have reached their destination
 * @copy: DMA_MEMCPY
 * @terminated: the client has given it up: no callback
 * @periods: periods that have passed; counted without the channel's lock
 * @reported: periods that the client was told of
 * @result: how it ended
 */
struct prd32_dma_desc {
	struct dma_async_tx_descriptor tx;
	struct list_head node;
	struct prd32_request req;
	struct sg_table sgt;
	u32 length;
	u32 copied;
	bool copy;
	bool terminated;
	u32 periods;
	u32 reported;
	struct dmaengine_result result;
};

/**
 * struct prd32_dma_chan - a channel
 * @chan: the framework's part
 * @info: what the card is
 * @card: the card; to be used with @client or @staged set
 * @lock: guards everything below. Taken in complete(), and outside of the core's locks, so the
 *	  core is not called with it held, except for prd32_residue(), which completes nothing
 * @client: the seat at the card, or NULL when that is gone
 * @config: what slave transfers are like
 * @peripheral: the same
 * @prepared: descriptors that are with the client
 * @submitted: those that have their cookie
 * @issued: those that wait for their turn
 * @ended: those whose callback comes next
 * @terminated: those that were given up while they were active, and have ended
 * @active: the one under way
 * @step_due: the next step of @active is to be given to the core
 * @giving: somebody calls the core for @active right now
 * @cancelling: how many call the core to end @active right now
 * @quiet: woken when one of the last three, or @active, may have changed
 * @task: calls the clients back
 * @failed: cookies of transfers that failed
 * @failures: how many there were; the next one's place in @failed
 * @staging: the area in card memory that copies go through: its offset
 * @staged: the channel has that area
 */
struct prd32_dma_chan {
	struct dma_chan chan;
	const struct prd32_info *info;
	struct prd32_card *card;
	spinlock_t lock; /* see above */
	struct prd32_client *client;
	struct dma_slave_config config;
	struct prd32_dma_peripheral peripheral;
	struct list_head prepared;
	struct list_head submitted;
	struct list_head issued;
	struct list_head ended;
	struct list_head terminated;
	struct prd32_dma_desc *active;
	bool step_due;
	bool giving;
	unsigned int cancelling;
	wait_queue_head_t quiet;
	struct tasklet_struct task;
	dma_cookie_t failed[PRD32_DMA_FAILURES];
	unsigned int failures;
	u32 staging;
	bool staged;
};

/**
 * struct prd32_dma - a card's dmaengine device; whoever holds a channel keeps it, beyond the card
 * @device: the framework's part
 * @info: what the card is
 * @free: frees this structure
 * @ch: the channels
 */
struct prd32_dma {
	struct dma_device device;
	struct prd32_info info;
	struct work_struct free;
	struct prd32_dma_chan ch[PRD32_DMA_CHANNELS];
};

static inline struct prd32_dma_chan *to_prd32_dma_chan(struct dma_chan *chan)
{
	return container_of(chan, struct prd32_dma_chan, chan);
}

static inline struct prd32_dma_desc *to_prd32_dma_desc(struct dma_async_tx_descriptor *tx)
{
	return container_of(tx, struct prd32_dma_desc, tx);
}

/* channel.c */
void prd32_dma_chan_init(struct prd32_dma *dma, unsigned int index, struct prd32_client *client);
void prd32_dma_chan_operations(struct dma_device *device);
void prd32_dma_chan_leave(struct prd32_dma_chan *dc);
void prd32_dma_chan_left(struct prd32_dma_chan *dc);

/* prepare.c */
extern struct dma_descriptor_metadata_ops prd32_dma_metadata_ops;
struct dma_async_tx_descriptor *
prd32_dma_prep_memcpy(struct dma_chan *chan, dma_addr_t dst, dma_addr_t src, size_t len,
		      unsigned long flags);
struct dma_async_tx_descriptor *
prd32_dma_prep_slave_sg(struct dma_chan *chan, struct scatterlist *sgl, unsigned int nents,
			enum dma_transfer_direction dir, unsigned long flags, void *context);
struct dma_async_tx_descriptor *
prd32_dma_prep_cyclic(struct dma_chan *chan, dma_addr_t addr, size_t len, size_t period,
		      enum dma_transfer_direction dir, unsigned long flags);
void prd32_dma_desc_free(struct prd32_dma_desc *desc);
void prd32_dma_desc_free_list(struct list_head *list);

/* transfer.c */
void prd32_dma_rewind(struct prd32_dma_desc *desc);
void prd32_dma_go_on(struct prd32_dma_chan *dc);
void prd32_dma_complete(struct prd32_request *req);
void prd32_dma_elapsed(struct prd32_request *req);
u32 prd32_dma_residue(struct prd32_dma_desc *desc);

#endif /* PRD32_DMA_PRIVATE_H */
