// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register access: identify the card, then setup, start, stop and status of a channel.
 *
 * Ordering: ioread32() and iowrite32() are the fully ordered accessors. A write is ordered after
 * earlier stores to coherent memory, so the table is visible to the card before START is; a read
 * is ordered before later loads, so once the status says that a transfer ended, what the card
 * wrote to memory before it changed that status is what the processor loads. No further barrier
 * is needed, and the _relaxed accessors would not do.
 */
#include <linux/bitfield.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/sizes.h>

#include "prd32.h"

#define STOP_POLL_US	20
#define STOP_TIMEOUT_US	1000000

static u32 rd32(struct prd32_card *card, u32 reg)
{
	return ioread32(card->mmio + reg);
}

static void wr32(struct prd32_card *card, u32 reg, u32 value)
{
	iowrite32(value, card->mmio + reg);
}

static u32 cause_done(unsigned int index)
{
	return PRD32_IRQ_CAUSE_CH0 << index;
}

static u32 cause_all(unsigned int index)
{
	return cause_done(index) | PRD32_IRQ_CAUSE_ERR0 << index;
}

/* Two different patterns: a stuck line or a read that returns the last write must not pass. */
static int prd32_hw_self_test(struct prd32_card *card)
{
	static const u32 patterns[] = { 0x5aa50ff0, 0xa55af00f };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		wr32(card, PRD32_SCRATCH, patterns[i]);
		if (rd32(card, PRD32_ID) != PRD32_ID_MAGIC_EXPECTED ||
		    rd32(card, PRD32_SCRATCH) != patterns[i])
			return -EIO;
	}
	wr32(card, PRD32_SCRATCH, 0);
	return 0;
}

/**
 * prd32_hw_identify() - see that this is a card that the driver knows, and what it can do
 * @card: mem_size, granule and max_prds are filled in
 *
 * Return: 0; -ENODEV for another card or another version; -EIO when registers do not hold what
 * was written.
 */
int prd32_hw_identify(struct prd32_card *card)
{
	struct device *dev = card->dma_dev;
	u32 id = rd32(card, PRD32_ID);
	u32 version = rd32(card, PRD32_VERSION);
	u32 caps = rd32(card, PRD32_CAPS);
	u32 granule = 1u << FIELD_GET(PRD32_CAPS_GRANULE_LOG2, caps);
	int err;

	if (id != PRD32_ID_MAGIC_EXPECTED)
		return dev_err_probe(dev, -ENODEV, "identification is %#x, not %#x\n", id,
				     PRD32_ID_MAGIC_EXPECTED);
	if (FIELD_GET(PRD32_VERSION_MAJOR, version) != PRD32_VERSION_MAJOR_EXPECTED)
		return dev_err_probe(dev, -ENODEV, "register interface %u.%u, but %u is needed\n",
				     (u32)FIELD_GET(PRD32_VERSION_MAJOR, version),
				     (u32)FIELD_GET(PRD32_VERSION_MINOR, version),
				     PRD32_VERSION_MAJOR_EXPECTED);
	if (FIELD_GET(PRD32_CAPS_CHANNELS, caps) < PRD32_CHANNELS_USED)
		return dev_err_probe(dev, -ENODEV, "no DMA channel (capabilities %#x)\n", caps);
	/* Pages and bounce buffers keep no alignment beyond that of the smallest page. */
	if (granule > SZ_4K)
		return dev_err_probe(dev, -ENODEV, "units of %u bytes are too large\n", granule);
	err = prd32_hw_self_test(card);
	if (err)
		return dev_err_probe(dev, err, "SCRATCH does not keep what is written\n");

	card->mem_size = rd32(card, PRD32_MEM_SIZE);
	card->granule = granule;
	card->max_prds = min_t(u32, BIT(FIELD_GET(PRD32_CAPS_ENTRIES_LOG2, caps)),
			       PRD32_LIMIT_PRDT_MAX_ENTRIES);
	return 0;
}

/**
 * prd32_hw_enable_irq() - let the channels in use interrupt when a transfer ends
 * @card: the card
 *
 * The end of a transfer is reported in success and in error alike, so the ERRn causes, which
 * would only repeat it, stay off.
 */
void prd32_hw_enable_irq(struct prd32_card *card)
{
	u32 enable = 0;
	unsigned int i;

	for (i = 0; i < PRD32_CHANNELS_USED; i++)
		enable |= cause_done(i);
	wr32(card, PRD32_IRQ_ENABLE, enable);
}

/**
 * prd32_hw_quiet() - no interrupts, no transfers, nothing pending
 * @card: the card
 *
 * On the channels that the driver does not use, too: whoever had the card before may have left one
 * running, and it would go on as soon as the card is bus master.
 *
 * Return: 0, or -ETIMEDOUT when a channel did not stop.
 */
int prd32_hw_quiet(struct prd32_card *card)
{
	int err = 0;
	unsigned int i;

	wr32(card, PRD32_IRQ_ENABLE, 0);
	for (i = 0; i < ARRAY_SIZE(card->ch); i++) {
		int stop_err = prd32_hw_stop(&card->ch[i]);

		if (!err)
			err = stop_err;
		wr32(card, PRD32_IRQ_CAUSE, cause_all(i));
	}
	return err;
}

/**
 * prd32_hw_setup() - tell an idle channel what to do
 * @ch: the channel; its table is complete
 * @to_host: the card writes host memory (a read() of the card), else it reads it
 * @card_addr: offset into card memory in bytes
 * @length: what the table describes, in bytes; the card checks that it does
 */
void prd32_hw_setup(struct prd32_channel *ch, bool to_host, u32 card_addr, u32 length)
{
	struct prd32_card *card = ch->card;

	wr32(card, PRD32_BM_PRDT(ch->index), lower_32_bits(ch->prdt.dma));
	wr32(card, PRD32_CARD_ADDR(ch->index), card_addr);
	wr32(card, PRD32_LENGTH(ch->index), length);
	/* What an earlier transfer left pending must not look like the end of this one. */
	wr32(card, PRD32_IRQ_CAUSE, cause_all(ch->index));
	iowrite8(to_host ? PRD32_BM_COMMAND_TO_HOST : 0,
		 card->mmio + PRD32_BM_COMMAND(ch->index));
}

/**
 * prd32_hw_start() - let the channel run
 * @ch: a channel that was set up
 * @to_host: as given to prd32_hw_setup(); START must not change the direction
 */
void prd32_hw_start(struct prd32_channel *ch, bool to_host)
{
	u8 command = PRD32_BM_COMMAND_START | (to_host ? PRD32_BM_COMMAND_TO_HOST : 0);

	/* Ordered after the stores to the table; see the top of this file. */
	iowrite8(command, ch->card->mmio + PRD32_BM_COMMAND(ch->index));
}

/**
 * prd32_hw_status() - what the channel is doing
 * @ch: the channel
 *
 * Return: PRD32_BM_STATUS_*, or -ENODEV when the card does not answer: it has left, and its
 * registers read as all ones, which a status with its reserved bits cannot be.
 */
int prd32_hw_status(struct prd32_channel *ch)
{
	u8 status = ioread8(ch->card->mmio + PRD32_BM_STATUS(ch->index));

	return status == 0xff ? -ENODEV : status;
}

/**
 * prd32_hw_stop() - stop a channel and see it stopped
 * @ch: the channel, running or not
 *
 * Only when this returned 0 may memory that the card was given be unmapped. May sleep.
 *
 * Return: 0 when the channel is idle, or gone together with its card; -ETIMEDOUT when it is still
 * active after a second.
 */
int prd32_hw_stop(struct prd32_channel *ch)
{
	int status;

	iowrite8(0, ch->card->mmio + PRD32_BM_COMMAND(ch->index));
	/* The write is posted; the read that follows pushes it to the card. */
	return read_poll_timeout(prd32_hw_status, status,
				 status < 0 || !(status & PRD32_BM_STATUS_ACTIVE),
				 STOP_POLL_US, STOP_TIMEOUT_US, false, ch);
}

/**
 * prd32_hw_report() - how the last transfer ended
 * @ch: a channel that is idle
 * @report: filled in
 */
void prd32_hw_report(struct prd32_channel *ch, struct prd32_report *report)
{
	struct prd32_card *card = ch->card;

	report->code = rd32(card, PRD32_ERROR(ch->index));
	report->moved = rd32(card, PRD32_MOVED(ch->index));
	report->index = 0;
	report->address = 0;
	if (report->code == PRD32_ERR_NONE)
		return;
	report->index = rd32(card, PRD32_ERROR_INDEX(ch->index));
	report->address = rd32(card, PRD32_ERROR_ADDR(ch->index));
}

/**
 * prd32_hw_ack_irq() - in the interrupt handler: was it this channel? Then take it back.
 * @ch: the channel
 *
 * The cause is cleared before anybody is woken, so that an interrupt of the next transfer cannot
 * be lost to this clearing.
 *
 * Return: true when the channel had an interrupt pending.
 */
bool prd32_hw_ack_irq(struct prd32_channel *ch)
{
	struct prd32_card *card = ch->card;
	u32 cause = rd32(card, PRD32_IRQ_CAUSE);

	/* All ones: the card left while the line, which may be shared, was raised by another. */
	if (cause == U32_MAX || !(cause & cause_done(ch->index)))
		return false;
	wr32(card, PRD32_IRQ_CAUSE, cause & cause_all(ch->index));
	/*
	 * A level-triggered line must have fallen before the handler returns, or it interrupts
	 * again: read back, which pushes the write to the card. Messages need no such thing.
	 */
	if (card->flush_irq)
		rd32(card, PRD32_IRQ_CAUSE);
	return true;
}
