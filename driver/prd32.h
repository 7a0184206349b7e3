/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prd32: a driver for a 32-bit bus-master scatter-gather DMA card.
 *
 * The files follow the steps of one transfer: prd32_chrdev.c takes the system call, prd32_xfer.c
 * pins and maps the memory, prd32_prd.c turns it into descriptors in the table of prd32_prdt.c,
 * and prd32_hw.c makes the card work on them. prd32_main.c brings card and driver together.
 */
#ifndef PRD32_H
#define PRD32_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "prd32_prd.h"
#include "prd32_prdt.h"
#include "prd32_regs.h"

#define PRD32_NAME "prd32"

/**
 * struct prd32_channel - one DMA engine of the card
 * @card: the card it belongs to
 * @index: its number on the card
 * @lock: held from mapping a buffer to unmapping it: one transfer at a time
 * @refuse: 0, or the negative errno with which transfers are refused; guarded by @lock
 * @broken: the engine could not be stopped, so the memory it was given is never freed; guarded
 *	    by @lock
 * @stopping: the card is being removed: the running transfer is to give up
 * @irq_seen: the card interrupted since @waitq was last looked at
 * @waitq: where the transfer waits for @irq_seen or @stopping
 * @prdt: the channel's descriptor table; guarded by @lock
 */
struct prd32_channel {
	struct prd32_card *card;
	unsigned int index;
	struct mutex lock; /* see above; taken killably on behalf of user space */
	int refuse;
	bool broken;
	bool stopping;
	bool irq_seen;
	wait_queue_head_t waitq;
	struct prd32_prdt prdt;
};

/**
 * struct prd32_card - one card
 * @dev: the class device; its reference count is the lifetime of this structure, which an open
 *	 file prolongs beyond the removal of the PCI function
 * @cdev: the character device /dev/prd32-N
 * @dma_dev: the PCI function. Not valid once every channel refuses with -ENODEV
 * @mmio: the registers; valid as long as @dma_dev
 * @mem_size: card memory in bytes
 * @granule: what PRD bases and counts must be multiples of, in bytes; a power of two
 * @max_prds: entries that a table may have
 * @flush_irq: the interrupt is level-triggered
 * @ch: the channels; channel 0 is the one in use
 */
struct prd32_card {
	struct device dev;
	struct cdev cdev;
	struct device *dma_dev;
	void __iomem *mmio;
	u32 mem_size;
	u32 granule;
	u32 max_prds;
	bool flush_irq;
	struct prd32_channel ch[PRD32_LIMIT_CHANNELS];
};

/* Channels that the driver uses, as against those that a card may have. */
#define PRD32_CHANNELS_USED 1

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

/* prd32_hw.c: the only file that touches registers */
int prd32_hw_identify(struct prd32_card *card);
void prd32_hw_enable_irq(struct prd32_card *card);
int prd32_hw_quiet(struct prd32_card *card);
void prd32_hw_setup(struct prd32_channel *ch, bool to_host, u32 card_addr, u32 length);
void prd32_hw_start(struct prd32_channel *ch, bool to_host);
int prd32_hw_stop(struct prd32_channel *ch);
int prd32_hw_status(struct prd32_channel *ch);
void prd32_hw_report(struct prd32_channel *ch, struct prd32_report *report);
bool prd32_hw_ack_irq(struct prd32_channel *ch);

/* prd32_xfer.c */
extern unsigned int prd32_chunk_kib;
extern unsigned int prd32_timeout_ms;
ssize_t prd32_xfer_iter(struct prd32_channel *ch, struct iov_iter *iter, u32 card_addr,
			bool to_host, bool nonblock);
void prd32_xfer_refuse(struct prd32_channel *ch, int err);
void prd32_xfer_allow(struct prd32_channel *ch);

/* prd32_chrdev.c */
int prd32_chrdev_init(void);
void prd32_chrdev_exit(void);
struct prd32_card *prd32_card_alloc(struct device *parent);
int prd32_chrdev_add(struct prd32_card *card);
void prd32_chrdev_del(struct prd32_card *card);

#endif /* PRD32_H */
