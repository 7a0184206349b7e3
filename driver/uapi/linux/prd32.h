/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/prd32-N: the ioctl interface of the prd32 DMA card.
 *
 * read() and write() move bytes between a file position, which is an offset into card memory, and
 * the caller's memory. What is below is for everything else: areas of card memory, buffers that
 * the driver owns, requests that nobody waits for, other endpoints than card memory.
 *
 * Rules for all of it:
 *
 *  - Each structure begins with its size in bytes, as the caller knows it, and flags. A structure
 *    may grow; what an older kernel does not know must be zero, else the call fails with E2BIG;
 *    what an older program does not know counts as zero. Sizes below PRD32_SIZE_VER0_* are EINVAL.
 *  - Unknown flags, unknown values and reserved fields that are not zero are EINVAL.
 *  - All offsets, addresses and lengths are in bytes.
 *  - Handles belong to the open file (not to the process): they are of no use with another one,
 *    and vanish with it.
 *  - When the card has left or the driver was unbound, calls fail with ENODEV, except BUFFER_FREE,
 *    and RESULT while there are results. Areas went with the card: AREA_FREE is ENOENT.
 */
#ifndef _UAPI_LINUX_PRD32_H
#define _UAPI_LINUX_PRD32_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Grows with each addition to this file. */
#define PRD32_UAPI_VERSION	1

#define PRD32_IOC_TYPE		0xd3

#define PRD32_IOC_QUERY		_IO(PRD32_IOC_TYPE, 0x00)
#define PRD32_IOC_STATISTICS	_IO(PRD32_IOC_TYPE, 0x01)
#define PRD32_IOC_RESET		_IO(PRD32_IOC_TYPE, 0x02)
#define PRD32_IOC_AREA_ALLOC	_IO(PRD32_IOC_TYPE, 0x10)
#define PRD32_IOC_AREA_FREE	_IO(PRD32_IOC_TYPE, 0x11)
#define PRD32_IOC_BUFFER_ALLOC	_IO(PRD32_IOC_TYPE, 0x20)
#define PRD32_IOC_BUFFER_FREE	_IO(PRD32_IOC_TYPE, 0x21)
#define PRD32_IOC_BUFFER_SYNC	_IO(PRD32_IOC_TYPE, 0x22)
#define PRD32_IOC_EXPORT	_IO(PRD32_IOC_TYPE, 0x23)
#define PRD32_IOC_SUBMIT	_IO(PRD32_IOC_TYPE, 0x30)
#define PRD32_IOC_RESULT	_IO(PRD32_IOC_TYPE, 0x31)
#define PRD32_IOC_ABORT		_IO(PRD32_IOC_TYPE, 0x32)

/* prd32_ioc_query.features */
#define PRD32_FEATURE_CYCLIC	0x1	/* cyclic tables */
#define PRD32_FEATURE_WRITEBACK	0x2	/* the card writes its status to memory */
#define PRD32_FEATURE_ENDPOINTS	0x4	/* other endpoints than card memory */

/**
 * struct prd32_ioc_query - PRD32_IOC_QUERY: what the card is
 * @size: sizeof(struct prd32_ioc_query)
 * @flags: 0
 * @uapi_version: out: PRD32_UAPI_VERSION of the driver
 * @card: out: the N of /dev/prd32-N
 * @memory_size: out: bytes of card memory
 * @max_request: out: bytes that a request for user memory may have
 * @features: out: PRD32_FEATURE_*
 * @granule: out: the card moves multiples of so many bytes; a power of two. What is not aligned
 *	     to it is done all the same, at the price of a copy; see PRD32_IOC_SUBMIT
 * @dma_alignment: out: user memory that the card writes has its edges copied unless it begins
 *		   and ends at multiples of so many bytes; a power of two, a granule at least
 * @max_prds: out: descriptors in a table
 * @channels: out: DMA channels
 * @max_results: out: requests, under way or done, that a file may have until it fetches results
 * @reserved: out: 0
 */
struct prd32_ioc_query {
	__u32 size;
	__u32 flags;
	__u32 uapi_version;
	__u32 card;
	__aligned_u64 memory_size;
	__aligned_u64 max_request;
	__aligned_u64 features;
	__u32 granule;
	__u32 dma_alignment;
	__u32 max_prds;
	__u32 channels;
	__u32 max_results;
	__u32 reserved;
};

/**
 * struct prd32_ioc_statistics - PRD32_IOC_STATISTICS: what a channel has done since the driver
 *				 was bound
 * @size: sizeof(struct prd32_ioc_statistics)
 * @flags: 0
 * @channel: below prd32_ioc_query.channels; else EINVAL
 * @reserved: 0
 * @requests: out: requests that ended, of all users of the card
 * @failed: out: those of them that ended with an error
 * @bytes_to_host: out: bytes that the card wrote to host memory
 * @bytes_from_host: out: bytes that the card read from host memory
 * @tables: out: descriptor tables started
 * @prds: out: descriptors in them
 * @interrupts: out: interrupts that were the channel's
 * @polls: out: ends that polling found
 * @lost: out: ends that no interrupt told of
 * @timeouts: out: tables that did not end in time
 * @stops: out: tables that were stopped
 * @channel_resets: out: stops that needed a reset of the channel
 * @function_resets: out: stops that needed a reset of the card
 */
struct prd32_ioc_statistics {
	__u32 size;
	__u32 flags;
	__u32 channel;
	__u32 reserved;
	__aligned_u64 requests;
	__aligned_u64 failed;
	__aligned_u64 bytes_to_host;
	__aligned_u64 bytes_from_host;
	__aligned_u64 tables;
	__aligned_u64 prds;
	__aligned_u64 interrupts;
	__aligned_u64 polls;
	__aligned_u64 lost;
	__aligned_u64 timeouts;
	__aligned_u64 stops;
	__aligned_u64 channel_resets;
	__aligned_u64 function_resets;
};

/**
 * struct prd32_ioc_reset - PRD32_IOC_RESET: function-level reset
 * @size: sizeof(struct prd32_ioc_reset)
 * @flags: 0
 *
 * Card memory keeps its content; requests for it, everybody's, are done again afterwards. Those
 * for other endpoints end with EIO. Needs CAP_SYS_ADMIN, else EPERM; EAGAIN while the card is
 * reset, suspended or removed already.
 */
struct prd32_ioc_reset {
	__u32 size;
	__u32 flags;
};

/**
 * struct prd32_ioc_area_alloc - PRD32_IOC_AREA_ALLOC: reserve an area of card memory
 * @size: sizeof(struct prd32_ioc_area_alloc)
 * @flags: 0
 * @length: how much; rounded up to 4096. 0 is EINVAL
 * @card_addr: out: where; a multiple of 4096
 *
 * ENOSPC when there is no such hole. Areas keep those apart who ask for one: nothing refuses
 * transfers to memory outside.
 */
struct prd32_ioc_area_alloc {
	__u32 size;
	__u32 flags;
	__aligned_u64 length;
	__aligned_u64 card_addr;
};

/**
 * struct prd32_ioc_area_free - PRD32_IOC_AREA_FREE: give an area back
 * @size: sizeof(struct prd32_ioc_area_free)
 * @flags: 0
 * @card_addr: as PRD32_IOC_AREA_ALLOC returned it; else ENOENT
 */
struct prd32_ioc_area_free {
	__u32 size;
	__u32 flags;
	__aligned_u64 card_addr;
};

/**
 * enum prd32_buffer_kind - what the processor sees of a buffer
 * @PRD32_BUFFER_COHERENT: processor and card see the same at any time; where the card does not
 *			   see the processor's caches it is not cached, and slow to read
 * @PRD32_BUFFER_WRITE_COMBINE: writes are gathered, reads are very slow: for what the processor
 *				fills and the card reads
 * @PRD32_BUFFER_CACHED: fast for the processor; each change of hands needs PRD32_IOC_BUFFER_SYNC.
 *			 Pages from anywhere: large buffers are no problem, and it can be exported
 * @PRD32_BUFFER_NONCONTIGUOUS: the same, one range to the card (dma_alloc_noncontiguous()): it is
 *				never copied, but needs contiguous memory where there is no IOMMU
 */
enum prd32_buffer_kind {
	PRD32_BUFFER_COHERENT,
	PRD32_BUFFER_WRITE_COMBINE,
	PRD32_BUFFER_CACHED,
	PRD32_BUFFER_NONCONTIGUOUS,
};

#define PRD32_BUFFER_MAX	0x40000000

/**
 * struct prd32_ioc_buffer_alloc - PRD32_IOC_BUFFER_ALLOC: memory that the card reaches at any time
 * @size: sizeof(struct prd32_ioc_buffer_alloc)
 * @flags: 0
 * @length: how much, 1 to PRD32_BUFFER_MAX; else EINVAL. It is zeroed, to the end of its last page
 * @kind: enum prd32_buffer_kind
 * @handle: out: its name in further calls; never 0
 * @mmap_offset: out: the offset for mmap(), which must start there or, page by page, behind it,
 *		 be MAP_SHARED, and end at most where the buffer's last page does
 *
 * ENOMEM when there is not so much memory in pieces that the card can use: all kinds but CACHED
 * need one piece, unless an IOMMU puts it together. ENOSPC when the file has 4095 buffers.
 *
 * Mappings of COHERENT and WRITE_COMBINE buffers are not to be given to other system calls that
 * take pages rather than copy (O_DIRECT files, vmsplice()): unless an IOMMU is there, and the
 * kernel mapped them page by page, those answer EFAULT.
 */
struct prd32_ioc_buffer_alloc {
	__u32 size;
	__u32 flags;
	__aligned_u64 length;
	__u32 kind;
	__u32 handle;
	__aligned_u64 mmap_offset;
};

/**
 * struct prd32_ioc_buffer_free - PRD32_IOC_BUFFER_FREE: give a buffer back
 * @size: sizeof(struct prd32_ioc_buffer_free)
 * @flags: 0
 * @handle: the buffer; unknown is ENOENT
 * @reserved: 0
 *
 * The handle is gone at once; the memory when no mapping, no request and no dma-buf uses it.
 */
struct prd32_ioc_buffer_free {
	__u32 size;
	__u32 flags;
	__u32 handle;
	__u32 reserved;
};

/**
 * enum prd32_sync - who is to look at a buffer next
 * @PRD32_SYNC_FOR_CPU: the processor: it sees what the card wrote
 * @PRD32_SYNC_FOR_DEVICE: the card: it sees what the processor wrote
 */
enum prd32_sync {
	PRD32_SYNC_FOR_CPU,
	PRD32_SYNC_FOR_DEVICE,
};

/**
 * struct prd32_ioc_buffer_sync - PRD32_IOC_BUFFER_SYNC: a buffer changes hands
 * @size: sizeof(struct prd32_ioc_buffer_sync)
 * @flags: 0
 * @handle: the buffer; unknown is ENOENT
 * @sync: enum prd32_sync
 * @offset: first byte
 * @length: how much; beyond the buffer's end is EINVAL
 *
 * A new buffer is the processor's. At least the range is synchronised; nothing happens to COHERENT
 * and WRITE_COMBINE buffers. What the other side has changed in the range, and was not synchronised
 * before, is lost.
 */
struct prd32_ioc_buffer_sync {
	__u32 size;
	__u32 flags;
	__u32 handle;
	__u32 sync;
	__aligned_u64 offset;
	__aligned_u64 length;
};

/**
 * struct prd32_ioc_export - PRD32_IOC_EXPORT: a buffer as dma-buf, for other drivers
 * @size: sizeof(struct prd32_ioc_export)
 * @flags: 0
 * @handle: the buffer, of kind CACHED: others are EOPNOTSUPP, unknown is ENOENT
 * @fd: out: the dma-buf, close-on-exec. It keeps the memory, also when the buffer is freed and the
 *	card is gone. DMA_BUF_IOCTL_SYNC is for the other drivers that it is given to;
 *	for this card, PRD32_IOC_BUFFER_SYNC
 */
struct prd32_ioc_export {
	__u32 size;
	__u32 flags;
	__u32 handle;
	__s32 fd;
};

/* prd32_ioc_submit.flags */
#define PRD32_SUBMIT_WAIT	0x1	/* return when it is done, with the result */
#define PRD32_SUBMIT_NOWAIT	0x2	/* EAGAIN unless a channel is idle */
#define PRD32_SUBMIT_EVENTFD	0x4	/* add 1 to eventfd when it is done */

enum prd32_direction {
	PRD32_FROM_HOST,
	PRD32_TO_HOST,
};

enum prd32_endpoint {
	PRD32_EP_MEMORY,	/* card memory; both directions */
	PRD32_EP_PATTERN,	/* the pattern generator; to the host */
	PRD32_EP_CHECKSUM,	/* CRC-32C; from the host */
	PRD32_EP_LOOPBACK,	/* what was taken from the host goes back to it; both directions */
};

enum prd32_memory {
	PRD32_MEMORY_USER,	/* memory of the caller: @address is an address */
	PRD32_MEMORY_BUFFER,	/* @handle of PRD32_IOC_BUFFER_ALLOC: @address is an offset */
	PRD32_MEMORY_DMABUF,	/* @fd of a dma-buf, anybody's: @address is an offset */
};

/**
 * struct prd32_ioc_submit - PRD32_IOC_SUBMIT: have bytes moved
 * @size: sizeof(struct prd32_ioc_submit)
 * @flags: PRD32_SUBMIT_*; O_NONBLOCK of the file is as PRD32_SUBMIT_NOWAIT
 * @cookie: comes back with the result, and names the request for PRD32_IOC_ABORT. The driver does
 *	    not care whether it is unique
 * @direction: enum prd32_direction; the file must be open for reading (TO_HOST) or writing
 *	       (FROM_HOST), else EBADF
 * @endpoint: enum prd32_endpoint; without PRD32_FEATURE_ENDPOINTS only MEMORY, else EOPNOTSUPP. A
 *	      wrong direction is EINVAL
 * @card_addr: offset into card memory; with other endpoints 0
 * @length: at least 1; of user memory at most prd32_ioc_query.max_request. Beyond the end of card
 *	    memory, of the buffer or of the dma-buf is EINVAL
 * @memory: enum prd32_memory
 * @handle: with PRD32_MEMORY_BUFFER the handle (unknown: ENOENT), else 0
 * @fd: with PRD32_MEMORY_DMABUF the file descriptor (none: EBADF, no dma-buf: EINVAL), else 0.
 *	Fences of the dma-buf are neither waited for nor added: poll() it until others are done
 * @eventfd: with PRD32_SUBMIT_EVENTFD the file descriptor (EBADF, EINVAL), else 0
 * @address: where the host's bytes are, see enum prd32_memory. User memory must stay mapped, and
 *	     belongs to the request, until the result is there
 * @pattern: with PRD32_EP_PATTERN the PATTERN register, else 0
 * @pattern_seed: likewise PATTERN_SEED
 * @pattern_rate: likewise PATTERN_RATE
 * @pattern_fifo: likewise PATTERN_FIFO
 * @moved: out, with PRD32_SUBMIT_WAIT: bytes moved, from the beginning on, also with an error
 * @error: out, likewise: 0 or a negative errno, see struct prd32_result
 * @crc: out, likewise: CRC-32C of the bytes with PRD32_EP_CHECKSUM
 *
 * The call returns 0 when the request was accepted, and -1 when it was not: then there is no
 * result. Requests run side by side, on as many channels as the card has, in no defined order;
 * those for card memory that nobody waits for may share a channel's queue while another is idle.
 * With PRD32_SUBMIT_WAIT only a fatal signal ends the wait. Without it, EBUSY says that max_results
 * requests are under way or have their results waiting.
 *
 * @card_addr, @length and user memory may have any alignment where they are card memory and
 * PRD32_MEMORY_USER. What falls short of prd32_ioc_query.granule is read from the card and merged,
 * which is not atomic: nobody else should write to that granule meanwhile. Buffers and dma-bufs
 * need multiples of the granule; user memory with other endpoints, of dma_alignment; else EINVAL.
 *
 * Requests for other endpoints than card memory must fit one table of max_prds descriptors, else
 * their result is E2BIG.
 *
 * A CACHED or NONCONTIGUOUS buffer must have been given to the card before (PRD32_SYNC_FOR_DEVICE),
 * and is looked at after PRD32_SYNC_FOR_CPU.
 */
struct prd32_ioc_submit {
	__u32 size;
	__u32 flags;
	__aligned_u64 cookie;
	__u32 direction;
	__u32 endpoint;
	__aligned_u64 card_addr;
	__aligned_u64 length;
	__u32 memory;
	__u32 handle;
	__s32 fd;
	__s32 eventfd;
	__aligned_u64 address;
	__u32 pattern;
	__u32 pattern_seed;
	__u32 pattern_rate;
	__u32 pattern_fifo;
	__aligned_u64 moved;
	__s32 error;
	__u32 crc;
};

/**
 * struct prd32_result - how a request ended
 * @cookie: the request's
 * @moved: bytes moved, from the beginning on, also with an error
 * @error: 0 or a negative errno: ECANCELED (aborted), EIO (the card says so; the kernel's log has
 *	   more), EOVERFLOW (the pattern's FIFO overran), ETIMEDOUT, ENODEV (the card is gone)
 * @crc: CRC-32C of the bytes with PRD32_EP_CHECKSUM
 */
struct prd32_result {
	__aligned_u64 cookie;
	__aligned_u64 moved;
	__s32 error;
	__u32 crc;
};

/**
 * struct prd32_ioc_result - PRD32_IOC_RESULT: fetch results, in the order in which requests ended
 * @size: sizeof(struct prd32_ioc_result)
 * @flags: 0
 * @results: address of an array of struct prd32_result
 * @result_size: sizeof(struct prd32_result); less than 24 is EINVAL. What the kernel does not know
 *		 is zeroed
 * @count: room in the array, at least 1; out: results in it
 * @timeout_ns: for how long to wait for the first: 0 not at all, negative for ever
 *
 * EAGAIN when there is none and @timeout_ns is 0 or the file O_NONBLOCK; ETIMEDOUT when none came
 * in time; EINTR when a signal came. poll() says EPOLLIN while there are results. A result is gone
 * when it was fetched; with EFAULT at most the one that could not be stored.
 */
struct prd32_ioc_result {
	__u32 size;
	__u32 flags;
	__aligned_u64 results;
	__u32 result_size;
	__u32 count;
	__s64 timeout_ns;
};

/* prd32_ioc_abort.flags */
#define PRD32_ABORT_ALL		0x1	/* all of this file's; cookie must be 0 */

/**
 * struct prd32_ioc_abort - PRD32_IOC_ABORT: end requests early
 * @size: sizeof(struct prd32_ioc_abort)
 * @flags: PRD32_ABORT_*
 * @cookie: which; all that have it
 * @count: out: requests that were told to end
 * @reserved: 0
 *
 * Does not wait: each still has its result, with ECANCELED, unless it succeeded all the same.
 * ENOENT when none with this @cookie is under way; with PRD32_ABORT_ALL that is no error.
 */
struct prd32_ioc_abort {
	__u32 size;
	__u32 flags;
	__aligned_u64 cookie;
	__u32 count;
	__u32 reserved;
};

/* The sizes of this version, which is the first. */
#define PRD32_SIZE_VER0_QUERY		64
#define PRD32_SIZE_VER0_STATISTICS	120
#define PRD32_SIZE_VER0_RESET		8
#define PRD32_SIZE_VER0_AREA_ALLOC	24
#define PRD32_SIZE_VER0_AREA_FREE	16
#define PRD32_SIZE_VER0_BUFFER_ALLOC	32
#define PRD32_SIZE_VER0_BUFFER_FREE	16
#define PRD32_SIZE_VER0_BUFFER_SYNC	32
#define PRD32_SIZE_VER0_EXPORT		16
#define PRD32_SIZE_VER0_SUBMIT		96
#define PRD32_SIZE_VER0_RESULT		32
#define PRD32_SIZE_VER0_ABORT		24

#endif /* _UAPI_LINUX_PRD32_H */
