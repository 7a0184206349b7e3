// SPDX-License-Identifier: GPL-2.0-only
/*
 * One channel that is held, and one transfer on it, each step of which is a file: the test decides
 * what happens between them.
 */
#include <linux/atomic.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "client.h"

#define PIECES		16
/* All of it can be bounced as one: Linux 6.1 may find no room for 64 KiB within a boundary. */
#define PIECE		SZ_2K
#define RING		(PIECES * PIECE)
#define SEED		7
#define UNTOUCHED	0xee

static struct {
	struct dma_chan *chan;
	struct device *dev;
	u8 *ring;
	dma_addr_t at;
	bool cyclic;
	dma_cookie_t cookie;
	atomic_t callbacks;
	int result;
	u32 left;
} remote;

static void remote_called(void *unused, const struct dmaengine_result *result)
{
	remote.result = result->result;
	remote.left = result->residue;
	atomic_inc(&remote.callbacks);
}

/* What the transfers read is put into card memory first. */
static int remote_fill_card(void)
{
	dma_addr_t at;
	int err;

	client_fill(remote.ring, RING, 0, SEED);
	at = dma_map_single(remote.dev, remote.ring, RING, DMA_TO_DEVICE);
	if (dma_mapping_error(remote.dev, at))
		return -ENOMEM;
	err = client_move(remote.chan, at, RING, false);
	dma_unmap_single(remote.dev, at, RING, DMA_TO_DEVICE);
	return err;
}

static int remote_hold_channel(void)
{
	int err = -ENOMEM;

	if (remote.chan)
		return -EBUSY;
	remote.chan = client_channel(DMA_SLAVE);
	if (!remote.chan)
		return -ENODEV;
	remote.dev = dmaengine_get_dma_device(remote.chan);
	remote.ring = (u8 *)__get_free_pages(GFP_KERNEL, get_order(RING));
	if (remote.ring)
		err = remote_fill_card();
	if (err)
		remote_release();
	return err;
}

static int remote_hold(struct seq_file *told)
{
	seq_printf(told, "error=%d\n", remote_hold_channel());
	return 0;
}

static void remote_unmap(void)
{
	if (remote.at)
		dma_unmap_single(remote.dev, remote.at, RING, DMA_FROM_DEVICE);
	remote.at = 0;
}

void remote_release(void)
{
	if (!remote.chan)
		return;
	dmaengine_terminate_sync(remote.chan);
	remote_unmap();
	free_pages((unsigned long)remote.ring, get_order(RING));
	dma_release_channel(remote.chan);
	remote.chan = NULL;
	remote.ring = NULL;
}

static int remote_let_go(struct seq_file *told)
{
	remote_release();
	seq_puts(told, "error=0\n");
	return 0;
}

static int remote_map(void)
{
	dma_addr_t at;

	if (!remote.chan || remote.at)
		return -EBUSY;
	memset(remote.ring, UNTOUCHED, RING);
	at = dma_map_single(remote.dev, remote.ring, RING, DMA_FROM_DEVICE);
	if (dma_mapping_error(remote.dev, at))
		return -ENOMEM;
	remote.at = at;
	return 0;
}

static int remote_submit(struct dma_async_tx_descriptor *tx)
{
	if (!tx)
		return -EINVAL;
	atomic_set(&remote.callbacks, 0);
	remote.result = -1;
	remote.left = 0;
	tx->callback_result = remote_called;
	remote.cookie = dmaengine_submit(tx);
	dma_async_issue_pending(remote.chan);
	return 0;
}

/* A piece of the list is a descriptor of the card, whatever the IOMMU would merge. */
static struct dma_async_tx_descriptor *remote_prepare_pieces(void)
{
	struct scatterlist sg[PIECES];
	unsigned int i;

	sg_init_table(sg, PIECES);
	for (i = 0; i < PIECES; i++) {
		sg_dma_address(&sg[i]) = remote.at + i * PIECE;
		sg_dma_len(&sg[i]) = PIECE;
	}
	return dmaengine_prep_slave_sg(remote.chan, sg, PIECES, DMA_DEV_TO_MEM,
				       DMA_CTRL_ACK | DMA_PREP_INTERRUPT);
}

static int remote_start(struct seq_file *told)
{
	int err = remote_map();

	remote.cyclic = false;
	if (!err)
		err = client_configure(remote.chan, CLIENT_CARD_ADDR, NULL);
	if (!err)
		err = remote_submit(remote_prepare_pieces());
	seq_printf(told, "error=%d\n", err);
	return 0;
}

/* 32-bit words that count up for ever. */
static int remote_start_cyclic(struct seq_file *told)
{
	struct prd32_dma_peripheral counter = {
		.endpoint = PRD32_ENDPOINT_PATTERN,
		.pattern = PRD32_PATTERN_KIND_COUNTER,
		.pattern_seed = SEED,
	};
	int err = remote_map();

	remote.cyclic = true;
	if (!err)
		err = client_configure(remote.chan, 0, &counter);
	if (!err)
		err = remote_submit(dmaengine_prep_dma_cyclic(remote.chan, remote.at, RING, PIECE,
							      DMA_DEV_TO_MEM,
							      DMA_PREP_INTERRUPT));
	seq_printf(told, "error=%d\n", err);
	return 0;
}

static int remote_status(struct seq_file *told)
{
	struct dma_tx_state state = {};
	enum dma_status status = dmaengine_tx_status(remote.chan, remote.cookie, &state);

	seq_printf(told, "status=%d residue=%u callbacks=%d result=%d left=%u\n", status,
		   state.residue, atomic_read(&remote.callbacks), remote.result, remote.left);
	return 0;
}

static int remote_terminate(struct seq_file *told)
{
	seq_printf(told, "error=%d\n", dmaengine_terminate_async(remote.chan));
	return 0;
}

static int remote_synchronize(struct seq_file *told)
{
	dmaengine_synchronize(remote.chan);
	seq_puts(told, "error=0\n");
	return 0;
}

static void remote_tell_piece(struct seq_file *told, unsigned int piece)
{
	u8 *bytes = remote.ring + piece * PIECE;
	__le32 *words = (__le32 *)bytes;
	unsigned int i, counting = 1;

	if (!remote.cyclic) {
		seq_printf(told, "right=%d untouched=%d\n",
			   !client_wrong(bytes, PIECE, piece * PIECE, SEED),
			   !memchr_inv(bytes, UNTOUCHED, PIECE));
		return;
	}
	for (i = 1; i < PIECE / sizeof(*words); i++)
		counting &= le32_to_cpu(words[i]) == le32_to_cpu(words[0]) + i;
	seq_printf(told, "first=%u counting=%u\n", le32_to_cpu(words[0]) - SEED, counting);
}

/* What is in memory now, piece by piece; the mapping stays. */
static int remote_look(struct seq_file *told)
{
	unsigned int i;

	if (!remote.at)
		return -EINVAL;
	dma_sync_single_for_cpu(remote.dev, remote.at, RING, DMA_FROM_DEVICE);
	for (i = 0; i < PIECES; i++)
		remote_tell_piece(told, i);
	dma_sync_single_for_device(remote.dev, remote.at, RING, DMA_FROM_DEVICE);
	return 0;
}

static int remote_finish(struct seq_file *told)
{
	remote_unmap();
	seq_puts(told, "error=0\n");
	return 0;
}

const struct client_file remote_files[] = {
	{ "hold", remote_hold },
	{ "let_go", remote_let_go },
	{ "start", remote_start },
	{ "start_cyclic", remote_start_cyclic },
	{ "status", remote_status },
	{ "terminate", remote_terminate },
	{ "synchronize", remote_synchronize },
	{ "look", remote_look },
	{ "finish", remote_finish },
	{ }
};
