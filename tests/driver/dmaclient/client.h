/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of the card's dmaengine provider. client.c is the module, remote.c a transfer that the
 * test controls from outside, lessons.c and memory.c do all of something in one go.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <linux/dma-mapping.h>
#include <linux/dmaengine.h>
#include <linux/seq_file.h>

#include "prd32_dma.h"
#include "prd32_regs.h"

#define CLIENT_TIMEOUT_MS	5000

/* Where in card memory the client has its data: behind what the card's other users allocate. */
#define CLIENT_CARD_ADDR	(48 * 1024 * 1024)

/* A file in debugfs: reading it does something, and tells what came of it as key=value. */
struct client_file {
	const char *name;
	int (*show)(struct seq_file *told);
};

extern const struct client_file remote_files[];
extern const struct client_file lesson_files[];
extern const struct client_file memory_files[];

void remote_release(void);

/* A channel of a card, with the capability; NULL when there is none. */
struct dma_chan *client_channel(enum dma_transaction_type capability);

/* Sets where slave transfers of a channel go; peripheral may be NULL. */
int client_configure(struct dma_chan *chan, u32 card_addr, struct prd32_dma_peripheral *peripheral);

/* Submits a descriptor and waits for its end: 0, -EIO, -ETIMEDOUT; -ENOMEM when it is NULL. */
int client_run(struct dma_async_tx_descriptor *tx);

/* Moves one mapped piece of memory to or from CLIENT_CARD_ADDR. */
int client_move(struct dma_chan *chan, dma_addr_t addr, size_t len, bool to_host);

/* What byte @i of a test's data is. */
static inline u8 client_byte(size_t i, unsigned int seed)
{
	return ((i ^ (i >> 8) * 31) + seed) & 0xff;
}

void client_fill(u8 *memory, size_t len, size_t from, unsigned int seed);
size_t client_wrong(const u8 *memory, size_t len, size_t from, unsigned int seed);

#endif
