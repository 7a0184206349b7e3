// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register access: interrupts, then start, stop and status of a channel.
 *
 * Ordering: ioread32() and iowrite32() are the fully ordered accessors. A write is ordered after
 * earlier stores to coherent memory, so the table is visible to the card before START is; a read
 * is ordered before later loads, so once a register says that a transfer ended, what the card
 * wrote to memory before it changed that register is what the processor loads. The status block
 * in memory is another matter: nothing but dma_rmb() orders its sequence number before the rest,
 * and before the data. The _relaxed accessors would not do.
 *
 * Each read of a register waits for the card, each write does not. On the path of a transfer that
 * goes well there are at most four writes and, with status writeback and message interrupts, no
 * read. With the command queue (commands.c) it is one write for one transfer or several.
 */
#include <linux/bitfield.h>
#include <linux/io.h>
#include <linux/iopoll.h>

#include "core.h"
#include "hw.h"

#define STOP_POLL_US	20
#define STOP_TIMEOUT_US	1000000

static u32 cause_done(unsigned int index)
{
	return PRD32_IRQ_CAUSE_CH0 << index;
}

static u32 cause_all(unsigned int index)
{
	return cause_done(index) | PRD32_IRQ_CAUSE_ERR0 << index;
}

/**
 * prd32_hw_enable_irqs() - let the channels interrupt when a transfer ends
 * @card: the card
 *
 * The end of a transfer is reported in success and in error alike, so the ERRn causes, which
 * would only repeat it, stay off.
 */
void prd32_hw_enable_irqs(struct prd32_card *card)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&card->irq_lock, flags);
	card->irq_enable = 0;
	for (i = 0; i < card->info.channels; i++)
		card->irq_enable |= cause_done(i);
	wr32(card, PRD32_IRQ_ENABLE, card->irq_enable);
	spin_unlock_irqrestore(&card->irq_lock, flags);
}

/**
 * prd32_hw_set_irq() - whether a channel interrupts
 * @ch: the channel
 * @on: false for requests that somebody polls for
 */
void prd32_hw_set_irq(struct prd32_channel *ch, bool on)
{
	struct prd32_card *card = ch->card;
	u32 mask = cause_done(ch->index);
	unsigned long flags;

	spin_lock_irqsave(&card->irq_lock, flags);
	if (!(card->irq_enable & mask) == on) {
		card->irq_enable ^= mask;
		/* What was polled for left its cause behind. */
		if (on)
			wr32(card, PRD32_IRQ_CAUSE, cause_all(ch->index));
		wr32(card, PRD32_IRQ_ENABLE, card->irq_enable);
	}
	spin_unlock_irqrestore(&card->irq_lock, flags);
}

/**
 * prd32_hw_rearm() - have a message sent for each cause that is still pending
 * @card: the card
 *
 * The message is sent when the line rises. When channels share one and one's cause comes before the
 * other's is cleared, or a cause is set in the moment in which it is cleared, the line never falls,
 * so it is made to: nothing that is pending can be forgotten then.
 */
void prd32_hw_rearm(struct prd32_card *card)
{
	unsigned long flags;

	spin_lock_irqsave(&card->irq_lock, flags);
	wr32(card, PRD32_IRQ_ENABLE, 0);
	wr32(card, PRD32_IRQ_ENABLE, card->irq_enable);
	spin_unlock_irqrestore(&card->irq_lock, flags);
}

/**
 * prd32_hw_forget() - what was programmed is not in the card any more
 * @ch: a channel that was reset
 */
void prd32_hw_forget(struct prd32_channel *ch)
{
	ch->programmed = false;
	ch->sequence = 0;
	if (ch->status)
		memset(ch->status, 0, sizeof(*ch->status));
	if (ch->commands)
		prd32_commands_forget(ch);
}

/**
 * prd32_hw_quiet() - no interrupts, no transfers, nothing pending
 * @card: the card
 *
 * Whoever had the card before may have left a channel running, and it would go on as soon as the
 * card is bus master.
 *
 * Return: 0; -ETIMEDOUT when a channel did not stop; -ENODEV when the card does not answer.
 */
int prd32_hw_quiet(struct prd32_card *card)
{
	struct prd32_channel *ch;
	int err = 0;

	wr32(card, PRD32_IRQ_ENABLE, 0);
	prd32_for_each_channel(ch, card) {
		int stop_err = prd32_hw_stop(ch);

		if (!stop_err)
			stop_err = prd32_hw_reset_channel(ch);
		/* Of two failures the worse one. */
		if (stop_err && err != -ETIMEDOUT)
			err = stop_err;
	}
	return err;
}

/* What stays the same from transfer to transfer is written only when it is not there. */
static void prd32_hw_program(struct prd32_channel *ch, const struct prd32_request *req,
			     u32 card_addr, u32 length)
{
	struct prd32_card *card = ch->card;
	u32 control = FIELD_PREP(PRD32_CONTROL_ENDPOINT, req->endpoint);

	if (ch->status)
		control |= PRD32_CONTROL_WRITEBACK;
	if (req->period)
		control |= PRD32_CONTROL_CYCLIC;
	if (!ch->programmed) {
		wr32(card, PRD32_BM_PRDT(ch->index), lower_32_bits(ch->slot->prdt.dma));
		if (ch->status)
			wr32(card, PRD32_WRITEBACK_ADDR(ch->index), lower_32_bits(ch->status_dma));
	}
	if (!ch->programmed || control != ch->control)
		wr32(card, PRD32_CONTROL(ch->index), control);
	if (!ch->programmed || card_addr != ch->card_addr)
		wr32(card, PRD32_CARD_ADDR(ch->index), card_addr);
	if (!ch->programmed || length != ch->length)
		wr32(card, PRD32_LENGTH(ch->index), length);
	ch->control = control;
	ch->card_addr = card_addr;
	ch->length = length;
	ch->programmed = true;
	if (req->endpoint == PRD32_ENDPOINT_PATTERN) {
		wr32(card, PRD32_PATTERN(ch->index), req->pattern);
		wr32(card, PRD32_PATTERN_SEED(ch->index), req->pattern_seed);
		wr32(card, PRD32_PATTERN_RATE(ch->index), req->pattern_rate);
		wr32(card, PRD32_PATTERN_FIFO(ch->index), req->pattern_fifo);
	}
}

/**
 * prd32_hw_start() - let an idle channel run
 * @ch: the channel; its table is complete
 * @req: whose table it is
 * @card_addr: offset into card memory in bytes
 * @length: what the table describes, in bytes; the card checks that it does
 */
void prd32_hw_start(struct prd32_channel *ch, const struct prd32_request *req, u32 card_addr,
		    u32 length)
{
	struct prd32_card *card = ch->card;
	u8 command = PRD32_BM_COMMAND_START | (req->to_host ? PRD32_BM_COMMAND_TO_HOST : 0);

	prd32_hw_program(ch, req, card_addr, length);
	/* What is in memory by now is not the end of this one. */
	if (ch->status)
		ch->sequence = le32_to_cpu(READ_ONCE(ch->status->sequence));
	/* Ordered after the stores to the table; see the top of this file. */
	iowrite8(command, card->mmio + PRD32_BM_COMMAND(ch->index));
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

/* All ones are no word of the engine's: it is not known to be idle. */
static int prd32_hw_wait_idle(struct prd32_channel *ch)
{
	int status, err;

	err = read_poll_timeout(prd32_hw_status, status,
				status < 0 || !(status & PRD32_BM_STATUS_ACTIVE),
				STOP_POLL_US, STOP_TIMEOUT_US, false, ch);
	return status < 0 ? status : err;
}

/* The status block that was not seen yet, if there is one. */
static bool prd32_hw_new_status(struct prd32_channel *ch, struct prd32_status *block)
{
	u32 sequence = le32_to_cpu(READ_ONCE(ch->status->sequence));

	if (sequence == ch->sequence)
		return false;
	/* A cyclic table that ends in error right after a period has two. They are not mixed. */
	do {
		ch->sequence = sequence;
		/* The rest of the block, and the data, only after the sequence number. */
		dma_rmb();
		*block = *ch->status;
		dma_rmb();
		sequence = le32_to_cpu(READ_ONCE(ch->status->sequence));
	} while (sequence != ch->sequence);
	return true;
}

/**
 * prd32_hw_has_news() - a glance, without the channel's lock: is it worth asking prd32_hw_ended()
 * @ch: a channel that was started
 *
 * Return: false when the card, which would have written to memory, has not. Nothing is ordered.
 */
bool prd32_hw_has_news(const struct prd32_channel *ch)
{
	if (READ_ONCE(ch->in_queue))
		return prd32_command_has_news(ch);
	return !ch->status ||
	       le32_to_cpu(READ_ONCE(ch->status->sequence)) != READ_ONCE(ch->sequence);
}

/**
 * prd32_hw_stop() - stop a channel and see it stopped
 * @ch: the channel, running or not
 *
 * Only when this, or a reset, returned 0 may memory that the card was given be unmapped while the
 * card is bus master. Sleeps.
 *
 * Return: 0 when the channel was seen idle; -ETIMEDOUT when it is still active after a second;
 * -ENODEV when the card does not answer.
 */
int prd32_hw_stop(struct prd32_channel *ch)
{
	iowrite8(0, ch->card->mmio + PRD32_BM_COMMAND(ch->index));
	/* The write is posted; the read that follows pushes it to the card. */
	return prd32_hw_wait_idle(ch);
}

/**
 * prd32_hw_reset_channel() - give a channel its reset state
 * @ch: the channel, running or not
 *
 * Return: as prd32_hw_stop().
 */
int prd32_hw_reset_channel(struct prd32_channel *ch)
{
	int err;

	wr32(ch->card, PRD32_CONTROL(ch->index), PRD32_CONTROL_RESET);
	err = prd32_hw_wait_idle(ch);
	if (!err)
		prd32_hw_forget(ch);
	return err;
}

/* Where the error was: the status block does not tell. */
static void prd32_hw_locate_error(struct prd32_channel *ch, struct prd32_report *report)
{
	if (report->code == PRD32_ERR_NONE)
		return;
	report->index = rd32(ch->card, PRD32_ERROR_INDEX(ch->index));
	report->address = rd32(ch->card, PRD32_ERROR_ADDR(ch->index));
}

/**
 * prd32_hw_report() - how the last transfer ended
 * @ch: a channel that is idle
 * @report: filled in
 */
void prd32_hw_report(struct prd32_channel *ch, struct prd32_report *report)
{
	*report = (struct prd32_report){
		.code = rd32(ch->card, PRD32_ERROR(ch->index)),
		.moved = rd32(ch->card, PRD32_MOVED(ch->index)),
	};
	/* More than any table: the card has left since it was seen idle, after who knows what. */
	if (report->moved == U32_MAX)
		report->moved = 0;
	prd32_hw_locate_error(ch, report);
}

/**
 * prd32_hw_ended() - has the oldest table ended, and how
 * @ch: a channel that was started
 * @report: filled in when it has
 * @ask: ask the card even if it writes its status to memory: the block may have been lost
 *
 * Return: 1 when it ended, 0 when it did not; -ENODEV when the card has left, -EIO when the engine
 * stopped without ending that table.
 */
int prd32_hw_ended(struct prd32_channel *ch, struct prd32_report *report, bool ask)
{
	struct prd32_status block;
	int status;

	if (ch->in_queue)
		return prd32_command_ended(ch, report, ask);
	if (ch->status && !ask) {
		if (!prd32_hw_new_status(ch, &block) ||
		    le32_to_cpu(block.bm_status) & PRD32_BM_STATUS_ACTIVE)
			return 0;
		*report = (struct prd32_report){
			.code = le32_to_cpu(block.error),
			.moved = ch->slot->table.bytes - le32_to_cpu(block.residual),
		};
		prd32_hw_locate_error(ch, report);
		return 1;
	}
	status = prd32_hw_status(ch);
	if (status < 0)
		return status;
	if (status & PRD32_BM_STATUS_ACTIVE)
		return 0;
	prd32_hw_report(ch, report);
	return 1;
}

/**
 * prd32_hw_periods() - how many periods of a cyclic table are done
 * @ch: the channel
 *
 * Return: the count since its start; wraps.
 */
u32 prd32_hw_periods(struct prd32_channel *ch)
{
	return rd32(ch->card, PRD32_PERIODS(ch->index));
}

/**
 * prd32_hw_residual() - what is left of the table, or of the lap of a cyclic one
 * @ch: a channel that was started
 *
 * Return: bytes of descriptors that are not done.
 */
u32 prd32_hw_residual(struct prd32_channel *ch)
{
	u64 bytes = prd32_slot(ch, 0)->table.bytes;

	if (ch->in_queue)
		return bytes - min_t(u64, prd32_command_moved(ch), bytes);
	/* A card that has left answers all ones. */
	return min_t(u64, rd32(ch->card, PRD32_RESIDUAL(ch->index)), bytes);
}

/**
 * prd32_hw_crc() - what endpoint CHECKSUM made of the last transfer
 * @ch: the channel
 *
 * Return: the CRC-32C.
 */
u32 prd32_hw_crc(struct prd32_channel *ch)
{
	return rd32(ch->card, PRD32_CRC(ch->index));
}

/**
 * prd32_hw_irq_pending() - is it this channel that interrupts
 * @ch: the channel
 *
 * Return: true if so. All ones mean that the card left while the line, which may be shared, was
 * raised by another.
 */
bool prd32_hw_irq_pending(struct prd32_channel *ch)
{
	u32 cause = rd32(ch->card, PRD32_IRQ_CAUSE);

	return cause != U32_MAX && cause & cause_done(ch->index);
}

/**
 * prd32_hw_ack_irq() - take a channel's interrupt back
 * @ch: the channel
 * @flush: see it taken back. A line must have fallen before the handler returns, or it interrupts
 *	   again; a running cyclic table may raise it anew at any time
 *
 * Before the end is looked at, so that an interrupt of the next transfer cannot be lost.
 *
 * Return: true when @flush saw the cause set again.
 */
bool prd32_hw_ack_irq(struct prd32_channel *ch, bool flush)
{
	wr32(ch->card, PRD32_IRQ_CAUSE, cause_all(ch->index));
	return flush && prd32_hw_irq_pending(ch);
}

/**
 * prd32_hw_peek() - what a register holds, for people
 * @card: the card
 * @offset: of the register
 * @width: its width in bytes, 1 or 4
 *
 * Reading has no side effects on this card.
 *
 * Return: its contents.
 */
u32 prd32_hw_peek(struct prd32_card *card, u32 offset, unsigned int width)
{
	return width == 1 ? ioread8(card->mmio + offset) : rd32(card, offset);
}
