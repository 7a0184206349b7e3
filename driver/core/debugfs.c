// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/prd32/<PCI address>: what the card's registers hold, what its channels did.
 */
#include <linux/debugfs.h>
#include <linux/pci.h>
#include <linux/seq_file.h>

#include "core.h"

static struct dentry *prd32_debugfs_root;

#define REG(name) { #name, PRD32_ ## name }

static const struct {
	const char *name;
	u32 offset;
} prd32_registers[] = {
	REG(ID), REG(VERSION), REG(CAPS), REG(MEM_SIZE), REG(IRQ_CAUSE), REG(IRQ_ENABLE),
	REG(SCRATCH),
};

#define CHANNEL_REG(name, width) { #name, { PRD32_ ## name(0), PRD32_ ## name(1) }, width }

static const struct {
	const char *name;
	u32 offset[PRD32_LIMIT_CHANNELS];
	unsigned int width;
} prd32_channel_registers[] = {
	CHANNEL_REG(BM_COMMAND, 1), CHANNEL_REG(BM_STATUS, 1), CHANNEL_REG(BM_PRDT, 4),
	CHANNEL_REG(CARD_ADDR, 4), CHANNEL_REG(LENGTH, 4), CHANNEL_REG(RESIDUAL, 4),
	CHANNEL_REG(MOVED, 4), CHANNEL_REG(PRDS, 4), CHANNEL_REG(ERROR, 4),
	CHANNEL_REG(ERROR_INDEX, 4), CHANNEL_REG(ERROR_ADDR, 4), CHANNEL_REG(CONTROL, 4),
	CHANNEL_REG(WRITEBACK_ADDR, 4), CHANNEL_REG(SEQUENCE, 4), CHANNEL_REG(PERIODS, 4),
	CHANNEL_REG(BREACH, 4), CHANNEL_REG(BREACH_INDEX, 4), CHANNEL_REG(BREACH_ADDR, 4),
	CHANNEL_REG(QUEUE_BASE, 4), CHANNEL_REG(QUEUE_SIZE, 4), CHANNEL_REG(QUEUE_TAIL, 4),
	CHANNEL_REG(QUEUE_HEAD, 4), CHANNEL_REG(QUEUE_COALESCE, 4), CHANNEL_REG(QUEUE_STATE, 4),
};

static void prd32_channel_registers_show(struct seq_file *file, struct prd32_channel *ch)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(prd32_channel_registers); i++) {
		unsigned int width = prd32_channel_registers[i].width;
		u32 offset = prd32_channel_registers[i].offset[ch->index];

		seq_printf(file, "ch%u.%s %#0*x\n", ch->index, prd32_channel_registers[i].name,
			   2 + 2 * width, prd32_hw_peek(ch->card, offset, width));
	}
}

static int prd32_registers_show(struct seq_file *file, void *unused)
{
	struct prd32_card *card = dev_get_drvdata(file->private);
	struct prd32_channel *ch;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(prd32_registers); i++)
		seq_printf(file, "%s %#010x\n", prd32_registers[i].name,
			   prd32_hw_peek(card, prd32_registers[i].offset, 4));
	prd32_for_each_channel(ch, card)
		prd32_channel_registers_show(file, ch);
	return 0;
}

static void prd32_channel_show(struct seq_file *file, struct prd32_channel *ch)
{
	struct prd32_stats stats;
	unsigned int depth, frozen;
	bool recovering, broken;
	int refuse;

	spin_lock_irq(&ch->lock);
	stats = ch->stats;
	depth = ch->depth;
	frozen = ch->frozen;
	recovering = ch->recovering;
	broken = ch->broken;
	refuse = ch->refuse;
	spin_unlock_irq(&ch->lock);

	seq_printf(file, "channel %u: %s\n", ch->index,
		   broken ? "broken" : refuse ? "refuses requests" : recovering ? "recovering" :
		   frozen ? "frozen" : depth ? "busy" : "idle");
	seq_printf(file, "  depth %u\n  requests %llu\n  failed %llu\n", depth, stats.requests,
		   stats.failed);
	seq_printf(file, "  bytes_to_host %llu\n  bytes_from_host %llu\n", stats.bytes_to_host,
		   stats.bytes_from_host);
	seq_printf(file, "  tables %llu\n  prds %llu\n", stats.tables, stats.prds);
	seq_printf(file, "  interrupts %llu\n  polls %llu\n  lost %llu\n", stats.interrupts,
		   stats.polls, stats.lost);
	seq_printf(file, "  deferred %llu\n  found %llu\n", stats.deferred, stats.found);
	seq_printf(file, "  timeouts %llu\n  stops %llu\n", stats.timeouts, stats.stops);
	seq_printf(file, "  channel_resets %llu\n  function_resets %llu\n", stats.channel_resets,
		   stats.function_resets);
}

static int prd32_channels_show(struct seq_file *file, void *unused)
{
	struct prd32_card *card = dev_get_drvdata(file->private);
	struct prd32_channel *ch;

	seq_printf(file, "patience_ns %u\n", READ_ONCE(card->patience));
	prd32_for_each_channel(ch, card)
		prd32_channel_show(file, ch);
	return 0;
}

/**
 * prd32_debugfs_add() - show a card
 * @card: the card, ready
 */
void prd32_debugfs_add(struct prd32_card *card)
{
	struct device *dev = card->dma_dev;

	card->debugfs = debugfs_create_dir(dev_name(dev), prd32_debugfs_root);
	debugfs_create_devm_seqfile(dev, "registers", card->debugfs, prd32_registers_show);
	debugfs_create_devm_seqfile(dev, "channels", card->debugfs, prd32_channels_show);
}

/**
 * prd32_debugfs_remove() - hide it again; nobody looks any more when this returns
 * @card: the card
 */
void prd32_debugfs_remove(struct prd32_card *card)
{
	debugfs_remove_recursive(card->debugfs);
}

/**
 * prd32_debugfs_dir() - where a front end may show more
 * @card: the card
 *
 * Return: the card's directory; valid while the front end is bound.
 */
struct dentry *prd32_debugfs_dir(struct prd32_card *card)
{
	return card->debugfs;
}

/**
 * prd32_debugfs_init() - once, before any card
 */
void prd32_debugfs_init(void)
{
	prd32_debugfs_root = debugfs_create_dir(PRD32_NAME, NULL);
}

/**
 * prd32_debugfs_exit() - once, after the last card
 */
void prd32_debugfs_exit(void)
{
	debugfs_remove_recursive(prd32_debugfs_root);
}
