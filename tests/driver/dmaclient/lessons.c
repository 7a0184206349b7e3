// SPDX-License-Identifier: GPL-2.0-only
/* What a provider has to get right, each in one go. */
#include <linux/align.h>
#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "client.h"

static const unsigned int lengths[] = { 1, 3, 4095, 4096, 8191, 32768 };

#define SEGMENTS	ARRAY_SIZE(lengths)

/* Memory in pieces of odd lengths at odd addresses. */
struct scattered {
	struct sg_table sgt;
	u8 *memory[SEGMENTS];
	size_t length;
};

static void scattered_free(struct scattered *it)
{
	unsigned int i;

	for (i = 0; i < SEGMENTS; i++)
		kfree(it->memory[i]);
	sg_free_table(&it->sgt);
}

static int scattered_alloc(struct scattered *it, bool backwards)
{
	struct scatterlist *sg;
	unsigned int i;
	int err;

	*it = (struct scattered){};
	err = sg_alloc_table(&it->sgt, SEGMENTS, GFP_KERNEL);
	if (err)
		return err;
	for_each_sgtable_sg(&it->sgt, sg, i) {
		unsigned int length = lengths[backwards ? SEGMENTS - 1 - i : i];

		/* Whole cache lines: a smaller piece would share one with its neighbour. */
		it->memory[i] = kzalloc(ALIGN(length + i, L1_CACHE_BYTES), GFP_KERNEL);
		if (!it->memory[i]) {
			scattered_free(it);
			return -ENOMEM;
		}
		sg_set_buf(sg, it->memory[i] + i, length);
		it->length += length;
	}
	return 0;
}

static size_t scattered_each(struct scattered *it, bool fill, unsigned int seed)
{
	size_t from = 0, wrong = 0;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(&it->sgt, sg, i) {
		if (fill)
			client_fill(sg_virt(sg), sg->length, from, seed);
		else
			wrong += client_wrong(sg_virt(sg), sg->length, from, seed);
		from += sg->length;
	}
	return wrong;
}

static int scattered_move(struct dma_chan *chan, struct scattered *it, bool to_host)
{
	enum dma_data_direction dir = to_host ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	struct device *dev = dmaengine_get_dma_device(chan);
	struct dma_async_tx_descriptor *tx;
	int err;

	err = client_configure(chan, CLIENT_CARD_ADDR + 5, NULL);
	if (!err)
		err = dma_map_sgtable(dev, &it->sgt, dir, 0);
	if (err)
		return err;
	tx = dmaengine_prep_slave_sg(chan, it->sgt.sgl, it->sgt.nents,
				     to_host ? DMA_DEV_TO_MEM : DMA_MEM_TO_DEV,
				     DMA_CTRL_ACK | DMA_PREP_INTERRUPT);
	err = client_run(tx);
	dma_unmap_sgtable(dev, &it->sgt, dir, 0);
	return err;
}

/* To an odd place on the card, and back into other pieces. */
static int lesson_slave(struct dma_chan *chan, struct seq_file *told)
{
	struct scattered out, in;
	int err;

	err = scattered_alloc(&out, false);
	if (err)
		return err;
	err = scattered_alloc(&in, true);
	if (err) {
		scattered_free(&out);
		return err;
	}
	scattered_each(&out, true, 3);
	err = scattered_move(chan, &out, false);
	if (!err)
		err = scattered_move(chan, &in, true);
	seq_printf(told, "error=%d length=%zu wrong=%zu\n", err, in.length,
		   scattered_each(&in, false, 3));
	scattered_free(&out);
	scattered_free(&in);
	return 0;
}

#define COPIES	8
#define COPY	SZ_4K

/* Some copies of one buffer into another, side by side in both. */
struct copies {
	struct dma_chan *chan;
	u8 *src, *dst;
	dma_addr_t src_at, dst_at;
	dma_cookie_t cookies[COPIES];
	struct completion first;
	unsigned int called, in_order;
	bool give_up;
};

static struct copies copies;

static void copies_called(void *index)
{
	copies.in_order += copies.called == (unsigned long)index;
	copies.called++;
	if (copies.give_up)
		dmaengine_terminate_async(copies.chan);
	complete(&copies.first);
}

static int copies_submit(void)
{
	struct dma_async_tx_descriptor *tx;
	unsigned long i;

	for (i = 0; i < COPIES; i++) {
		tx = dmaengine_prep_dma_memcpy(copies.chan, copies.dst_at + i * COPY,
					       copies.src_at + i * COPY, COPY,
					       DMA_CTRL_ACK | DMA_PREP_INTERRUPT);
		if (!tx)
			return -ENOMEM;
		tx->callback = copies_called;
		tx->callback_param = (void *)i;
		copies.cookies[i] = dmaengine_submit(tx);
	}
	return 0;
}

/* Before anything is issued, nothing is under way; then all is done, in the order of submission. */
static void copies_issue(struct seq_file *told)
{
	unsigned long most = msecs_to_jiffies(CLIENT_TIMEOUT_MS);
	struct dma_tx_state state = {};
	enum dma_status before = dmaengine_tx_status(copies.chan, copies.cookies[0], &state);
	enum dma_status after = DMA_ERROR;

	if (copies.give_up) {
		dma_async_issue_pending(copies.chan);
		wait_for_completion_timeout(&copies.first, most);
	} else {
		after = dma_sync_wait(copies.chan, copies.cookies[COPIES - 1]);
	}
	/* Callbacks that are due are waited for. */
	dmaengine_synchronize(copies.chan);
	seq_printf(told, "before=%d residue=%u after=%d called=%u in_order=%u wrong=%zu\n",
		   before, state.residue, after, copies.called, copies.in_order,
		   client_wrong(copies.dst, COPIES * COPY, 0, 9));
}

static int copies_do(struct dma_chan *chan, struct seq_file *told, bool give_up)
{
	struct device *dev = dmaengine_get_dma_device(chan);
	int err;

	copies = (struct copies){ .chan = chan, .give_up = give_up };
	init_completion(&copies.first);
	copies.src = dma_alloc_coherent(dev, 2 * COPIES * COPY, &copies.src_at, GFP_KERNEL);
	if (!copies.src)
		return -ENOMEM;
	copies.dst = copies.src + COPIES * COPY;
	copies.dst_at = copies.src_at + COPIES * COPY;
	client_fill(copies.src, COPIES * COPY, 0, 9);
	memset(copies.dst, 0, COPIES * COPY);
	err = copies_submit();
	if (!err)
		copies_issue(told);
	dmaengine_terminate_sync(chan);
	dma_free_coherent(dev, 2 * COPIES * COPY, copies.src, copies.src_at);
	return err;
}

static int lesson_order(struct dma_chan *chan, struct seq_file *told)
{
	return copies_do(chan, told, false);
}

/* The first callback gives up the rest. */
static int lesson_give_up(struct dma_chan *chan, struct seq_file *told)
{
	return copies_do(chan, told, true);
}

/* One descriptor, used again and again while its memory changes. */
static int reuse_five_times(struct dma_async_tx_descriptor *tx, struct device *dev, u8 *memory,
			    dma_addr_t at, size_t *wrong)
{
	unsigned int i;
	int err;

	for (i = 0; i < 5; i++) {
		client_fill(memory, SZ_4K, 0, i);
		dma_sync_single_for_device(dev, at, SZ_4K, DMA_BIDIRECTIONAL);
		err = client_run(tx);
		if (err)
			return err;
		memset(memory, 0, SZ_4K);
		dma_sync_single_for_device(dev, at, SZ_4K, DMA_BIDIRECTIONAL);
		err = client_move(tx->chan, at, SZ_4K, true);
		if (err)
			return err;
		dma_sync_single_for_cpu(dev, at, SZ_4K, DMA_BIDIRECTIONAL);
		*wrong += client_wrong(memory, SZ_4K, 0, i);
	}
	return 0;
}

static int lesson_reuse(struct dma_chan *chan, struct seq_file *told)
{
	struct device *dev = dmaengine_get_dma_device(chan);
	struct dma_async_tx_descriptor *tx;
	int err, freed = -EINVAL;
	size_t wrong = 0;
	dma_addr_t at;
	u8 *memory;

	memory = kmalloc(SZ_4K, GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	at = dma_map_single(dev, memory, SZ_4K, DMA_BIDIRECTIONAL);
	err = dma_mapping_error(dev, at);
	if (err)
		goto free;
	client_configure(chan, CLIENT_CARD_ADDR, NULL);
	tx = dmaengine_prep_slave_single(chan, at, SZ_4K, DMA_MEM_TO_DEV, DMA_PREP_INTERRUPT);
	err = tx ? dmaengine_desc_set_reuse(tx) : -ENOMEM;
	if (!err)
		err = reuse_five_times(tx, dev, memory, at, &wrong);
	if (!err)
		freed = dmaengine_desc_free(tx);
	dma_unmap_single(dev, at, SZ_4K, DMA_BIDIRECTIONAL);
	seq_printf(told, "error=%d wrong=%zu freed=%d\n", err, wrong, freed);
	err = 0;
free:
	kfree(memory);
	return err;
}

struct checksum {
	struct dma_async_tx_descriptor *tx;
	u32 crc;
};

static void checksum_called(void *param)
{
	struct checksum *sum = param;
	size_t length, most;
	u32 *crc = dmaengine_desc_get_metadata_ptr(sum->tx, &length, &most);

	if (!IS_ERR(crc) && length == sizeof(*crc))
		sum->crc = *crc;
}

/* What the card makes of 4 KiB, which the descriptor has as metadata when it is called back. */
static int lesson_checksum(struct dma_chan *chan, struct seq_file *told)
{
	struct prd32_dma_peripheral checksum = { .endpoint = PRD32_ENDPOINT_CHECKSUM };
	struct device *dev = dmaengine_get_dma_device(chan);
	enum dma_status status = DMA_ERROR;
	struct checksum sum = {};
	dma_addr_t at;
	u8 *memory;
	int err;

	err = client_configure(chan, 0, &checksum);
	if (err)
		return err;
	memory = dma_alloc_coherent(dev, SZ_4K, &at, GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	client_fill(memory, SZ_4K, 0, 0);
	sum.tx = dmaengine_prep_slave_single(chan, at, SZ_4K, DMA_MEM_TO_DEV, DMA_PREP_INTERRUPT);
	if (sum.tx) {
		sum.tx->callback = checksum_called;
		sum.tx->callback_param = &sum;
		status = dma_sync_wait(chan, dmaengine_submit(sum.tx));
	}
	/* Waits for the callback, which giving up would drop. */
	dmaengine_synchronize(chan);
	dmaengine_terminate_sync(chan);
	dma_free_coherent(dev, SZ_4K, memory, at);
	seq_printf(told, "status=%d crc=%u\n", status, sum.crc);
	return 0;
}

/* What the provider says of itself, and how many of some impossible requests it refuses. */
static int lesson_limits(struct dma_chan *chan, struct seq_file *told)
{
	struct prd32_dma_peripheral checksum = { .endpoint = PRD32_ENDPOINT_CHECKSUM };
	unsigned long flags = DMA_CTRL_ACK | DMA_PREP_INTERRUPT;
	struct dma_slave_caps caps = {};
	unsigned int refused;
	int err;

	err = dma_get_slave_caps(chan, &caps);
	client_configure(chan, U32_MAX - 1, NULL);
	refused = !dmaengine_prep_slave_single(chan, SZ_1M, 4, DMA_DEV_TO_MEM, flags);
	client_configure(chan, CLIENT_CARD_ADDR, NULL);
	refused += !dmaengine_prep_slave_single(chan, SZ_1M, SZ_1G, DMA_DEV_TO_MEM, flags);
	refused += !dmaengine_prep_slave_single(chan, SZ_1M, 0, DMA_DEV_TO_MEM, flags);
	refused += !dmaengine_prep_slave_single(chan, SZ_1M, 4, DMA_MEM_TO_MEM, flags);
	refused += !dmaengine_prep_dma_cyclic(chan, SZ_1M, 100, 33, DMA_DEV_TO_MEM, flags);
	refused += !dmaengine_prep_dma_memcpy(chan, SZ_1M, SZ_2M, 0, flags);
	/* More than one table has room for. */
	client_configure(chan, 0, &checksum);
	refused += !dmaengine_prep_slave_single(chan, SZ_1M, SZ_512M, DMA_MEM_TO_DEV, flags);
	seq_printf(told, "error=%d max_sg=%u granularity=%d reuse=%d segment=%u boundary=%lu ", err,
		   caps.max_sg_burst, caps.residue_granularity, caps.descriptor_reuse,
		   dma_get_max_seg_size(dmaengine_get_dma_device(chan)),
		   dma_get_seg_boundary(dmaengine_get_dma_device(chan)));
	seq_printf(told, "refused=%u private=%d\n", refused,
		   dma_has_cap(DMA_PRIVATE, chan->device->cap_mask));
	return 0;
}

static int with_channel(struct seq_file *told,
			int (*lesson)(struct dma_chan *chan, struct seq_file *told))
{
	struct dma_chan *chan = client_channel(DMA_MEMCPY);
	int err;

	if (!chan)
		return -ENODEV;
	err = lesson(chan, told);
	dma_release_channel(chan);
	return err;
}

#define LESSON(name) \
	static int show_##name(struct seq_file *told) { return with_channel(told, lesson_##name); }

LESSON(slave)
LESSON(order)
LESSON(give_up)
LESSON(reuse)
LESSON(checksum)
LESSON(limits)

const struct client_file lesson_files[] = {
	{ "slave", show_slave },
	{ "order", show_order },
	{ "give_up", show_give_up },
	{ "reuse", show_reuse },
	{ "checksum", show_checksum },
	{ "limits", show_limits },
	{ }
};
