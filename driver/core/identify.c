// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is this a card that the driver knows, what can it do, and is it the same one after a reset.
 */
#include <linux/bitfield.h>
#include <linux/sizes.h>

#include "core.h"
#include "hw.h"

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

/* After a reset or a sleep: memory and tables were laid out for the card that there was. */
static int prd32_hw_same_card(struct prd32_card *card, u32 caps)
{
	u32 mem_size = rd32(card, PRD32_MEM_SIZE);

	if (caps == card->caps && mem_size == card->info.mem_size)
		return 0;
	return dev_err_probe(card->dma_dev, -ENODEV,
			     "another card than before: capabilities %#x, memory %#x\n", caps,
			     mem_size);
}

static void prd32_hw_read_info(struct prd32_card *card, u32 caps)
{
	struct prd32_info *info = &card->info;

	card->caps = caps;
	info->mem_size = rd32(card, PRD32_MEM_SIZE);
	info->granule = 1u << FIELD_GET(PRD32_CAPS_GRANULE_LOG2, caps);
	info->max_prds = min_t(u32, BIT(FIELD_GET(PRD32_CAPS_ENTRIES_LOG2, caps)),
			       PRD32_LIMIT_PRDT_MAX_ENTRIES);
	info->channels = min_t(u32, FIELD_GET(PRD32_CAPS_CHANNELS, caps), PRD32_LIMIT_CHANNELS);
	info->cyclic = FIELD_GET(PRD32_CAPS_CYCLIC, caps);
	info->writeback = FIELD_GET(PRD32_CAPS_WRITEBACK, caps);
	info->endpoints = FIELD_GET(PRD32_CAPS_ENDPOINTS, caps);
	info->queue = FIELD_GET(PRD32_CAPS_QUEUE, caps);
}

/**
 * prd32_hw_identify() - see that this is a card that the driver knows, and what it can do
 * @card: its info is filled in the first time
 *
 * Return: 0; -ENODEV for another card, another one than the first time, or another version; -EIO
 * when registers do not hold what was written.
 */
int prd32_hw_identify(struct prd32_card *card)
{
	struct device *dev = card->dma_dev;
	u32 id = rd32(card, PRD32_ID);
	u32 version = rd32(card, PRD32_VERSION);
	u32 caps = rd32(card, PRD32_CAPS);
	int err;

	if (id != PRD32_ID_MAGIC_EXPECTED)
		return dev_err_probe(dev, -ENODEV, "identification is %#x, not %#x\n", id,
				     PRD32_ID_MAGIC_EXPECTED);
	if (FIELD_GET(PRD32_VERSION_MAJOR, version) != PRD32_VERSION_MAJOR_EXPECTED)
		return dev_err_probe(dev, -ENODEV, "register interface %u.%u, but %u is needed\n",
				     (u32)FIELD_GET(PRD32_VERSION_MAJOR, version),
				     (u32)FIELD_GET(PRD32_VERSION_MINOR, version),
				     PRD32_VERSION_MAJOR_EXPECTED);
	if (!FIELD_GET(PRD32_CAPS_CHANNELS, caps))
		return dev_err_probe(dev, -ENODEV, "no DMA channel (capabilities %#x)\n", caps);
	/* Pages and bounce buffers keep no alignment beyond that of the smallest page. */
	if (1u << FIELD_GET(PRD32_CAPS_GRANULE_LOG2, caps) > SZ_4K)
		return dev_err_probe(dev, -ENODEV, "units of %u bytes are too large\n",
				     1u << FIELD_GET(PRD32_CAPS_GRANULE_LOG2, caps));
	err = prd32_hw_self_test(card);
	if (err)
		return dev_err_probe(dev, err, "SCRATCH does not keep what is written\n");
	if (card->caps)
		return prd32_hw_same_card(card, caps);
	prd32_hw_read_info(card, caps);
	return 0;
}
