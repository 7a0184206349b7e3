// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's command queue: tables that an engine does one after the other, without hearing from us
 * in between. Commands and their status are in memory; registers are written to ring the doorbell,
 * to take the interrupt back, and now and then to say how often to interrupt. How accesses are
 * ordered: hw.c.
 */
#include <linux/bitfield.h>
#include <linux/kernel.h>
#include <linux/log2.h>

#include "core.h"
#include "hw.h"

static struct prd32_command *prd32_command(const struct prd32_channel *ch, u32 number)
{
	return &ch->commands[number % PRD32_SLOTS];
}

/**
 * prd32_commands_setup() - have a channel use its queue
 * @ch: the channel, idle
 * @memory: coherent, with room for PRD32_SLOTS commands
 * @dma: its bus address, a multiple of a command's size
 */
void prd32_commands_setup(struct prd32_channel *ch, void *memory, dma_addr_t dma)
{
	ch->commands = memory;
	ch->commands_dma = dma;
	prd32_commands_forget(ch);
}

/**
 * prd32_commands_forget() - the card knows nothing of the queue any more
 * @ch: a channel that was reset
 *
 * Requests that are still to be taken back from it are kept.
 */
void prd32_commands_forget(struct prd32_channel *ch)
{
	ch->commands_told = false;
	ch->deferred = false;
	ch->number = 0;
	ch->coalesce = 0;
	/* No status of before may look like one of what comes. */
	memset(ch->commands, 0, PRD32_SLOTS * sizeof(*ch->commands));
}

/**
 * prd32_command_put() - put a table in the queue, behind those that are there
 * @ch: the channel, with room
 * @slot: the table, of a request for card memory
 * @card_addr: offset into card memory in bytes
 *
 * The card looks at it after prd32_commands_ring().
 */
void prd32_command_put(struct prd32_channel *ch, const struct prd32_slot *slot, u32 card_addr)
{
	u32 number = ch->number + ch->flight;
	struct prd32_command *command = prd32_command(ch, number);
	u32 flags = FIELD_PREP(PRD32_COMMAND_FLAGS_ENDPOINT, PRD32_ENDPOINT_MEMORY);

	if (slot->req->to_host)
		flags |= PRD32_COMMAND_FLAGS_TO_HOST;
	command->prdt = cpu_to_le32(lower_32_bits(slot->prdt.dma));
	command->card_addr = cpu_to_le32(card_addr);
	/* The card checks that the table describes so many. */
	command->length = cpu_to_le32(slot->table.bytes);
	command->flags = cpu_to_le32(flags);
	/* A command that was stopped when its status was on the way may have left one here. */
	WRITE_ONCE(command->number, cpu_to_le32(number));
}

/*
 * An interrupt for each half of what the engine has: the other half keeps it busy until what comes
 * next is there. The last one interrupts in any case. That goes up and down all the time, and each
 * change is a write, so less than half will do as long as it is as many.
 */
static u32 prd32_commands_an_interrupt(const struct prd32_channel *ch)
{
	u32 half = ch->flight > 1 ? rounddown_pow_of_two(ch->flight) / 2 : 1;

	return half > ch->coalesce || ch->flight < ch->coalesce ? half : ch->coalesce;
}

/**
 * prd32_commands_ring() - tell the card of all commands that were put in
 * @ch: the channel, locked
 */
void prd32_commands_ring(struct prd32_channel *ch)
{
	u32 coalesce = prd32_commands_an_interrupt(ch);

	if (!ch->commands_told) {
		wr32(ch->card, PRD32_QUEUE_BASE(ch->index), lower_32_bits(ch->commands_dma));
		wr32(ch->card, PRD32_QUEUE_SIZE(ch->index),
		     FIELD_PREP(PRD32_QUEUE_SIZE_LOG2, ilog2(PRD32_SLOTS)));
		ch->commands_told = true;
	}
	if (coalesce != ch->coalesce)
		wr32(ch->card, PRD32_QUEUE_COALESCE(ch->index), coalesce);
	ch->coalesce = coalesce;
	/* Ordered after the stores to tables and commands. */
	wr32(ch->card, PRD32_QUEUE_TAIL(ch->index), ch->number + ch->flight);
}

/**
 * prd32_commands_seen() - take the queue's interrupt back: what is done has been found
 * @ch: the channel, locked
 *
 * It may interrupt again at any time. What it has done since memory was looked at it tells anew
 * when it reads this; but not that it halted, which only registers tell.
 */
void prd32_commands_seen(struct prd32_channel *ch)
{
	wr32(ch->card, PRD32_QUEUE_SEEN(ch->index), ch->number);
	if (ch->flight)
		prd32_recovery_listen(ch);
}

/**
 * prd32_command_has_news() - a glance, without the channel's lock: has the oldest command ended
 * @ch: a channel that has some
 *
 * Return: false when it has not. Nothing is ordered.
 */
bool prd32_command_has_news(const struct prd32_channel *ch)
{
	u32 number = READ_ONCE(ch->number);

	return le32_to_cpu(READ_ONCE(prd32_command(ch, number)->number)) == number + 1;
}

/* From memory. */
static bool prd32_command_status(struct prd32_channel *ch, struct prd32_report *report)
{
	const struct prd32_command *command = prd32_command(ch, ch->number);
	u32 result;

	if (!prd32_command_has_news(ch))
		return false;
	/* The rest of the status, and the data, only after its number. */
	dma_rmb();
	result = le32_to_cpu(command->result);
	*report = (struct prd32_report){
		.code = FIELD_GET(PRD32_COMMAND_RESULT_CODE, result),
		.index = FIELD_GET(PRD32_COMMAND_RESULT_INDEX, result),
		.address = le32_to_cpu(command->detail),
		.moved = le32_to_cpu(command->moved),
	};
	WRITE_ONCE(ch->number, ch->number + 1);
	return true;
}

/* How the oldest command, which is done, ended: its status did not get to memory. */
static void prd32_command_lost(struct prd32_channel *ch, bool last, struct prd32_report *report)
{
	/* Of the last one the registers tell. */
	if (last)
		prd32_hw_report(ch, report);
	else
		*report = (struct prd32_report){
			.code = PRD32_ERR_WRITEBACK_REFUSED,
			.address = lower_32_bits(ch->commands_dma),
		};
}

/**
 * prd32_command_ended() - has the oldest command ended, and how
 * @ch: the channel, locked
 * @report: filled in when it has
 * @ask: ask the card, if memory does not tell: the status may have been lost
 *
 * Return: as prd32_hw_ended(). When it has, the next one is the oldest.
 */
int prd32_command_ended(struct prd32_channel *ch, struct prd32_report *report, bool ask)
{
	int status;
	u32 done;

	if (prd32_command_status(ch, report))
		return 1;
	if (!ask)
		return 0;
	status = prd32_hw_status(ch);
	if (status < 0)
		return status;
	done = rd32(ch->card, PRD32_QUEUE_HEAD(ch->index)) - ch->number;
	/* A card that has left answers all ones. */
	if (done > ch->flight)
		return -ENODEV;
	if (!done)
		return status & PRD32_BM_STATUS_ACTIVE ? 0 : -EIO;
	/* It was written before the register changed. */
	if (!prd32_command_status(ch, report)) {
		prd32_command_lost(ch, done == 1 && !(status & PRD32_BM_STATUS_ACTIVE), report);
		WRITE_ONCE(ch->number, ch->number + 1);
	}
	return 1;
}

/**
 * prd32_command_moved() - how much of the oldest command is done
 * @ch: the channel, locked
 *
 * Return: bytes of descriptors that are done; more than the command has when all of it is.
 */
u32 prd32_command_moved(struct prd32_channel *ch)
{
	u32 moved = rd32(ch->card, PRD32_MOVED(ch->index));

	/* Read afterwards: what was read before is that of this command if it is not done yet. */
	return rd32(ch->card, PRD32_QUEUE_HEAD(ch->index)) == ch->number ? moved : U32_MAX;
}

/**
 * prd32_commands_stopped() - the card has dropped what it had not done
 * @ch: the channel, locked and stopped; what memory tells of was dealt with
 *
 * Return: how many commands are done that memory does not tell of, at most what the engine had.
 */
unsigned int prd32_commands_stopped(struct prd32_channel *ch)
{
	u32 head = rd32(ch->card, PRD32_QUEUE_HEAD(ch->index));
	u32 lost = head - ch->number;

	/*
	 * A status that was on its way to memory is there, but its command not counted; and a card
	 * that has left answers all ones.
	 */
	WRITE_ONCE(ch->number, head);
	return lost > ch->flight ? 0 : lost;
}

/**
 * prd32_commands_halted() - is the queue itself out of order, until the channel is reset
 * @ch: the channel
 *
 * Return: true if so.
 */
bool prd32_commands_halted(struct prd32_channel *ch)
{
	u32 state = rd32(ch->card, PRD32_QUEUE_STATE(ch->index));

	return state & PRD32_QUEUE_STATE_HALTED;
}
