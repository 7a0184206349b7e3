/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core's own view of card and channels. Front ends see prd32.h only.
 *
 * Files follow a request: queue.c takes it, channel.c has it done, table.c and prd.c turn its
 * memory into descriptors in a table of prdt.c, hw.c makes the card work on them, or commands.c
 * through its queue, irq.c hears of the end, or poll.c and defer.c look for it, recovery.c is for
 * one that does not come. pci.c brings card and driver together, power.c and errors.c part and
 * reunite them, clients.c seats the front ends.
 */
#ifndef PRD32_CORE_H
#define PRD32_CORE_H

#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "prd.h"
#include "prd32.h"
#include "prdt.h"

struct attribute_group;
struct dentry;

/* Front ends: the places in struct prd32_card. */
#define PRD32_CLIENTS	3

/**
 * struct prd32_status - what the card writes to memory before it interrupts (status writeback)
 * @bm_status: PRD32_BM_STATUS_*
 * @error: PRD32_ERR_*
 * @residual: bytes of LENGTH that were not moved
 * @sequence: number of this block; written together with the others
 */
struct prd32_status {
	__le32 bm_status;
	__le32 error;
	__le32 residual;
	__le32 sequence;
};

/* Tables that an engine has at a time, where the card has a command queue; a power of two. */
#define PRD32_SLOTS	8

/**
 * struct prd32_slot - a table, and whose it is
 * @req: the request, while the table is at the engine
 * @table: what is in it
 * @from: where in @req the table begins, for doing it again
 * @prdt: its memory
 */
struct prd32_slot {
	struct prd32_request *req;
	struct prd32_table table;
	struct prd32_place from;
	struct prd32_prdt prdt;
};

/**
 * struct prd32_channel - one DMA engine of the card
 * @card: the card it belongs to
 * @index: its number on the card
 * @irq: its interrupt, unless all channels share a message
 * @lock: guards everything below; taken in the interrupt handler
 * @queue: requests that wait, one list for each front end
 * @served: the front end whose request was started last
 * @active: the request that the engine works on: the oldest of those that it has
 * @cyclic: a cyclic request has it, or will when @active ends; also looked at without @lock
 * @depth: requests in @queue and at the engine
 * @loops: of them, those that wait for the loopback's other end, from the host and to it
 * @slot: the tables, a ring
 * @slots: how many of them have memory
 * @first: which of them is that of @active
 * @flight: how many the engine has, from @first on
 * @in_queue: it has them from @commands, not from registers
 * @takes_more: it may be given others behind those, if it has room
 * @refuse: 0, or the negative errno with which requests are refused
 * @frozen: not 0: @queue is kept, nothing is started
 * @recovering: recovery.c or errors.c has the engine: its end is not looked at
 * @overdue: the deadline of the oldest table has passed
 * @broken: the engine could not be stopped, so the memory it was given is never freed
 * @periods: of a cyclic request: periods seen
 * @sequence: of the last status block that was seen
 * @control: what the CONTROL register holds
 * @card_addr: what the CARD_ADDR register holds
 * @length: what the LENGTH register holds
 * @programmed: these, and the table's and the status block's address, are in the card
 * @status: where the card writes its status, or NULL when it does not
 * @status_dma: bus address of @status
 * @commands: the command queue, or NULL when there is none
 * @commands_dma: bus address of @commands
 * @commands_told: the card knows where they are
 * @number: the card's number of the oldest command
 * @coalesce: what the QUEUE_COALESCE register holds
 * @overheard: who submits has found ends that an interrupt may still tell of
 * @deferred: the queue's interrupt is left pending: @late looks for ends, and who submits
 * @found: looks of who submits that found an end since
 * @found_before: of them, how many when @late went off last
 * @wary: for how many interrupts this is not tried again
 * @wariness: what @wary was last
 * @late: for ends that nobody else looks for
 * @idle: woken when @active becomes NULL
 * @deadline: of the oldest table, jiffies
 * @watchdog: goes off at @deadline, or before
 * @unheard: for what memory does not tell of, after its interrupt was taken back
 * @number_then: what @number was when that was set
 * @recovery: stops the engine: sleeps meanwhile
 * @stats: counters
 */
struct prd32_channel {
	struct prd32_card *card;
	unsigned int index;
	unsigned int irq;
	spinlock_t lock; /* see above */
	struct list_head queue[PRD32_CLIENTS];
	unsigned int served;
	struct prd32_request *active;
	bool cyclic;
	unsigned int depth;
	unsigned int loops[2];
	struct prd32_slot slot[PRD32_SLOTS];
	unsigned int slots;
	unsigned int first;
	unsigned int flight;
	bool in_queue;
	bool takes_more;
	int refuse;
	unsigned int frozen;
	bool recovering;
	bool overdue;
	bool broken;
	u32 periods;
	u32 sequence;
	u32 control;
	u32 card_addr;
	u32 length;
	bool programmed;
	struct prd32_status *status;
	dma_addr_t status_dma;
	struct prd32_command *commands;
	dma_addr_t commands_dma;
	bool commands_told;
	u32 number;
	u32 coalesce;
	bool overheard;
	bool deferred;
	unsigned int found;
	unsigned int found_before;
	unsigned int wary;
	unsigned int wariness;
	struct hrtimer late;
	wait_queue_head_t idle;
	unsigned long deadline;
	struct timer_list watchdog;
	struct timer_list unheard;
	u32 number_then;
	struct work_struct recovery;
	struct prd32_stats stats;
};

/**
 * struct prd32_card - one card; lives from probe to remove
 * @dma_dev: the PCI function
 * @mmio: the registers
 * @info: what front ends may know
 * @caps: the CAPS register, from which most of @info is
 * @irq_lock: guards @irq_enable and its register
 * @irq_enable: what the IRQ_ENABLE register holds
 * @read_cause: only the cause register tells whose interrupt it is: a line, perhaps shared
 * @one_message: all channels share a single message interrupt
 * @recovery_lock: one recovery or reset at a time
 * @recoverer: who holds @recovery_lock while it resets the function
 * @detached: a reset, or an error of the bus, has the engines; guarded by @recovery_lock
 * @slot_deadline: when the slot was frozen: to give up
 * @patience: for how long who waits looks for the end before it sleeps, ns; learned, see poll.c
 * @memory_lock: guards @memory
 * @memory: which 4 KiB of card memory somebody has
 * @clients: the front ends' seats
 * @idle: who wants to know when a channel has nothing more to do
 * @debugfs: the card's directory
 * @ch: the channels
 */
struct prd32_card {
	struct device *dma_dev;
	void __iomem *mmio;
	struct prd32_info info;
	u32 caps;
	spinlock_t irq_lock; /* see above */
	u32 irq_enable;
	bool read_cause;
	bool one_message;
	struct mutex recovery_lock; /* see above */
	struct task_struct *recoverer;
	bool detached;
	struct delayed_work slot_deadline;
	u32 patience;
	spinlock_t memory_lock; /* see above */
	unsigned long *memory;
	struct prd32_client *clients[PRD32_CLIENTS];
	struct atomic_notifier_head idle;
	struct dentry *debugfs;
	struct prd32_channel ch[PRD32_LIMIT_CHANNELS];
};

#define prd32_for_each_channel(ch, card) \
	for ((ch) = (card)->ch; (ch) < (card)->ch + (card)->info.channels; (ch)++)

/* The n-th oldest of the tables that the engine has, or of those that it may get. */
static inline struct prd32_slot *prd32_slot(struct prd32_channel *ch, unsigned int n)
{
	return &ch->slot[(ch->first + n) % ch->slots];
}

/* A waiting request is in a list. Of one that was submitted and has not ended, channel locked. */
static inline bool prd32_at_engine(const struct prd32_request *req)
{
	return list_empty(&req->node);
}

/* Channel locked: a request comes, or goes. */
static inline void prd32_count(struct prd32_channel *ch, const struct prd32_request *req, int by)
{
	WRITE_ONCE(ch->depth, ch->depth + by);
	if (req->endpoint == PRD32_ENDPOINT_LOOPBACK)
		WRITE_ONCE(ch->loops[req->to_host], ch->loops[req->to_host] + by);
}

/* Module parameters, main.c */
extern unsigned int prd32_timeout_ms;
extern bool prd32_use_writeback;
extern bool prd32_use_queue;
extern unsigned int prd32_spin_us;
extern unsigned int prd32_spin_kib;
extern unsigned int prd32_defer_us;

/* identify.c */
int prd32_hw_identify(struct prd32_card *card);

/* hw.c: registers, but for those of the command queue */
int prd32_hw_quiet(struct prd32_card *card);
void prd32_hw_enable_irqs(struct prd32_card *card);
void prd32_hw_set_irq(struct prd32_channel *ch, bool on);
void prd32_hw_forget(struct prd32_channel *ch);
void prd32_hw_start(struct prd32_channel *ch, const struct prd32_request *req, u32 card_addr,
		    u32 length);
int prd32_hw_stop(struct prd32_channel *ch);
int prd32_hw_reset_channel(struct prd32_channel *ch);
int prd32_hw_status(struct prd32_channel *ch);
bool prd32_hw_has_news(const struct prd32_channel *ch);
int prd32_hw_ended(struct prd32_channel *ch, struct prd32_report *report, bool ask);
void prd32_hw_report(struct prd32_channel *ch, struct prd32_report *report);
u32 prd32_hw_periods(struct prd32_channel *ch);
u32 prd32_hw_residual(struct prd32_channel *ch);
u32 prd32_hw_crc(struct prd32_channel *ch);
bool prd32_hw_irq_pending(struct prd32_channel *ch);
bool prd32_hw_ack_irq(struct prd32_channel *ch, bool flush);
u32 prd32_hw_peek(struct prd32_card *card, u32 offset, unsigned int width);
void prd32_hw_rearm(struct prd32_card *card);

/* commands.c: the command queue */
void prd32_commands_setup(struct prd32_channel *ch, void *memory, dma_addr_t dma);
void prd32_commands_forget(struct prd32_channel *ch);
void prd32_command_put(struct prd32_channel *ch, const struct prd32_slot *slot, u32 card_addr);
void prd32_commands_ring(struct prd32_channel *ch);
void prd32_commands_seen(struct prd32_channel *ch);
bool prd32_command_has_news(const struct prd32_channel *ch);
int prd32_command_ended(struct prd32_channel *ch, struct prd32_report *report, bool ask);
u32 prd32_command_moved(struct prd32_channel *ch);
unsigned int prd32_commands_stopped(struct prd32_channel *ch);
bool prd32_commands_halted(struct prd32_channel *ch);

/* table.c */
int prd32_fill_table(struct prd32_channel *ch, struct prd32_slot *slot, struct prd32_request *req);

/* channel.c */
void prd32_channel_init(struct prd32_card *card, unsigned int index);
bool prd32_channel_event(struct prd32_channel *ch, bool ask);
bool prd32_channel_interrupted(struct prd32_channel *ch);
void prd32_channel_table_ended(struct prd32_channel *ch, const struct prd32_report *report,
			       int error, struct list_head *done);
void prd32_channel_catch_up(struct prd32_channel *ch, struct list_head *done);
void prd32_channel_replay(struct prd32_channel *ch, struct list_head *done);
void prd32_channel_tell_if_idle(struct prd32_channel *ch);
void prd32_channel_start_next(struct prd32_channel *ch, struct list_head *done);
void prd32_complete(struct list_head *done);

/* queue.c */
void prd32_freeze(struct prd32_card *card);
void prd32_thaw(struct prd32_card *card);
void prd32_refuse(struct prd32_card *card, int error);
void prd32_kill(struct prd32_card *card);

/* poll.c */
void prd32_poll_no_more(struct prd32_channel *ch);

/* defer.c */
bool prd32_defer(struct prd32_channel *ch);
void prd32_defer_end(struct prd32_channel *ch);
void prd32_defer_end_if_behind(struct prd32_channel *ch);
void prd32_defer_init(struct prd32_channel *ch);
void prd32_defer_exit(struct prd32_channel *ch);

/* recovery.c */
int prd32_recovery_setup(void);
void prd32_recovery_cleanup(void);
void prd32_recovery_init(struct prd32_channel *ch);
void prd32_recovery_exit(struct prd32_channel *ch);
void prd32_recovery_watch(struct prd32_channel *ch);
void prd32_recovery_listen(struct prd32_channel *ch);
void prd32_recover_soon(struct prd32_channel *ch);

/* errors.c */
extern const struct pci_error_handlers prd32_error_handlers;
void prd32_errors_init(struct prd32_card *card);
void prd32_errors_exit(struct prd32_card *card);

/* power.c */
extern const struct dev_pm_ops prd32_pm_ops;
void prd32_silence(struct prd32_card *card);

/* irq.c */
int prd32_irq_setup(struct prd32_card *card);

/* memory.c */
int prd32_memory_setup(struct prd32_card *card);

/* clients.c */
int prd32_clients_add(struct prd32_card *card);
void prd32_clients_remove(struct prd32_card *card);

/* debugfs.c */
void prd32_debugfs_init(void);
void prd32_debugfs_exit(void);
void prd32_debugfs_add(struct prd32_card *card);
void prd32_debugfs_remove(struct prd32_card *card);

/* sysfs.c */
extern const struct attribute_group *prd32_groups[];

/* pci.c */
extern struct pci_driver prd32_pci_driver;
void prd32_open_bus(struct prd32_card *card);

#endif /* PRD32_CORE_H */
