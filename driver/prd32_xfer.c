// SPDX-License-Identifier: GPL-2.0-only
/*
 * One transfer: pin, map, describe, run, wait, unmap, unpin. The rule that everything here obeys:
 * memory is unmapped only when the engine was seen idle.
 */
#include <linux/align.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "prd32.h"
#include "prd32_compat.h"

/**
 * struct prd32_buf - a piece of the caller's memory on its way to the card
 * @pages: its pages
 * @max_pages: room in @pages
 * @nr_pages: how many are in
 * @offset: where it starts in the first page
 * @len: its length in bytes
 * @pinned: the pages are the user's and pinned; else the kernel caller keeps them in place
 * @sgt: the same memory as the DMA API wants it
 */
struct prd32_buf {
	struct page **pages;
	unsigned int max_pages;
	unsigned int nr_pages;
	size_t offset;
	size_t len;
	bool pinned;
	struct sg_table sgt;
};

static enum dma_data_direction prd32_dir(bool to_host)
{
	return to_host ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
}

/* Take up to @max bytes from @iter. Less is normal: a page may be missing further on. */
static int prd32_buf_pin(struct prd32_buf *buf, struct iov_iter *iter, size_t max)
{
	ssize_t len;

	buf->pinned = iov_iter_extract_will_pin(iter);
	len = iov_iter_extract_pages(iter, &buf->pages, max, buf->max_pages, 0, &buf->offset);
	if (len <= 0)
		return len ?: -EFAULT;
	buf->len = len;
	buf->nr_pages = DIV_ROUND_UP(buf->offset + len, PAGE_SIZE);
	return 0;
}

static void prd32_buf_unpin(struct prd32_buf *buf, bool to_host)
{
	/* Dirty even after an error: the card may have written part of it. */
	if (buf->pinned)
		unpin_user_pages_dirty_lock(buf->pages, buf->nr_pages, to_host);
}

/*
 * The engine may still be at this memory: nobody is to get it again. A user's pages stay pinned. A
 * kernel caller frees its pages when it gets the error: they get a reference that is never put.
 */
static void prd32_buf_abandon(struct prd32_buf *buf)
{
	unsigned int i;

	if (!buf->pinned)
		for (i = 0; i < buf->nr_pages; i++)
			get_page(buf->pages[i]);
	buf->pinned = false;
}

/* How many pages from @pages on are contiguous and share a 64 KiB block. */
static unsigned int prd32_run_length(struct page **pages, unsigned int nr)
{
	unsigned int n = 1;

	while (n < nr && page_to_pfn(pages[n]) == page_to_pfn(pages[n - 1]) + 1 &&
	       !IS_ALIGNED(page_to_phys(pages[n]), PRD32_LIMIT_PRD_BOUNDARY))
		n++;
	return n;
}

/*
 * Entries are cut at 64 KiB boundaries here although the descriptors are cut there anyway: with a
 * segment boundary declared, a bounce buffer larger than what fits between two boundaries, page
 * offset included, is refused, and the DMA API does not split what it is given.
 */
static int prd32_buf_to_sg(struct prd32_buf *buf)
{
	size_t left = buf->len, offset = buf->offset;
	unsigned int i, n, nents = 0;
	struct scatterlist *sg;
	int err;

	for (i = 0; i < buf->nr_pages; i += n) {
		n = prd32_run_length(buf->pages + i, buf->nr_pages - i);
		nents++;
	}
	err = sg_alloc_table(&buf->sgt, nents, GFP_KERNEL);
	if (err)
		return err;

	sg = buf->sgt.sgl;
	for (i = 0; i < buf->nr_pages; i += n) {
		size_t bytes;

		n = prd32_run_length(buf->pages + i, buf->nr_pages - i);
		bytes = min(left, n * PAGE_SIZE - offset);
		sg_set_page(sg, buf->pages[i], bytes, offset);
		left -= bytes;
		offset = 0;
		sg = sg_next(sg);
	}
	return 0;
}

/* Where the next table starts in a mapped scatter list. */
struct prd32_cursor {
	struct scatterlist *sg;
	unsigned int left;
	u64 skip;
};

/* Fill the channel's table from @at on, and move @at behind what fitted. */
static int prd32_fill_table(struct prd32_channel *ch, struct prd32_cursor *at,
			    struct prd32_table *table)
{
	prd32_table_init(table, ch->prdt.entries, ch->card->max_prds);
	while (at->left) {
		u64 rest = sg_dma_len(at->sg) - at->skip;
		s64 added = prd32_table_add(table, sg_dma_address(at->sg) + at->skip, rest);

		if (added < 0)
			return -EIO;
		if (added < rest) {
			at->skip += added;
			break;
		}
		at->sg = sg_next(at->sg);
		at->left--;
		at->skip = 0;
	}
	prd32_table_end(table);
	return table->used ? 0 : -EIO;
}

/*
 * Wait for the engine to become idle. What the status register says counts, not what woke us: an
 * interrupt may be lost, may be late, or may belong to somebody else on the same line.
 */
static int prd32_wait_idle(struct prd32_channel *ch)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(READ_ONCE(prd32_timeout_ms));

	for (;;) {
		long left = max((long)(deadline - jiffies), 0L);
		int status;

		left = wait_event_killable_timeout(ch->waitq, READ_ONCE(ch->irq_seen) ||
						   READ_ONCE(ch->stopping), left);
		WRITE_ONCE(ch->irq_seen, false);
		/*
		 * Clear the flag before reading the status. The other way round, an interrupt
		 * between the two would be forgotten. Not smp_mb(): the read is a register's.
		 */
		mb();
		status = prd32_hw_status(ch);
		if (status < 0)
			return status;
		if (!(status & PRD32_BM_STATUS_ACTIVE)) {
			if (!left)
				dev_warn_ratelimited(ch->card->dma_dev,
						     "channel %u: an interrupt was lost\n",
						     ch->index);
			return 0;
		}
		if (left < 0)
			return -EINTR;
		if (READ_ONCE(ch->stopping))
			return -ENODEV;
		if (!left)
			return -ETIMEDOUT;
	}
}

/* The engine goes on although it was told to stop. Its memory is lost, the system is not. */
static void prd32_give_up(struct prd32_channel *ch)
{
	ch->broken = true;
	if (!ch->refuse)
		ch->refuse = -EIO;
	/* The last means that does not depend on the engine: the function's access to the bus. */
	pci_clear_master(to_pci_dev(ch->card->dma_dev));
	dev_crit(ch->card->dma_dev,
		 "channel %u does not stop: its memory is leaked, bus mastering is off\n",
		 ch->index);
}

static int prd32_check_end(struct prd32_channel *ch, u64 expected)
{
	struct prd32_report report;

	prd32_hw_report(ch, &report);
	if (report.code == PRD32_ERR_NONE && report.moved == expected)
		return 0;
	dev_err_ratelimited(ch->card->dma_dev,
			    "channel %u: %s at descriptor %u, address %#x; %u of %llu bytes moved\n",
			    ch->index, prd32_err_name(report.code), report.index, report.address,
			    report.moved, expected);
	return -EIO;
}

/* Run the table that was just filled, to its end or until it is stopped. */
static int prd32_run_table(struct prd32_channel *ch, const struct prd32_table *table,
			   u32 card_addr, bool to_host)
{
	int err;

	prd32_hw_setup(ch, to_host, card_addr, (u32)table->bytes);
	/* Before START, after which the interrupt may come at any time. */
	WRITE_ONCE(ch->irq_seen, false);
	prd32_hw_start(ch, to_host);

	err = prd32_wait_idle(ch);
	if (!err)
		return prd32_check_end(ch, table->bytes);

	if (prd32_hw_stop(ch)) {
		prd32_give_up(ch);
		return -EIO;
	}
	if (err == -ETIMEDOUT)
		dev_err_ratelimited(ch->card->dma_dev, "channel %u: timeout, transfer stopped\n",
				    ch->index);
	return err;
}

/*
 * Move a pinned buffer with the channel locked. *@moved counts the bytes of complete tables, also
 * on error. -ENOMEM means that the buffer could not be mapped: a smaller one may be.
 */
static int prd32_xfer_locked(struct prd32_channel *ch, struct prd32_buf *buf, u32 card_addr,
			     bool to_host, size_t *moved)
{
	struct device *dev = ch->card->dma_dev;
	struct prd32_cursor at;
	int err;

	if (ch->refuse)
		return ch->refuse;
	if (READ_ONCE(ch->stopping))
		return -ENODEV;

	/* No warning: a smaller piece is tried next. */
	if (dma_map_sgtable(dev, &buf->sgt, prd32_dir(to_host), DMA_ATTR_NO_WARN))
		return -ENOMEM;
	at = (struct prd32_cursor){ .sg = buf->sgt.sgl, .left = buf->sgt.nents };

	do {
		struct prd32_table table;

		err = prd32_fill_table(ch, &at, &table);
		if (!err)
			err = prd32_run_table(ch, &table, card_addr + *moved, to_host);
		if (!err)
			*moved += table.bytes;
	} while (!err && at.left);

	/* Not when the engine is still running: then the mapping has to stay for good. */
	if (!ch->broken)
		dma_unmap_sgtable(dev, &buf->sgt, prd32_dir(to_host), 0);
	return err;
}

static int prd32_lock(struct prd32_channel *ch, bool nonblock)
{
	if (nonblock)
		return mutex_trylock(&ch->lock) ? 0 : -EAGAIN;
	return mutex_lock_killable(&ch->lock) ? -EINTR : 0;
}

static int prd32_xfer_buf(struct prd32_channel *ch, struct prd32_buf *buf, u32 card_addr,
			  bool to_host, bool nonblock, size_t *moved)
{
	bool keep;
	int err = prd32_buf_to_sg(buf);

	if (err)
		return err;
	err = prd32_lock(ch, nonblock);
	if (err) {
		sg_free_table(&buf->sgt);
		return err;
	}
	keep = ch->broken;
	err = prd32_xfer_locked(ch, buf, card_addr, to_host, moved);
	/* Broken in this very transfer: the engine may still be at these pages. */
	keep = ch->broken && !keep;
	mutex_unlock(&ch->lock);

	if (keep)
		prd32_buf_abandon(buf);
	else
		sg_free_table(&buf->sgt);
	return err;
}

/**
 * prd32_xfer_iter() - move memory to or from the card
 * @ch: the channel
 * @iter: the memory; user or kernel
 * @card_addr: offset into card memory in bytes; the whole of @iter must fit behind it
 * @to_host: true reads the card, false writes it
 * @nonblock: do not wait for another transfer on this channel
 *
 * Work is done in chunks of at most chunk_kib, which bounds how much memory is pinned at a time.
 * Pages are pinned before the channel is locked, because bringing them in can take as long as
 * user space likes; and the lock is dropped between chunks. A mutex hands itself over to a waiter
 * that was overtaken once, so two callers take turns.
 *
 * Return: bytes moved, which are fewer than asked for when an error came after some chunks; or,
 * when nothing was moved, -EAGAIN (@nonblock and the channel is busy), -EFAULT (bad memory),
 * -EINTR (fatal signal), -EIO (the card says so, or the channel is out of order), -ENODEV (the
 * card was removed), -ENOMEM (or none that the card can reach), -EBUSY (suspended), -ETIMEDOUT.
 */
ssize_t prd32_xfer_iter(struct prd32_channel *ch, struct iov_iter *iter, u32 card_addr,
			bool to_host, bool nonblock)
{
	size_t chunk = min((size_t)READ_ONCE(prd32_chunk_kib) * SZ_1K, iov_iter_count(iter));
	struct prd32_buf buf = { .max_pages = DIV_ROUND_UP(chunk, PAGE_SIZE) + 1 };
	size_t done = 0;
	int err = 0;

	buf.pages = kvmalloc_array(buf.max_pages, sizeof(*buf.pages), GFP_KERNEL);
	if (!buf.pages)
		return -ENOMEM;

	while (iov_iter_count(iter)) {
		size_t moved = 0;

		if (fatal_signal_pending(current))
			err = -EINTR;
		else
			err = prd32_buf_pin(&buf, iter, chunk);
		if (err)
			break;
		err = prd32_xfer_buf(ch, &buf, card_addr + done, to_host, nonblock, &moved);
		prd32_buf_unpin(&buf, to_host);
		iov_iter_revert(iter, buf.len - moved);
		done += moved;
		if (err == -ENOMEM && buf.len > PAGE_SIZE)
			chunk = max(round_down(buf.len / 2, PAGE_SIZE), PAGE_SIZE);
		else if (err)
			break;
	}
	kvfree(buf.pages);
	return done ?: err;
}

/**
 * prd32_xfer_refuse() - from now on, fail transfers on a channel
 * @ch: the channel
 * @err: -ENODEV, for good: a running transfer is stopped. -EBUSY, until prd32_xfer_allow(): a
 *	 running transfer is waited for
 *
 * When this returns, no transfer is running and nothing is mapped.
 */
void prd32_xfer_refuse(struct prd32_channel *ch, int err)
{
	if (err == -ENODEV) {
		WRITE_ONCE(ch->stopping, true);
		wake_up(&ch->waitq);
	}
	mutex_lock(&ch->lock);
	if (!ch->refuse || err == -ENODEV)
		ch->refuse = err;
	mutex_unlock(&ch->lock);
}

/**
 * prd32_xfer_allow() - undo prd32_xfer_refuse() with -EBUSY
 * @ch: the channel
 */
void prd32_xfer_allow(struct prd32_channel *ch)
{
	mutex_lock(&ch->lock);
	if (ch->refuse == -EBUSY)
		ch->refuse = 0;
	mutex_unlock(&ch->lock);
}
