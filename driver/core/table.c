// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request's memory, as far as a descriptor table goes.
 */
#include "core.h"

/* Describe what comes next of a request, as far as a table goes, up to @most bytes. */
static int prd32_fill(struct prd32_table *table, struct prd32_request *req, u64 most)
{
	while (most) {
		u64 rest;
		s64 added;

		if (!req->at.sg)
			return -EINVAL;
		rest = min_t(u64, sg_dma_len(req->at.sg) - req->at.skip, most);
		added = prd32_table_add(table, sg_dma_address(req->at.sg) + req->at.skip, rest);
		if (added < 0)
			return -EIO;
		req->at.skip += added;
		req->at.left -= added;
		most -= added;
		if (req->at.skip == sg_dma_len(req->at.sg)) {
			req->at.sg = sg_next(req->at.sg);
			req->at.skip = 0;
		}
		if (added < rest)
			break;
	}
	return 0;
}

/* A table that is one lap of a cyclic request: the last descriptor of each period is marked. */
static int prd32_fill_lap(struct prd32_table *table, struct prd32_request *req)
{
	while (req->at.left) {
		u64 before = req->at.left;
		int err = prd32_fill(table, req, req->period);

		if (err)
			return err;
		if (before - req->at.left != req->period)
			return -E2BIG;
		prd32_table_mark(table);
	}
	return 0;
}

/**
 * prd32_fill_table() - describe what comes next of a request
 * @ch: the channel
 * @slot: the table, which no engine has
 * @req: the request; its @at goes on behind the table
 *
 * Return: 0, or the negative errno with which the request ends.
 */
int prd32_fill_table(struct prd32_channel *ch, struct prd32_slot *slot, struct prd32_request *req)
{
	struct prd32_table *table = &slot->table;
	int err;

	slot->req = req;
	slot->from = req->at;
	prd32_table_init(table, slot->prdt.entries, ch->card->info.max_prds);
	err = req->period ? prd32_fill_lap(table, req) : prd32_fill(table, req, req->at.left);
	if (err)
		return err;
	/* Card memory can be gone on with in the next table; what begins anew at START cannot. */
	if (req->at.left && req->endpoint != PRD32_ENDPOINT_MEMORY)
		return -E2BIG;
	prd32_table_end(table);
	req->prds = table->used;
	return table->used ? 0 : -EIO;
}
