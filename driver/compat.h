/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Linux 6.1 lacks. Kbuild looks for each feature in the kernel's headers.
 */
#ifndef PRD32_COMPAT_H
#define PRD32_COMPAT_H

#include <linux/fs.h>
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

#endif /* PRD32_COMPAT_H */
