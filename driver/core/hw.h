/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to the registers, for the two files that do so: hw.c, which says how it is ordered, and
 * commands.c.
 */
#ifndef PRD32_HW_H
#define PRD32_HW_H

#include <linux/io.h>

#include "core.h"

static inline u32 rd32(struct prd32_card *card, u32 reg)
{
	return ioread32(card->mmio + reg);
}

static inline void wr32(struct prd32_card *card, u32 reg, u32 value)
{
	iowrite32(value, card->mmio + reg);
}

#endif /* PRD32_HW_H */
