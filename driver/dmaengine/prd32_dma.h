/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prd32 as a dmaengine provider: what its clients need to know.
 *
 * chan->device->dev is the PCI function: map memory for it. A channel is a place in a queue, not
 * one of the card's engines, so there are more of these than of those.
 *
 * DMA_MEMCPY goes through card memory, which costs two transfers: from the host into an area that
 * the channel has as long as it is held, and from there to the destination. Where card memory had
 * no room for that area, there is no copying.
 *
 * DMA_SLAVE, and DMA_CYCLIC where the card can: the "device address" is an offset into card
 * memory, in bytes: src_addr of struct dma_slave_config for DMA_DEV_TO_MEM, dst_addr for
 * DMA_MEM_TO_DEV. It is that of the first byte; those that follow it lie behind it, as card memory
 * is no FIFO. A cyclic transfer begins there anew with each lap. Widths and bursts are not looked
 * at. Whose offsets these are is up to client and system: nobody reserves them.
 *
 * With peripheral_config, to other ends of the card than its memory: struct prd32_dma_peripheral.
 *
 * A cyclic transfer has one of the card's engines for itself. While all of them are taken like
 * that, other transfers end as aborted. Its callback comes once for each period, but not for those
 * that are more than a lap ago by then.
 *
 * A descriptor can be used again (DMA_CTRL_REUSE). The residue counts what the card's descriptors
 * have done, which are 64 KiB at most and never more than a segment or period.
 */
#ifndef PRD32_DMA_H
#define PRD32_DMA_H

#include <linux/types.h>

/**
 * struct prd32_dma_peripheral - where slave transfers go, or come from: peripheral_config
 * @endpoint: PRD32_ENDPOINT_*; other than memory only where the card has them, and then all of a
 *	      transfer has to fit into one table. With PRD32_ENDPOINT_CHECKSUM the descriptor's
 *	      metadata (DESC_METADATA_ENGINE) is the CRC-32C, a u32, when it completed
 * @pattern: what PRD32_PATTERN takes, with PRD32_ENDPOINT_PATTERN
 * @pattern_seed: what PRD32_PATTERN_SEED takes
 * @pattern_rate: what PRD32_PATTERN_RATE takes
 * @pattern_fifo: what PRD32_PATTERN_FIFO takes
 */
struct prd32_dma_peripheral {
	u8 endpoint;
	u32 pattern;
	u32 pattern_seed;
	u32 pattern_rate;
	u32 pattern_fifo;
};

#endif /* PRD32_DMA_H */
