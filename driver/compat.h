/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Linux 6.1 lacks, and what changed later. Kbuild looks for each feature in the headers.
 */
#ifndef PRD32_COMPAT_H
#define PRD32_COMPAT_H

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/uio.h>

#ifndef PRD32_HAVE_EXTRACT_PAGES
static inline bool iov_iter_extract_will_pin(const struct iov_iter *iter)
{
	return user_backed_iter(iter);
}

/* The user's memory only, as that is what the driver promises on every kernel. */
static inline ssize_t iov_iter_extract_pages(struct iov_iter *iter, struct page ***pages,
					     size_t max_bytes, unsigned int max_pages, int flags,
					     size_t *offset)
{
	unsigned long addr;
	size_t len;
	int nr;

	if (iter_is_ubuf(iter)) {
		addr = (unsigned long)iter->ubuf + iter->iov_offset;
		len = iter->count;
	} else if (iter_is_iovec(iter)) {
		struct iovec iov = iov_iter_iovec(iter);

		/* Empty elements, and what is left of one that was used up. */
		while (!iov.iov_len) {
			iter->iov++;
			iter->nr_segs--;
			iter->iov_offset = 0;
			iov = iov_iter_iovec(iter);
		}
		addr = (unsigned long)iov.iov_base;
		len = iov.iov_len;
	} else {
		return -EOPNOTSUPP;
	}

	*offset = offset_in_page(addr);
	len = min(len, max_bytes);
	max_pages = min_t(size_t, max_pages, DIV_ROUND_UP(len + *offset, PAGE_SIZE));
	nr = pin_user_pages_fast(addr & PAGE_MASK, max_pages,
				 iov_iter_rw(iter) == READ ? FOLL_WRITE : 0, *pages);
	if (nr <= 0)
		return nr;
	len = min(len, nr * PAGE_SIZE - *offset);
	iov_iter_advance(iter, len);
	return len;
}
#endif

#ifndef PRD32_HAVE_COPY_SPLICE_READ
#define copy_splice_read generic_file_splice_read
#endif

#ifndef PRD32_HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

#ifdef PRD32_HAVE_HRTIMER_SETUP
#define prd32_hrtimer_setup hrtimer_setup
#else
static inline void prd32_hrtimer_setup(struct hrtimer *timer,
				       enum hrtimer_restart (*function)(struct hrtimer *),
				       clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#ifdef PRD32_HAVE_EVENTFD_SIGNAL_ONE
#define prd32_eventfd_signal(ctx) eventfd_signal(ctx)
#else
#define prd32_eventfd_signal(ctx) eventfd_signal(ctx, 1)
#endif

#ifdef PRD32_HAVE_IMPORT_NS_STRING
#define PRD32_IMPORT_NS_DMA_BUF MODULE_IMPORT_NS("DMA_BUF")
#else
#define PRD32_IMPORT_NS_DMA_BUF MODULE_IMPORT_NS(DMA_BUF)
#endif

#endif /* PRD32_COMPAT_H */
