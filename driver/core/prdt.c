// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a descriptor table: contiguous, below 4 GiB, and 64 KiB aligned on the bus.
 */
#include <linux/align.h>
#include <linux/dma-mapping.h>
#include <linux/errno.h>

#include "prdt.h"
#include "prd32_regs.h"

#define PRDT_BYTES (PRD32_LIMIT_PRDT_MAX_ENTRIES * sizeof(struct prd32_prd))

static bool prd32_prdt_try(struct device *dev, struct prd32_prdt *prdt, size_t size)
{
	prdt->raw_size = size;
	prdt->raw = dma_alloc_coherent(dev, size, &prdt->raw_dma, GFP_KERNEL);
	if (!prdt->raw)
		return false;
	prdt->dma = ALIGN(prdt->raw_dma, PRD32_LIMIT_PRDT_ALIGN);
	/*
	 * The distance is taken on the bus: the processor's address is only page aligned when the
	 * memory comes through an IOMMU or is remapped.
	 */
	prdt->entries = prdt->raw + (prdt->dma - prdt->raw_dma);
	return true;
}

/**
 * prd32_prdt_alloc() - allocate a table of PRD32_LIMIT_PRDT_MAX_ENTRIES descriptors
 * @dev: the device that reads it
 * @prdt: filled in
 *
 * dma_alloc_coherent() promises the alignment of the size's page order, so 64 KiB are asked for.
 * A reserved memory pool aligns relative to its own start and breaks that promise; then enough
 * is asked for to find an aligned table within.
 *
 * Return: 0 or -ENOMEM.
 */
int prd32_prdt_alloc(struct device *dev, struct prd32_prdt *prdt)
{
	if (!prd32_prdt_try(dev, prdt, PRD32_LIMIT_PRDT_ALIGN))
		return -ENOMEM;
	if (prdt->dma == prdt->raw_dma)
		return 0;
	prd32_prdt_free(dev, prdt);
	if (!prd32_prdt_try(dev, prdt, PRD32_LIMIT_PRDT_ALIGN + PRDT_BYTES))
		return -ENOMEM;
	return 0;
}

/**
 * prd32_prdt_free() - give a table back
 * @dev: the device that it was allocated for
 * @prdt: the table; the card must not be reading it
 */
void prd32_prdt_free(struct device *dev, struct prd32_prdt *prdt)
{
	dma_free_coherent(dev, prdt->raw_size, prdt->raw, prdt->raw_dma);
	prdt->raw = NULL;
	prdt->entries = NULL;
}
