/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers, descriptors and limits of the prd32 DMA card.
 * Written by hw-model/generate.py from hw-model/registers.toml: edit that file, not this one.
 */
#ifndef PRD32_REGS_H
#define PRD32_REGS_H

#include <linux/bits.h>
#include <linux/types.h>

/* The PCI function */
#define PRD32_PCI_VENDOR_ID		0x1234
#define PRD32_PCI_DEVICE_ID		0x3270
#define PRD32_PCI_SUBSYSTEM_VENDOR_ID	0x1234
#define PRD32_PCI_SUBSYSTEM_ID		0x0001
#define PRD32_PCI_REVISION_ID		0x01
#define PRD32_PCI_CLASS_CODE		0x088000

/* BAR MMIO: all registers */
#define PRD32_BAR_MMIO			0
#define PRD32_BAR_MMIO_SIZE		0x1000

/*
 * BAR MEMORY: card memory, in the BARs 2 and 3. The size is that of the default configuration:
 * the memory's, rounded up to a power of two
 */
#define PRD32_BAR_MEMORY		2
#define PRD32_BAR_MEMORY_SIZE		0x4000000

/* BAR IO: the bus-master block as SFF-8038i places it, mirrored at the start of the MMIO BAR */
#define PRD32_BAR_IO			4
#define PRD32_BAR_IO_SIZE		0x10

/* Interrupt vectors */
/* CH0: channel 0 finished, in success or in error, or completed a marked descriptor */
#define PRD32_VECTOR_CH0		0
/* CH1: channel 1 finished, in success or in error, or completed a marked descriptor */
#define PRD32_VECTOR_CH1		1
/* ERROR: a channel stopped in error */
#define PRD32_VECTOR_ERROR		2
#define PRD32_VECTORS			3

/* Limits */
/* CHANNELS: DMA channels */
#define PRD32_LIMIT_CHANNELS		2
/* PRDT_ALIGN: alignment of a PRDT's bus address, bytes */
#define PRD32_LIMIT_PRDT_ALIGN		0x10000
/* PRDT_MAX_ENTRIES: entries that a PRDT may have; the last one carries EOT */
#define PRD32_LIMIT_PRDT_MAX_ENTRIES	0x1000
/* PRD_BOUNDARY: a PRD's region must not cross a multiple of this, bytes */
#define PRD32_LIMIT_PRD_BOUNDARY	0x10000
/* PRD_MAX_BYTES: the largest region of one PRD, bytes; encoded as count 0 */
#define PRD32_LIMIT_PRD_MAX_BYTES	0x10000
/* ADDRESS_BITS: width of the addresses that the card can put on the bus */
#define PRD32_LIMIT_ADDRESS_BITS	32
/*
 * PRDT_LAST_RESORT: entries after which the card gives up on a table, whatever its rules are
 * switched to
 */
#define PRD32_LIMIT_PRDT_LAST_RESORT	0x10000
/* LOOPBACK_BYTES: what the loopback between the channels holds, bytes */
#define PRD32_LIMIT_LOOPBACK_BYTES	0x20000
/* WRITEBACK_BYTES: size and alignment of a status block in host memory, bytes */
#define PRD32_LIMIT_WRITEBACK_BYTES	16
/* MEMORY_DEFAULT: card memory unless configured otherwise, bytes */
#define PRD32_LIMIT_MEMORY_DEFAULT	0x4000000
/* MEMORY_MIN: the smallest card memory, bytes */
#define PRD32_LIMIT_MEMORY_MIN		0x100000
/* MEMORY_MAX: the largest card memory, bytes */
#define PRD32_LIMIT_MEMORY_MAX		0x40000000

/* The interface that this header describes */
#define PRD32_ID_MAGIC_EXPECTED		0x32445250
#define PRD32_VERSION_MAJOR_EXPECTED	1
#define PRD32_VERSION_MINOR_EXPECTED	2

/*
 * ---- bus_master: The SFF-8038i bus-master block, 8 bytes a channel. Reachable through the I/O
 * BAR and the MMIO BAR in accesses of 1, 2 and 4 bytes. Offsets count from the start of the
 * MMIO BAR.
 */

/* BM_COMMAND, 8 bits: Starts and stops the channel. */
#define PRD32_BM_COMMAND(ch)		(0x00 + (ch) * 0x08)
/*
 * START, rw: 1 starts the channel at the PRDT, 0 stops it. What was moved before a stop stays
 * counted. The card clears it when the transfer ends.
 */
#define PRD32_BM_COMMAND_START		BIT(0)
/*
 * TO_HOST, rw: 1: the card writes host memory (a driver's read), 0: the card reads host memory.
 * Ignored while the channel is active.
 */
#define PRD32_BM_COMMAND_TO_HOST	BIT(3)

/* BM_STATUS, 8 bits: What the channel does and how its last transfer ended. */
#define PRD32_BM_STATUS(ch)		(0x02 + (ch) * 0x08)
/*
 * ACTIVE, ro: the channel is moving data; after a stop, until what is under way on the bus has
 * ended
 */
#define PRD32_BM_STATUS_ACTIVE		BIT(0)
/* ERROR, w1c: the transfer stopped in error; the same bit as IRQ_CAUSE.ERRn */
#define PRD32_BM_STATUS_ERROR		BIT(1)
/*
 * INTERRUPT, w1c: the transfer ended, in success or in error, or a marked descriptor is done;
 * the same bit as IRQ_CAUSE.CHn
 */
#define PRD32_BM_STATUS_INTERRUPT	BIT(2)

/*
 * BM_PRDT, 32 bits: Bus address of the PRDT, taken at START. All bits are kept, so that a
 * misaligned address is refused rather than rounded.
 */
#define PRD32_BM_PRDT(ch)		(0x04 + (ch) * 0x08)
/* ADDRESS, rw: must be a multiple of 2 to the power of CAPS.PRDT_ALIGN_LOG2 */
#define PRD32_BM_PRDT_ADDRESS		GENMASK(31, 0)

/* ---- global: Identification, capabilities and interrupts, in the MMIO BAR only. */

/* ID, 32 bits: Identification. */
#define PRD32_ID			0x10
/* MAGIC, ro: the bytes 'PRD2' in memory order */
#define PRD32_ID_MAGIC			GENMASK(31, 0)

/*
 * VERSION, 32 bits: Version of the register interface. A driver refuses a major version that it
 * does not know.
 */
#define PRD32_VERSION			0x14
/* MINOR, ro: compatible additions */
#define PRD32_VERSION_MINOR		GENMASK(15, 0)
/* MAJOR, ro: incompatible changes */
#define PRD32_VERSION_MAJOR		GENMASK(31, 16)

/*
 * CAPS, 32 bits: What this card can do. Fixed when the card is built; the reset values are
 * those of the default configuration.
 */
#define PRD32_CAPS			0x18
/* CHANNELS, ro: number of DMA channels */
#define PRD32_CAPS_CHANNELS		GENMASK(3, 0)
/* GRANULE_LOG2, ro: PRD base and count must be multiples of 2 to this power, bytes */
#define PRD32_CAPS_GRANULE_LOG2		GENMASK(7, 4)
/* ENTRIES_LOG2, ro: a PRDT has at most 2 to this power entries */
#define PRD32_CAPS_ENTRIES_LOG2		GENMASK(12, 8)
/* CYCLIC, ro: cyclic tables are there: CONTROL.CYCLIC and the descriptor's MARK */
#define PRD32_CAPS_CYCLIC		BIT(13)
/* WRITEBACK, ro: status writeback is there: CONTROL.WRITEBACK */
#define PRD32_CAPS_WRITEBACK		BIT(14)
/* ENDPOINTS, ro: other endpoints than card memory are there: CONTROL.ENDPOINT */
#define PRD32_CAPS_ENDPOINTS		BIT(15)
/* PRDT_ALIGN_LOG2, ro: BM_PRDT must be a multiple of 2 to this power, bytes */
#define PRD32_CAPS_PRDT_ALIGN_LOG2	GENMASK(20, 16)
/*
 * ZERO_REFUSED, ro: count 0 breaks rule prd-count-zero, whatever it is switched to: larger
 * regions than 65535 bytes need two descriptors
 */
#define PRD32_CAPS_ZERO_REFUSED		BIT(21)
/* QUEUE, ro: the command queue is there: QUEUE_TAIL */
#define PRD32_CAPS_QUEUE		BIT(22)

/*
 * MEM_SIZE, 32 bits: Size of the card memory. The reset value is that of the default
 * configuration.
 */
#define PRD32_MEM_SIZE			0x1c
/* BYTES, ro: bytes */
#define PRD32_MEM_SIZE_BYTES		GENMASK(31, 0)

/*
 * IRQ_CAUSE, 32 bits: Pending interrupt causes. Each is the same bit as the one in BM_STATUS
 * that its text names: cleared in one place, it is clear in both.
 */
#define PRD32_IRQ_CAUSE			0x20
/* CH0, w1c: BM_STATUS.INTERRUPT of channel 0 */
#define PRD32_IRQ_CAUSE_CH0		BIT(0)
/* CH1, w1c: BM_STATUS.INTERRUPT of channel 1 */
#define PRD32_IRQ_CAUSE_CH1		BIT(1)
/* ERR0, w1c: BM_STATUS.ERROR of channel 0 */
#define PRD32_IRQ_CAUSE_ERR0		BIT(8)
/* ERR1, w1c: BM_STATUS.ERROR of channel 1 */
#define PRD32_IRQ_CAUSE_ERR1		BIT(9)

/*
 * IRQ_ENABLE, 32 bits: A vector's line is high while any cause of that vector is pending here
 * and in IRQ_CAUSE. CHn drives vector CHn, every ERRn drives vector ERROR.
 */
#define PRD32_IRQ_ENABLE		0x24
/* CH0, rw: enable IRQ_CAUSE.CH0 */
#define PRD32_IRQ_ENABLE_CH0		BIT(0)
/* CH1, rw: enable IRQ_CAUSE.CH1 */
#define PRD32_IRQ_ENABLE_CH1		BIT(1)
/* ERR0, rw: enable IRQ_CAUSE.ERR0 */
#define PRD32_IRQ_ENABLE_ERR0		BIT(8)
/* ERR1, rw: enable IRQ_CAUSE.ERR1 */
#define PRD32_IRQ_ENABLE_ERR1		BIT(9)

/* SCRATCH, 32 bits: Keeps what is written; for a driver's self-test of the access path. */
#define PRD32_SCRATCH			0x28
/* VALUE, rw: any value */
#define PRD32_SCRATCH_VALUE		GENMASK(31, 0)

/*
 * ---- channel: The channel's card side and its report, in the MMIO BAR only. The report is
 * cleared at START and stays until the next START or a reset.
 */

/* CARD_ADDR, 32 bits: Where in card memory the transfer starts. Taken at START. */
#define PRD32_CARD_ADDR(ch)		(0x40 + (ch) * 0x40)
/* ADDRESS, rw: byte offset into card memory */
#define PRD32_CARD_ADDR_ADDRESS		GENMASK(31, 0)

/* LENGTH, 32 bits: How many bytes the driver means to move. Taken at START. */
#define PRD32_LENGTH(ch)		(0x44 + (ch) * 0x40)
/*
 * BYTES, rw: 0: as many as the table describes; else the table must describe exactly this many.
 * In a cyclic table, in each lap
 */
#define PRD32_LENGTH_BYTES		GENMASK(31, 0)

/*
 * RESIDUAL, 32 bits: What is left of LENGTH, in a cyclic table of this lap's. 0 when LENGTH is
 * 0.
 */
#define PRD32_RESIDUAL(ch)		(0x48 + (ch) * 0x40)
/* BYTES, ro: bytes not moved */
#define PRD32_RESIDUAL_BYTES		GENMASK(31, 0)

/*
 * MOVED, 32 bits: What was moved since START, by descriptors that are done. In a cyclic table
 * it wraps.
 */
#define PRD32_MOVED(ch)			(0x4c + (ch) * 0x40)
/* BYTES, ro: bytes moved */
#define PRD32_MOVED_BYTES		GENMASK(31, 0)

/* PRDS, 32 bits: Descriptors completed since START. In a cyclic table it wraps. */
#define PRD32_PRDS(ch)			(0x50 + (ch) * 0x40)
/* COUNT, ro: descriptors */
#define PRD32_PRDS_COUNT		GENMASK(31, 0)

/* ERROR, 32 bits: Why the transfer stopped. */
#define PRD32_ERROR(ch)			(0x54 + (ch) * 0x40)
/* CODE, ro: 0 when it did not stop in error */
#define PRD32_ERROR_CODE		GENMASK(7, 0)

/* ERROR_INDEX, 32 bits: Index of the PRD at fault, else 0. */
#define PRD32_ERROR_INDEX(ch)		(0x58 + (ch) * 0x40)
/* INDEX, ro: counted from 0 */
#define PRD32_ERROR_INDEX_INDEX		GENMASK(31, 0)

/*
 * ERROR_ADDR, 32 bits: The address at fault: the PRDT's, the descriptor's, or the data's, as
 * the code says.
 */
#define PRD32_ERROR_ADDR(ch)		(0x5c + (ch) * 0x40)
/* ADDRESS, ro: bus address, or offset into card memory */
#define PRD32_ERROR_ADDR_ADDRESS	GENMASK(31, 0)

/*
 * ---- extension: Extensions and the record of breaches, in the MMIO BAR only. Bits of CONTROL
 * for what CAPS says is not there stay 0; other registers keep what is written, and nothing
 * looks at it.
 */

/* CONTROL, 32 bits: How the channel works. All but RESET is taken at START. */
#define PRD32_CONTROL(ch)		(0x100 + (ch) * 0x100)
/*
 * RESET, trigger: 1 ends the channel's transfer, and gives the channel's registers in all
 * blocks and its loopback their reset state. ACTIVE stays until what is under way on the bus
 * has ended
 */
#define PRD32_CONTROL_RESET		BIT(0)
/*
 * CYCLIC, rw: after the descriptor with EOT the card goes on with the first; only a stop, a
 * reset or an error ends it
 */
#define PRD32_CONTROL_CYCLIC		BIT(1)
/* WRITEBACK, rw: write a status block to WRITEBACK_ADDR before each interrupt */
#define PRD32_CONTROL_WRITEBACK		BIT(2)
/* ENDPOINT, rw: what the bytes come from or go to, on the card */
#define PRD32_CONTROL_ENDPOINT		GENMASK(9, 8)

/* ENTRIES, 32 bits: How many descriptors the driver means the table to have. Taken at START. */
#define PRD32_ENTRIES(ch)		(0x104 + (ch) * 0x100)
/* COUNT, rw: 0: not told, EOT says it; else EOT must be in the last of so many */
#define PRD32_ENTRIES_COUNT		GENMASK(31, 0)

/*
 * WRITEBACK_ADDR, 32 bits: Where the status block lies. Taken at START, and only looked at with
 * CONTROL.WRITEBACK.
 */
#define PRD32_WRITEBACK_ADDR(ch)	(0x108 + (ch) * 0x100)
/* ADDRESS, rw: bus address, a multiple of 16 */
#define PRD32_WRITEBACK_ADDR_ADDRESS	GENMASK(31, 0)

/*
 * SEQUENCE, 32 bits: Status blocks written since the last reset; the block holds the number
 * that it has itself.
 */
#define PRD32_SEQUENCE(ch)		(0x10c + (ch) * 0x100)
/* COUNT, ro: status blocks; wraps */
#define PRD32_SEQUENCE_COUNT		GENMASK(31, 0)

/* PERIODS, 32 bits: Marked descriptors of a cyclic table that are done since START. */
#define PRD32_PERIODS(ch)		(0x110 + (ch) * 0x100)
/* COUNT, ro: descriptors; wraps */
#define PRD32_PERIODS_COUNT		GENMASK(31, 0)

/*
 * BREACH, 32 bits: The first rule that was broken since START, whatever it is switched to, and
 * how many were.
 */
#define PRD32_BREACH(ch)		(0x114 + (ch) * 0x100)
/* CODE, ro: of the first; 0 when none was broken */
#define PRD32_BREACH_CODE		GENMASK(7, 0)
/* COUNT, ro: of all; stays at 65535 */
#define PRD32_BREACH_COUNT		GENMASK(31, 16)

/* BREACH_INDEX, 32 bits: Index of the PRD of the first breach, else 0. */
#define PRD32_BREACH_INDEX(ch)		(0x118 + (ch) * 0x100)
/* INDEX, ro: counted from 0 */
#define PRD32_BREACH_INDEX_INDEX	GENMASK(31, 0)

/* BREACH_ADDR, 32 bits: The address of the first breach, as its code says. */
#define PRD32_BREACH_ADDR(ch)		(0x11c + (ch) * 0x100)
/* ADDRESS, ro: bus address, or offset */
#define PRD32_BREACH_ADDR_ADDRESS	GENMASK(31, 0)

/* PATTERN, 32 bits: What endpoint PATTERN makes. Taken at START. */
#define PRD32_PATTERN(ch)		(0x120 + (ch) * 0x100)
/* KIND, rw: the stream */
#define PRD32_PATTERN_KIND		BIT(0)

/* PATTERN_SEED, 32 bits: Where the stream of endpoint PATTERN begins. Taken at START. */
#define PRD32_PATTERN_SEED(ch)		(0x124 + (ch) * 0x100)
/*
 * VALUE, rw: the first word of COUNTER; the first state of PRBS31 in its low 31 bits, where 0
 * stands for all ones
 */
#define PRD32_PATTERN_SEED_VALUE	GENMASK(31, 0)

/*
 * PATTERN_RATE, 32 bits: How fast endpoint PATTERN makes bytes, in simulated time from START
 * on. Taken at START.
 */
#define PRD32_PATTERN_RATE(ch)		(0x128 + (ch) * 0x100)
/*
 * KB_PER_S, rw: 1000 bytes per second; 0: as fast as they are taken, so that nothing overruns
 */
#define PRD32_PATTERN_RATE_KB_PER_S	GENMASK(31, 0)

/*
 * PATTERN_FIFO, 32 bits: How many bytes of endpoint PATTERN wait for the bus at most. Taken at
 * START; not looked at when PATTERN_RATE is 0.
 */
#define PRD32_PATTERN_FIFO(ch)		(0x12c + (ch) * 0x100)
/* BYTES, rw: bytes; less than 64 KiB counts as 64 KiB, which is one descriptor's */
#define PRD32_PATTERN_FIFO_BYTES	GENMASK(31, 0)

/* PATTERN_LOST, 32 bits: Bytes of endpoint PATTERN that found the FIFO full since START. */
#define PRD32_PATTERN_LOST(ch)		(0x130 + (ch) * 0x100)
/* BYTES, ro: bytes; wraps */
#define PRD32_PATTERN_LOST_BYTES	GENMASK(31, 0)

/* CRC, 32 bits: CRC-32C of what endpoint CHECKSUM took since START. */
#define PRD32_CRC(ch)			(0x134 + (ch) * 0x100)
/* VALUE, ro: as iSCSI and SSE 4.2 have it; 0 of no bytes */
#define PRD32_CRC_VALUE			GENMASK(31, 0)

/* QUEUE_BASE, 32 bits: Where the command queue lies. Looked at for each command. */
#define PRD32_QUEUE_BASE(ch)		(0x140 + (ch) * 0x100)
/* ADDRESS, rw: bus address of the first command, a multiple of 32 */
#define PRD32_QUEUE_BASE_ADDRESS	GENMASK(31, 0)

/* QUEUE_SIZE, 32 bits: How many commands the queue has room for. Looked at for each command. */
#define PRD32_QUEUE_SIZE(ch)		(0x144 + (ch) * 0x100)
/* LOG2, rw: 2 to this power: 1 to 32768 commands */
#define PRD32_QUEUE_SIZE_LOG2		GENMASK(3, 0)

/*
 * QUEUE_TAIL, 32 bits: The doorbell: how many commands the driver has put in the queue since
 * the channel's last reset. Each write counts, so write all of it in one access.
 */
#define PRD32_QUEUE_TAIL(ch)		(0x148 + (ch) * 0x100)
/* COUNT, rw: commands; wraps */
#define PRD32_QUEUE_TAIL_COUNT		GENMASK(31, 0)

/*
 * QUEUE_HEAD, 32 bits: How many commands are done since the channel's last reset. While the
 * queue runs, the channel's report is that of the next one.
 */
#define PRD32_QUEUE_HEAD(ch)		(0x14c + (ch) * 0x100)
/* COUNT, ro: commands; wraps */
#define PRD32_QUEUE_HEAD_COUNT		GENMASK(31, 0)

/*
 * QUEUE_COALESCE, 32 bits: How often a running queue interrupts. Looked at whenever a command
 * is done.
 */
#define PRD32_QUEUE_COALESCE(ch)	(0x150 + (ch) * 0x100)
/*
 * COUNT, rw: after so many commands, after one in error, and when none is left; 0 counts as 1
 */
#define PRD32_QUEUE_COALESCE_COUNT	GENMASK(15, 0)

/* QUEUE_STATE, 32 bits: Whether the queue works. */
#define PRD32_QUEUE_STATE(ch)		(0x154 + (ch) * 0x100)
/*
 * HALTED, ro: the queue itself failed, as ERROR says: a doorbell does nothing until the channel
 * is reset
 */
#define PRD32_QUEUE_STATE_HALTED	BIT(0)

/*
 * QUEUE_SEEN, 32 bits: How many commands the driver has found done. Writing it takes the
 * queue's interrupt back, unless there is more to see. Each write counts, so write all of it in
 * one access.
 */
#define PRD32_QUEUE_SEEN(ch)		(0x158 + (ch) * 0x100)
/* COUNT, rw: commands, as NUMBER of the last one says; wraps */
#define PRD32_QUEUE_SEEN_COUNT		GENMASK(31, 0)

/**
 * struct prd32_prd - a descriptor, as the card reads it from host memory
 * @base: bus address of the region's first byte
 * @count: bytes in the region; 0 means 64 KiB
 * @flags: PRD32_PRD_EOT, PRD32_PRD_MARK, both, or 0
 */
struct prd32_prd {
	__le32 base;
	__le16 count;
	__le16 flags;
};

/* Bits of prd32_prd.flags, in the processor's order */
/* RESERVED: must be zero */
#define PRD32_PRD_RESERVED		GENMASK(13, 0)
/* MARK: interrupt when this descriptor is done, in a cyclic table; must be zero in any other */
#define PRD32_PRD_MARK			BIT(14)
/* EOT: this is the table's last descriptor */
#define PRD32_PRD_EOT			BIT(15)
#define PRD32_PRD_SIZE			8

/**
 * struct prd32_command - A command of the queue: the driver writes the first half, the card the
 * second when the command is done.
 * @prdt: as BM_PRDT
 * @card_addr: as the register
 * @length: as the register
 * @flags: how the command is done; reserved bits must be zero
 * @result: why the command stopped
 * @moved: as the register
 * @detail: what else there is to say
 * @number: which command this is the status of
 */
struct prd32_command {
	__le32 prdt;
	__le32 card_addr;
	__le32 length;
	__le32 flags;
	__le32 result;
	__le32 moved;
	__le32 detail;
	__le32 number;
};

/* Bits of prd32_command, in the processor's order */
/* TO_HOST: as BM_COMMAND.TO_HOST */
#define PRD32_COMMAND_FLAGS_TO_HOST	BIT(0)
/* ENDPOINT: as CONTROL.ENDPOINT */
#define PRD32_COMMAND_FLAGS_ENDPOINT	GENMASK(9, 8)
/* ENTRIES: as ENTRIES; 0: not told */
#define PRD32_COMMAND_FLAGS_ENTRIES	GENMASK(31, 16)
/* CODE: as ERROR.CODE */
#define PRD32_COMMAND_RESULT_CODE	GENMASK(7, 0)
/* INDEX: as ERROR_INDEX */
#define PRD32_COMMAND_RESULT_INDEX	GENMASK(31, 16)

/* Codes ENDPOINT: What a channel's bytes come from or go to. */
/* MEMORY: card memory, from CARD_ADDR on, in both directions */
#define PRD32_ENDPOINT_MEMORY		0
/* PATTERN: a pattern generator: to the host only */
#define PRD32_ENDPOINT_PATTERN		1
/* CHECKSUM: a sink that adds up CRC: from the host only */
#define PRD32_ENDPOINT_CHECKSUM		2
/*
 * LOOPBACK: the loopback: what a channel takes from the host, one that moves to the host gets
 */
#define PRD32_ENDPOINT_LOOPBACK		3

/**
 * prd32_endpoint_name() - the name of a PRD32_ENDPOINT code, for messages
 * @code: the code, as the card reports it
 *
 * Return: the name in the data sheet, or "UNKNOWN".
 */
static inline const char *prd32_endpoint_name(u32 code)
{
	switch (code) {
	case PRD32_ENDPOINT_MEMORY:
		return "MEMORY";
	case PRD32_ENDPOINT_PATTERN:
		return "PATTERN";
	case PRD32_ENDPOINT_CHECKSUM:
		return "CHECKSUM";
	case PRD32_ENDPOINT_LOOPBACK:
		return "LOOPBACK";
	default:
		return "UNKNOWN";
	}
}

/* Codes PATTERN_KIND: Streams of endpoint PATTERN. */
/* PRBS31: the pseudo-random bits of x^31 + x^28 + 1, each byte's most significant bit first */
#define PRD32_PATTERN_KIND_PRBS31	0
/* COUNTER: 32-bit words, little endian, each one more than the last */
#define PRD32_PATTERN_KIND_COUNTER	1

/**
 * prd32_pattern_kind_name() - the name of a PRD32_PATTERN_KIND code, for messages
 * @code: the code, as the card reports it
 *
 * Return: the name in the data sheet, or "UNKNOWN".
 */
static inline const char *prd32_pattern_kind_name(u32 code)
{
	switch (code) {
	case PRD32_PATTERN_KIND_PRBS31:
		return "PRBS31";
	case PRD32_PATTERN_KIND_COUNTER:
		return "COUNTER";
	default:
		return "UNKNOWN";
	}
}

/* Codes ERR: Why a channel stopped, and which rule was broken. */
/* NONE: no error */
#define PRD32_ERR_NONE			0
/*
 * PRDT_ALIGN: the PRDT is not aligned to 2 to the power of CAPS.PRDT_ALIGN_LOG2, 64 KiB unless
 * configured
 */
#define PRD32_ERR_PRDT_ALIGN		1
/* PRDT_FETCH: the bus refused the fetch of a descriptor */
#define PRD32_ERR_PRDT_FETCH		2
/*
 * PRDT_NO_EOT: the last descriptor that ENTRIES, or CAPS.ENTRIES_LOG2, allows was executed and
 * has no EOT
 */
#define PRD32_ERR_PRDT_NO_EOT		3
/*
 * PRD_RESERVED: a reserved bit of the descriptor is set; MARK is one unless the table is cyclic
 */
#define PRD32_ERR_PRD_RESERVED		4
/* PRD_BASE_ALIGN: the base is not a multiple of 2 to the power of CAPS.GRANULE_LOG2 */
#define PRD32_ERR_PRD_BASE_ALIGN	5
/* PRD_WRAP: the region runs past 4 GiB */
#define PRD32_ERR_PRD_WRAP		6
/* PRD_CROSS: the region crosses a 64 KiB boundary */
#define PRD32_ERR_PRD_CROSS		7
/* CARD_RANGE: the transfer runs past the card memory */
#define PRD32_ERR_CARD_RANGE		8
/* DATA_READ: the bus refused a read of data */
#define PRD32_ERR_DATA_READ		9
/* DATA_WRITE: the bus refused a write of data */
#define PRD32_ERR_DATA_WRITE		10
/* LENGTH_SHORT: the table ends before LENGTH bytes */
#define PRD32_ERR_LENGTH_SHORT		11
/* LENGTH_LONG: the table describes more than LENGTH bytes */
#define PRD32_ERR_LENGTH_LONG		12
/* PRDT_CROSS: a descriptor lies behind the 64 KiB that the PRDT begins in */
#define PRD32_ERR_PRDT_CROSS		13
/*
 * PRDT_ENTRIES: ENTRIES says more than CAPS.ENTRIES_LOG2 allows, or the table goes on behind so
 * many
 */
#define PRD32_ERR_PRDT_ENTRIES		14
/* PRD_COUNT_ALIGN: the count is not a multiple of 2 to the power of CAPS.GRANULE_LOG2 */
#define PRD32_ERR_PRD_COUNT_ALIGN	15
/* PRD_ZERO: the count is 0, which does not mean 64 KiB to this card */
#define PRD32_ERR_PRD_ZERO		16
/*
 * PRDT_EDITED: a descriptor was changed between its fetch and its turn; not looked for in a
 * cyclic table
 */
#define PRD32_ERR_PRDT_EDITED		17
/* START_ACTIVE: START was written as 1 while the channel was active */
#define PRD32_ERR_START_ACTIVE		18
/* PRDT_ACTIVE: BM_PRDT was written while the channel was active */
#define PRD32_ERR_PRDT_ACTIVE		19
/* CARD_ADDR_ACTIVE: CARD_ADDR was written while the channel was active */
#define PRD32_ERR_CARD_ADDR_ACTIVE	20
/* LENGTH_ACTIVE: LENGTH was written while the channel was active */
#define PRD32_ERR_LENGTH_ACTIVE		21
/* SETUP_ACTIVE: another register that START takes was written while the channel was active */
#define PRD32_ERR_SETUP_ACTIVE		22
/* ENDPOINT_DIRECTION: CONTROL.ENDPOINT does not go in the direction that TO_HOST says */
#define PRD32_ERR_ENDPOINT_DIRECTION	23
/* PATTERN_OVERRUN: the pattern generator's FIFO ran over before this descriptor's turn */
#define PRD32_ERR_PATTERN_OVERRUN	24
/* WRITEBACK_ALIGN: WRITEBACK_ADDR is not a multiple of 16 */
#define PRD32_ERR_WRITEBACK_ALIGN	25
/* WRITEBACK_REFUSED: the bus refused the write of the status block */
#define PRD32_ERR_WRITEBACK_REFUSED	26
/* PRDT_EARLY_EOT: EOT comes before the last of ENTRIES descriptors */
#define PRD32_ERR_PRDT_EARLY_EOT	27
/* QUEUE_ALIGN: QUEUE_BASE is not a multiple of 32 */
#define PRD32_ERR_QUEUE_ALIGN		28
/* QUEUE_OVERRUN: QUEUE_TAIL is further from QUEUE_HEAD than the queue has room */
#define PRD32_ERR_QUEUE_OVERRUN		29
/* QUEUE_FETCH: the bus refused the fetch of a command */
#define PRD32_ERR_QUEUE_FETCH		30
/* COMMAND_RESERVED: a reserved bit of a command's FLAGS is set */
#define PRD32_ERR_COMMAND_RESERVED	31

/**
 * prd32_err_name() - the name of a PRD32_ERR code, for messages
 * @code: the code, as the card reports it
 *
 * Return: the name in the data sheet, or "UNKNOWN".
 */
static inline const char *prd32_err_name(u32 code)
{
	switch (code) {
	case PRD32_ERR_NONE:
		return "NONE";
	case PRD32_ERR_PRDT_ALIGN:
		return "PRDT_ALIGN";
	case PRD32_ERR_PRDT_FETCH:
		return "PRDT_FETCH";
	case PRD32_ERR_PRDT_NO_EOT:
		return "PRDT_NO_EOT";
	case PRD32_ERR_PRD_RESERVED:
		return "PRD_RESERVED";
	case PRD32_ERR_PRD_BASE_ALIGN:
		return "PRD_BASE_ALIGN";
	case PRD32_ERR_PRD_WRAP:
		return "PRD_WRAP";
	case PRD32_ERR_PRD_CROSS:
		return "PRD_CROSS";
	case PRD32_ERR_CARD_RANGE:
		return "CARD_RANGE";
	case PRD32_ERR_DATA_READ:
		return "DATA_READ";
	case PRD32_ERR_DATA_WRITE:
		return "DATA_WRITE";
	case PRD32_ERR_LENGTH_SHORT:
		return "LENGTH_SHORT";
	case PRD32_ERR_LENGTH_LONG:
		return "LENGTH_LONG";
	case PRD32_ERR_PRDT_CROSS:
		return "PRDT_CROSS";
	case PRD32_ERR_PRDT_ENTRIES:
		return "PRDT_ENTRIES";
	case PRD32_ERR_PRD_COUNT_ALIGN:
		return "PRD_COUNT_ALIGN";
	case PRD32_ERR_PRD_ZERO:
		return "PRD_ZERO";
	case PRD32_ERR_PRDT_EDITED:
		return "PRDT_EDITED";
	case PRD32_ERR_START_ACTIVE:
		return "START_ACTIVE";
	case PRD32_ERR_PRDT_ACTIVE:
		return "PRDT_ACTIVE";
	case PRD32_ERR_CARD_ADDR_ACTIVE:
		return "CARD_ADDR_ACTIVE";
	case PRD32_ERR_LENGTH_ACTIVE:
		return "LENGTH_ACTIVE";
	case PRD32_ERR_SETUP_ACTIVE:
		return "SETUP_ACTIVE";
	case PRD32_ERR_ENDPOINT_DIRECTION:
		return "ENDPOINT_DIRECTION";
	case PRD32_ERR_PATTERN_OVERRUN:
		return "PATTERN_OVERRUN";
	case PRD32_ERR_WRITEBACK_ALIGN:
		return "WRITEBACK_ALIGN";
	case PRD32_ERR_WRITEBACK_REFUSED:
		return "WRITEBACK_REFUSED";
	case PRD32_ERR_PRDT_EARLY_EOT:
		return "PRDT_EARLY_EOT";
	case PRD32_ERR_QUEUE_ALIGN:
		return "QUEUE_ALIGN";
	case PRD32_ERR_QUEUE_OVERRUN:
		return "QUEUE_OVERRUN";
	case PRD32_ERR_QUEUE_FETCH:
		return "QUEUE_FETCH";
	case PRD32_ERR_COMMAND_RESERVED:
		return "COMMAND_RESERVED";
	default:
		return "UNKNOWN";
	}
}

#endif /* PRD32_REGS_H */
