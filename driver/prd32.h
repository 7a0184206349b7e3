/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prd32: a driver for a 32-bit bus-master scatter-gather DMA card.
 *
 * What the core offers to its front ends: the card, its memory, and one way to have bytes moved,
 * struct prd32_request. A front end maps memory with the DMA API for prd32_dma_dev(), submits a
 * request, and unmaps when the request completed. The core owns the hardware: queues, descriptor
 * tables, interrupts, deadlines, resets.
 */
#ifndef PRD32_H
#define PRD32_H

#include <linux/auxiliary_bus.h>
#include <linux/dma-direction.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

#include "prd32_regs.h"

#define PRD32_NAME "prd32"

struct dentry;
struct notifier_block;
struct prd32_card;
struct prd32_channel;

/**
 * struct prd32_client - a front end's seat at a card
 * @adev: the auxiliary device that the front end's driver binds to
 * @card: the card; valid while the front end is bound
 * @index: its number among those of the card
 * @refuse: 0, or the negative errno with which its requests are refused
 */
struct prd32_client {
	struct auxiliary_device adev;
	struct prd32_card *card;
	unsigned int index;
	int refuse;
};

static inline struct prd32_client *to_prd32_client(struct auxiliary_device *adev)
{
	return container_of(adev, struct prd32_client, adev);
}

/* Names of the auxiliary devices: "prd32.chrdev" and so on. */
#define PRD32_CLIENT_CHRDEV	"chrdev"
#define PRD32_CLIENT_DMA	"dma"
#define PRD32_CLIENT_BLOCK	"block"

/**
 * struct prd32_info - what a card is; does not change while it is bound
 * @id: its number among the cards of this system, from 0
 * @mem_size: card memory in bytes
 * @granule: what PRD bases and counts must be multiples of, in bytes; a power of two, at most 4096
 * @max_prds: entries that a table may have
 * @channels: DMA channels
 * @cyclic: cyclic tables are there
 * @writeback: the card writes its status to memory, so that no register need be read
 * @endpoints: other endpoints than card memory are there
 * @queue: an engine can be given several tables at a time
 */
struct prd32_info {
	unsigned int id;
	u32 mem_size;
	u32 granule;
	u32 max_prds;
	unsigned int channels;
	bool cyclic;
	bool writeback;
	bool endpoints;
	bool queue;
};

/**
 * struct prd32_stats - what a channel has done
 * @requests: requests that completed
 * @failed: those of them that did so with an error
 * @bytes_to_host: bytes that the card wrote to host memory
 * @bytes_from_host: bytes that the card read from host memory
 * @tables: descriptor tables started
 * @prds: descriptors in them
 * @interrupts: interrupts that were the channel's
 * @polls: looks of prd32_poll() that found an end
 * @deferred: interrupts that were left pending for a while
 * @found: looks of who submits that found an end
 * @lost: ends that no interrupt told of
 * @timeouts: tables that did not end in time
 * @stops: tables that were stopped
 * @channel_resets: stops that needed a reset of the channel
 * @function_resets: stops that needed a reset of the whole card
 */
struct prd32_stats {
	u64 requests;
	u64 failed;
	u64 bytes_to_host;
	u64 bytes_from_host;
	u64 tables;
	u64 prds;
	u64 interrupts;
	u64 polls;
	u64 deferred;
	u64 found;
	u64 lost;
	u64 timeouts;
	u64 stops;
	u64 channel_resets;
	u64 function_resets;
};

/**
 * struct prd32_report - how a transfer ended, in the card's words
 * @code: PRD32_ERR_*
 * @index: the descriptor at fault
 * @address: the address at fault
 * @moved: bytes moved
 */
struct prd32_report {
	u32 code;
	u32 index;
	u32 address;
	u32 moved;
};

/**
 * struct prd32_place - how far the tables of a request have come
 * @sg: entry that comes next
 * @skip: bytes of it that are done
 * @left: bytes of the request that are in no table yet
 */
struct prd32_place {
	struct scatterlist *sg;
	u64 skip;
	u64 left;
};

/**
 * struct prd32_request - bytes to be moved
 * @client: who asks
 * @sg: mapped scatter list: its DMA addresses and lengths are used, no more
 * @nents: mapped entries in @sg, as the DMA API returned
 * @skip: bytes of @sg to leave out at its beginning
 * @length: bytes to move, at most what is left of @sg; in a cyclic request the length of a lap
 * @card_addr: offset into card memory, bytes
 * @to_host: the card writes host memory
 * @endpoint: PRD32_ENDPOINT_*
 * @pattern: what PRD32_PATTERN takes, with PRD32_ENDPOINT_PATTERN
 * @pattern_seed: what PRD32_PATTERN_SEED takes
 * @pattern_rate: what PRD32_PATTERN_RATE takes
 * @pattern_fifo: what PRD32_PATTERN_FIFO takes
 * @polled: somebody will call prd32_poll() or prd32_spin() for its completion: no interrupt is
 *	    wanted
 * @nowait: refuse with -EAGAIN rather than wait for other requests
 * @period: bytes after which @elapsed is called; not 0 makes the request cyclic, which then ends
 *	    only when it is cancelled or fails. @length must be a multiple of it
 * @elapsed: another @period is done; called like @complete
 * @complete: the engine is done with the memory; called once for each request that
 *	      prd32_submit() accepted, in any context, interrupts perhaps off. The request is the
 *	      front end's again
 * @error: result: 0, or a negative errno
 * @moved: result: bytes moved, from the beginning on, also with an error. While a cyclic request
 *	   runs: bytes since its start
 * @stuck: result: the engine could not be stopped: memory of the request must never be unmapped
 *	   or freed
 * @crc: result: CRC-32C of the bytes, with PRD32_ENDPOINT_CHECKSUM
 * @ch: the core's: the channel that it was given to
 * @node: the core's: place in the channel's queue
 * @at: the core's: what of @sg comes next
 * @cancelled: the core's: the errno with which it is to end
 * @prds: the core's: descriptors of its last table, for those who trace
 */
struct prd32_request {
	struct prd32_client *client;
	struct scatterlist *sg;
	unsigned int nents;
	u64 skip;
	u64 length;
	u32 card_addr;
	bool to_host;
	bool polled;
	bool nowait;
	u8 endpoint;
	u32 pattern;
	u32 pattern_seed;
	u32 pattern_rate;
	u32 pattern_fifo;
	u32 period;
	void (*elapsed)(struct prd32_request *req);
	void (*complete)(struct prd32_request *req);

	int error;
	bool stuck;
	u64 moved;
	u32 crc;

	struct prd32_channel *ch;
	struct list_head node;
	struct prd32_place at;
	int cancelled;
	u32 prds;
};

/*
 * The engine may still be at a page that is not the caller's to keep: it gets a reference that is
 * never put. What kmalloc() gave has none to be had: it is no page of its own.
 */
static inline void prd32_leak_page(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_slab(folio))
		return;
#ifdef PRD32_HAVE_LARGE_KMALLOC
	if (folio_test_large_kmalloc(folio))
		return;
#endif
	folio_get(folio);
}

static inline enum dma_data_direction prd32_dir(bool to_host)
{
	return to_host ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
}

/* core/pci.c, core/errors.c */
struct device *prd32_dma_dev(struct prd32_card *card);
const struct prd32_info *prd32_info(struct prd32_card *card);
int prd32_reset_card(struct prd32_card *card);

/* core/queue.c: the one submission path; core/channel.c */
#define PRD32_ANY_CHANNEL (-1)
#define PRD32_NEAR_CHANNEL (-2)
int prd32_submit(struct prd32_request *req, int channel);
void prd32_cancel(struct prd32_request *req, int error);
u64 prd32_residue(struct prd32_request *req);
bool prd32_is_running(struct prd32_request *req);
void prd32_cancel_all(struct prd32_client *client, int error);

/* core/poll.c: hearing of the end without an interrupt */
bool prd32_poll(struct prd32_card *card, unsigned int channel);
bool prd32_worth_spinning(const struct prd32_card *card, u64 length);
void prd32_spin(struct prd32_request *req);
void prd32_waited(struct prd32_card *card, u64 length, u64 since);

/* core/defer.c: or with fewer of them */
void prd32_take_ends(struct prd32_card *card);

/* core/memory.c: who has which part of card memory */
int prd32_memory_alloc(struct prd32_card *card, u32 size, u32 *addr);
void prd32_memory_free(struct prd32_card *card, u32 addr, u32 size);

/* core/clients.c: what the channels are doing */
void prd32_statistics(struct prd32_card *card, unsigned int channel, struct prd32_stats *stats);
bool prd32_has_idle_channel(struct prd32_card *card);
bool prd32_is_busy(struct prd32_card *card);
void prd32_idle_register(struct prd32_card *card, struct notifier_block *nb);
void prd32_idle_unregister(struct prd32_card *card, struct notifier_block *nb);

/* core/debugfs.c */
struct dentry *prd32_debugfs_dir(struct prd32_card *card);

/* Front ends: one driver of the auxiliary bus each. */
int prd32_chrdev_init(void);
void prd32_chrdev_exit(void);
int prd32_dma_init(void);
void prd32_dma_exit(void);
int prd32_block_init(void);
void prd32_block_exit(void);

#endif /* PRD32_H */
