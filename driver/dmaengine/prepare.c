// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors: made in any context, so without waiting for memory.
 */
#include <linux/overflow.h>
#include <linux/slab.h>

#include "dma.h"

/**
 * prd32_dma_desc_free() - free a descriptor
 * @desc: a descriptor that is in no list, and not active
 */
void prd32_dma_desc_free(struct prd32_dma_desc *desc)
{
	dma_descriptor_unmap(&desc->tx);
	sg_free_table(&desc->sgt);
	kfree(desc);
}

/**
 * prd32_dma_desc_free_list() - free descriptors
 * @list: those; nobody else's list any more
 */
void prd32_dma_desc_free_list(struct list_head *list)
{
	struct prd32_dma_desc *desc, *next;

	list_for_each_entry_safe(desc, next, list, node)
		prd32_dma_desc_free(desc);
	INIT_LIST_HEAD(list);
}

/* A client does not need its reusable descriptor any more. */
static int prd32_dma_tx_free(struct dma_async_tx_descriptor *tx)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(tx->chan);
	struct prd32_dma_desc *desc = to_prd32_dma_desc(tx);
	unsigned long flags;

	spin_lock_irqsave(&dc->lock, flags);
	list_del(&desc->node);
	spin_unlock_irqrestore(&dc->lock, flags);
	prd32_dma_desc_free(desc);
	return 0;
}

static dma_cookie_t prd32_dma_tx_submit(struct dma_async_tx_descriptor *tx)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(tx->chan);
	struct prd32_dma_desc *desc = to_prd32_dma_desc(tx);
	dma_cookie_t cookie;
	unsigned long flags;

	spin_lock_irqsave(&dc->lock, flags);
	cookie = dc->chan.cookie + 1;
	if (cookie < DMA_MIN_COOKIE)
		cookie = DMA_MIN_COOKIE;
	tx->cookie = cookie;
	dc->chan.cookie = cookie;
	prd32_dma_rewind(desc);
	list_move_tail(&desc->node, &dc->submitted);
	spin_unlock_irqrestore(&dc->lock, flags);
	return cookie;
}

/* What a CHECKSUM made of the bytes. */
static void *prd32_dma_get_metadata(struct dma_async_tx_descriptor *tx, size_t *payload_len,
				    size_t *max_len)
{
	struct prd32_request *req = &to_prd32_dma_desc(tx)->req;

	if (req->endpoint != PRD32_ENDPOINT_CHECKSUM)
		return ERR_PTR(-ENODATA);
	*payload_len = sizeof(req->crc);
	*max_len = sizeof(req->crc);
	return &req->crc;
}

struct dma_descriptor_metadata_ops prd32_dma_metadata_ops = {
	.get_ptr = prd32_dma_get_metadata,
};

static struct prd32_dma_desc *prd32_dma_desc_alloc(struct prd32_dma_chan *dc, unsigned int nents,
						   unsigned long flags)
{
	struct prd32_dma_desc *desc = kzalloc(sizeof(*desc), GFP_NOWAIT);

	if (!desc)
		return NULL;
	if (sg_alloc_table(&desc->sgt, nents, GFP_NOWAIT)) {
		kfree(desc);
		return NULL;
	}
	dma_async_tx_descriptor_init(&desc->tx, &dc->chan);
	desc->tx.flags = flags;
	desc->tx.tx_submit = prd32_dma_tx_submit;
	desc->tx.desc_free = prd32_dma_tx_free;
	desc->tx.metadata_ops = &prd32_dma_metadata_ops;
	desc->req.nents = nents;
	desc->req.sg = desc->sgt.sgl;
	desc->req.complete = prd32_dma_complete;
	return desc;
}

static struct dma_async_tx_descriptor *prd32_dma_prepared(struct prd32_dma_chan *dc,
							  struct prd32_dma_desc *desc)
{
	unsigned long flags;

	spin_lock_irqsave(&dc->lock, flags);
	list_add_tail(&desc->node, &dc->prepared);
	spin_unlock_irqrestore(&dc->lock, flags);
	return &desc->tx;
}

static void prd32_dma_set_sg(struct scatterlist *sg, dma_addr_t addr, unsigned int len)
{
	sg_dma_address(sg) = addr;
	sg_dma_len(sg) = len;
}

/* A card that moves words cannot move bytes. */
static bool prd32_dma_aligned(struct prd32_dma_chan *dc, u64 bits)
{
	return !(bits & (dc->info->granule - 1));
}

/**
 * prd32_dma_prep_memcpy() - device_prep_dma_memcpy
 * @chan: the channel
 * @dst: bus address of the destination
 * @src: bus address of the source
 * @len: bytes, less than 4 GiB
 * @flags: enum dma_ctrl_flags
 *
 * Return: a descriptor, or NULL.
 */
struct dma_async_tx_descriptor *
prd32_dma_prep_memcpy(struct dma_chan *chan, dma_addr_t dst, dma_addr_t src, size_t len,
		      unsigned long flags)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(chan);
	struct prd32_dma_desc *desc;

	if (!len || len > U32_MAX || !prd32_dma_aligned(dc, dst | src | len))
		return NULL;
	if (!READ_ONCE(dc->staged))
		return NULL;
	desc = prd32_dma_desc_alloc(dc, 2, flags);
	if (!desc)
		return NULL;
	prd32_dma_set_sg(desc->sgt.sgl, src, len);
	prd32_dma_set_sg(sg_next(desc->sgt.sgl), dst, len);
	desc->copy = true;
	desc->length = len;
	desc->req.card_addr = dc->staging;
	return prd32_dma_prepared(dc, desc);
}

/* Endpoints other than card memory take one table, and a client's segments may need many PRDs. */
static bool prd32_dma_fits(struct prd32_dma_chan *dc, const struct prd32_dma_desc *desc)
{
	struct scatterlist *sg;
	unsigned int i;
	u64 prds = 0;

	for_each_sg(desc->sgt.sgl, sg, desc->req.nents, i) {
		u64 first = sg_dma_address(sg);
		u64 last = first + sg_dma_len(sg) - 1;

		prds += last / PRD32_LIMIT_PRD_BOUNDARY - first / PRD32_LIMIT_PRD_BOUNDARY + 1;
	}
	return prds <= dc->info->max_prds;
}

/* Where on the card a slave transfer is, as the channel is configured. Return: it can be there. */
static bool prd32_dma_place(struct prd32_dma_chan *dc, struct prd32_dma_desc *desc,
			    enum dma_transfer_direction dir)
{
	struct prd32_request *req = &desc->req;
	unsigned long flags;
	u64 addr;

	spin_lock_irqsave(&dc->lock, flags);
	addr = dir == DMA_DEV_TO_MEM ? dc->config.src_addr : dc->config.dst_addr;
	req->endpoint = dc->peripheral.endpoint;
	req->pattern = dc->peripheral.pattern;
	req->pattern_seed = dc->peripheral.pattern_seed;
	req->pattern_rate = dc->peripheral.pattern_rate;
	req->pattern_fifo = dc->peripheral.pattern_fifo;
	spin_unlock_irqrestore(&dc->lock, flags);
	req->to_host = dir == DMA_DEV_TO_MEM;
	req->length = desc->length;
	if (req->endpoint != PRD32_ENDPOINT_MEMORY)
		return req->period || prd32_dma_fits(dc, desc);
	req->card_addr = addr;
	return addr <= dc->info->mem_size && desc->length <= dc->info->mem_size - addr &&
	       prd32_dma_aligned(dc, addr);
}

/**
 * prd32_dma_prep_slave_sg() - device_prep_slave_sg
 * @chan: the channel
 * @sgl: host memory, mapped for the channel's device; need not outlive the call
 * @nents: mapped entries in @sgl
 * @dir: DMA_MEM_TO_DEV or DMA_DEV_TO_MEM
 * @flags: enum dma_ctrl_flags
 * @context: not used
 *
 * Return: a descriptor, or NULL.
 */
struct dma_async_tx_descriptor *
prd32_dma_prep_slave_sg(struct dma_chan *chan, struct scatterlist *sgl, unsigned int nents,
			enum dma_transfer_direction dir, unsigned long flags, void *context)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(chan);
	struct prd32_dma_desc *desc;
	struct scatterlist *from, *to;
	unsigned int i;

	if (!is_slave_direction(dir) || !nents)
		return NULL;
	desc = prd32_dma_desc_alloc(dc, nents, flags);
	if (!desc)
		return NULL;
	to = desc->sgt.sgl;
	for_each_sg(sgl, from, nents, i) {
		if (!sg_dma_len(from) ||
		    !prd32_dma_aligned(dc, sg_dma_address(from) | sg_dma_len(from)) ||
		    check_add_overflow(desc->length, sg_dma_len(from), &desc->length))
			goto free;
		prd32_dma_set_sg(to, sg_dma_address(from), sg_dma_len(from));
		to = sg_next(to);
	}
	if (prd32_dma_place(dc, desc, dir))
		return prd32_dma_prepared(dc, desc);
free:
	prd32_dma_desc_free(desc);
	return NULL;
}

/**
 * prd32_dma_prep_cyclic() - device_prep_dma_cyclic
 * @chan: the channel
 * @addr: bus address of the ring
 * @len: its bytes: a lap, which must fit into one table of the card
 * @period: bytes after each of which the callback comes; divides @len
 * @dir: DMA_MEM_TO_DEV or DMA_DEV_TO_MEM
 * @flags: enum dma_ctrl_flags
 *
 * Return: a descriptor, or NULL.
 */
struct dma_async_tx_descriptor *
prd32_dma_prep_cyclic(struct dma_chan *chan, dma_addr_t addr, size_t len, size_t period,
		      enum dma_transfer_direction dir, unsigned long flags)
{
	struct prd32_dma_chan *dc = to_prd32_dma_chan(chan);
	struct prd32_dma_desc *desc;

	if (!is_slave_direction(dir) || !period || !len || len % period || len > U32_MAX)
		return NULL;
	if (!prd32_dma_aligned(dc, addr | len | period))
		return NULL;
	desc = prd32_dma_desc_alloc(dc, 1, flags);
	if (!desc)
		return NULL;
	prd32_dma_set_sg(desc->sgt.sgl, addr, len);
	desc->length = len;
	desc->req.period = period;
	desc->req.elapsed = prd32_dma_elapsed;
	if (prd32_dma_place(dc, desc, dir))
		return prd32_dma_prepared(dc, desc);
	prd32_dma_desc_free(desc);
	return NULL;
}
