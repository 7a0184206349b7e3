/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: a request's way, one event a step. /sys/kernel/tracing/events/prd32
 *
 * Names are recorded as text: what reads a trace elsewhere (trace-cmd, perf) cannot call functions.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM prd32

#if !defined(PRD32_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define PRD32_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>

#include "core.h"

#define PRD32_TRACE_NAME_LEN 24

DECLARE_EVENT_CLASS(prd32_request,
	TP_PROTO(const struct prd32_channel *ch, const struct prd32_request *req),
	TP_ARGS(ch, req),
	TP_STRUCT__entry(
		__field(unsigned int, card)
		__field(unsigned int, channel)
		__field(const void *, req)
		__field(bool, to_host)
		__array(char, endpoint, PRD32_TRACE_NAME_LEN)
		__field(u32, card_addr)
		__field(u64, length)
		__field(u64, moved)
		__field(u32, prds)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->card = ch->card->info.id;
		__entry->channel = ch->index;
		__entry->req = req;
		__entry->to_host = req->to_host;
		strscpy(__entry->endpoint, prd32_endpoint_name(req->endpoint),
			PRD32_TRACE_NAME_LEN);
		__entry->card_addr = req->card_addr;
		__entry->length = req->length;
		__entry->moved = req->moved;
		__entry->prds = req->prds;
		__entry->error = req->error;
	),
	TP_printk("card=%u ch=%u req=%p %s endpoint=%s card_addr=%#x length=%llu moved=%llu prds=%u error=%d",
		  __entry->card, __entry->channel, __entry->req,
		  __entry->to_host ? "to-host" : "from-host",
		  __entry->endpoint, __entry->card_addr, __entry->length, __entry->moved,
		  __entry->prds, __entry->error)
);

/* A front end hands a request over. */
DEFINE_EVENT(prd32_request, prd32_submit,
	TP_PROTO(const struct prd32_channel *ch, const struct prd32_request *req),
	TP_ARGS(ch, req));

/* The engine is about to be started on a table of the request. */
DEFINE_EVENT(prd32_request, prd32_doorbell,
	TP_PROTO(const struct prd32_channel *ch, const struct prd32_request *req),
	TP_ARGS(ch, req));

/* The request is the front end's again. */
DEFINE_EVENT(prd32_request, prd32_complete,
	TP_PROTO(const struct prd32_channel *ch, const struct prd32_request *req),
	TP_ARGS(ch, req));

TRACE_EVENT(prd32_interrupt,
	TP_PROTO(const struct prd32_channel *ch),
	TP_ARGS(ch),
	TP_STRUCT__entry(
		__field(unsigned int, card)
		__field(unsigned int, channel)
	),
	TP_fast_assign(
		__entry->card = ch->card->info.id;
		__entry->channel = ch->index;
	),
	TP_printk("card=%u ch=%u", __entry->card, __entry->channel)
);

/* A table did not end well. */
DECLARE_EVENT_CLASS(prd32_failure,
	TP_PROTO(const struct prd32_channel *ch, const struct prd32_report *report),
	TP_ARGS(ch, report),
	TP_STRUCT__entry(
		__field(unsigned int, card)
		__field(unsigned int, channel)
		__array(char, code, PRD32_TRACE_NAME_LEN)
		__field(u32, index)
		__field(u32, address)
		__field(u32, moved)
	),
	TP_fast_assign(
		__entry->card = ch->card->info.id;
		__entry->channel = ch->index;
		strscpy(__entry->code, prd32_err_name(report->code), PRD32_TRACE_NAME_LEN);
		__entry->index = report->index;
		__entry->address = report->address;
		__entry->moved = report->moved;
	),
	TP_printk("card=%u ch=%u %s descriptor=%u address=%#x moved=%u", __entry->card,
		  __entry->channel, __entry->code, __entry->index, __entry->address,
		  __entry->moved)
);

/* The card reports an error. */
DEFINE_EVENT(prd32_failure, prd32_error,
	TP_PROTO(const struct prd32_channel *ch, const struct prd32_report *report),
	TP_ARGS(ch, report));

/* The deadline has passed, and the engine is stopped, or given up. */
DEFINE_EVENT(prd32_failure, prd32_timeout,
	TP_PROTO(const struct prd32_channel *ch, const struct prd32_report *report),
	TP_ARGS(ch, report));

/* A front end maps or unmaps memory for the card. */
DECLARE_EVENT_CLASS(prd32_mapping,
	TP_PROTO(const struct sg_table *sgt, bool to_host),
	TP_ARGS(sgt, to_host),
	TP_STRUCT__entry(
		__field(const void *, sgt)
		__field(u64, first)
		__field(unsigned int, orig_nents)
		__field(unsigned int, nents)
		__field(bool, to_host)
	),
	TP_fast_assign(
		__entry->sgt = sgt;
		__entry->first = sgt->nents ? sg_dma_address(sgt->sgl) : 0;
		__entry->orig_nents = sgt->orig_nents;
		__entry->nents = sgt->nents;
		__entry->to_host = to_host;
	),
	TP_printk("sgt=%p %s first=%#llx entries=%u mapped=%u", __entry->sgt,
		  __entry->to_host ? "to-host" : "from-host", __entry->first,
		  __entry->orig_nents, __entry->nents)
);

DEFINE_EVENT(prd32_mapping, prd32_map,
	TP_PROTO(const struct sg_table *sgt, bool to_host),
	TP_ARGS(sgt, to_host));

DEFINE_EVENT(prd32_mapping, prd32_unmap,
	TP_PROTO(const struct sg_table *sgt, bool to_host),
	TP_ARGS(sgt, to_host));

#endif /* PRD32_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
