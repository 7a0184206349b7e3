/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libprd32 for C: prd32 cards behind opaque handles. See libprd32(3).
 *
 * Functions that return int or ssize_t give a negative errno on failure, as said in <linux/prd32.h>
 * for the call that they make, and -ENOMEM without memory; prd32_error() says what was attempted.
 * Offsets, addresses and lengths are in bytes. Handles may be used by several threads at once, as
 * long as none frees one that another uses. Freeing NULL does nothing.
 */
#ifndef PRD32_PRD32_H
#define PRD32_PRD32_H

#include <linux/prd32.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct prd32_device;
struct prd32_buffer;
struct prd32_request;

/* What this thread's last call that failed has attempted, and why it failed; for people. */
const char *prd32_error(void);

/* Opens a card for reading and writing; NULL is /dev/prd32-0. Buffers and requests keep it open. */
int prd32_open(const char *path, struct prd32_device **device);
void prd32_close(struct prd32_device *device);

/*
 * For poll(): readable while there are results. O_NONBLOCK makes calls that would wait for a
 * channel fail with -EAGAIN; the end of a request is waited for all the same.
 */
int prd32_descriptor(const struct prd32_device *device);
/* The caller need not set the sizes in these structures. */
int prd32_query(const struct prd32_device *device, struct prd32_ioc_query *query);
int prd32_statistics(const struct prd32_device *device, unsigned int channel,
		     struct prd32_ioc_statistics *statistics);
int prd32_reset(const struct prd32_device *device);

/*
 * Bytes moved; fewer than asked for at the end of card memory, and before an error: who asks for
 * the rest is told which.
 */
ssize_t prd32_read(const struct prd32_device *device, __u64 card_addr, void *to, size_t length);
ssize_t prd32_write(const struct prd32_device *device, __u64 card_addr, const void *from,
		    size_t length);

int prd32_area_alloc(struct prd32_device *device, __u64 length, __u64 *card_addr);
int prd32_area_free(struct prd32_device *device, __u64 card_addr);

int prd32_buffer_alloc(const struct prd32_device *device, size_t length,
		       enum prd32_buffer_kind kind, struct prd32_buffer **buffer);
void prd32_buffer_free(struct prd32_buffer *buffer);
void *prd32_buffer_data(const struct prd32_buffer *buffer);
size_t prd32_buffer_size(const struct prd32_buffer *buffer);
/* What prd32_ioc_submit.handle takes, with PRD32_MEMORY_BUFFER. */
__u32 prd32_buffer_handle(const struct prd32_buffer *buffer);
int prd32_buffer_sync(const struct prd32_buffer *buffer, enum prd32_sync sync, size_t offset,
		      size_t length);
/* A file descriptor of a dma-buf, which the caller closes. */
int prd32_buffer_export(const struct prd32_buffer *buffer);

/*
 * prd32_submit() begins what @submit describes; its size and cookie are set by the library. Memory
 * of the caller must stay mapped until the request was freed.
 *
 * prd32_request_wait() waits for the end of a request for @timeout_ns (0: not at all, negative: for
 * ever; then -ETIMEDOUT), and gives its result, once. prd32_request_free() aborts the request if it
 * is under way, and waits for its end.
 */
int prd32_submit(const struct prd32_device *device, const struct prd32_ioc_submit *submit,
		 struct prd32_request **request);
int prd32_request_wait(struct prd32_request *request, __s64 timeout_ns,
		       struct prd32_result *result);
int prd32_request_abort(struct prd32_request *request);
void prd32_request_free(struct prd32_request *request);

#ifdef __cplusplus
}
#endif

#endif /* PRD32_PRD32_H */
