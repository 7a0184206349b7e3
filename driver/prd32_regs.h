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

/* BAR IO: the bus-master block as SFF-8038i places it, mirrored at the start of the MMIO BAR */
#define PRD32_BAR_IO			4
#define PRD32_BAR_IO_SIZE		0x10

/* Interrupt vectors */
/* CH0: channel 0 finished, in success or in error */
#define PRD32_VECTOR_CH0		0
/* CH1: channel 1 finished, in success or in error */
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
/* MEMORY_DEFAULT: card memory unless configured otherwise, bytes */
#define PRD32_LIMIT_MEMORY_DEFAULT	0x4000000
/* MEMORY_MIN: the smallest card memory, bytes */
#define PRD32_LIMIT_MEMORY_MIN		0x100000
/* MEMORY_MAX: the largest card memory, bytes */
#define PRD32_LIMIT_MEMORY_MAX		0x40000000

/* The interface that this header describes */
#define PRD32_ID_MAGIC_EXPECTED		0x32445250
#define PRD32_VERSION_MAJOR_EXPECTED	1
#define PRD32_VERSION_MINOR_EXPECTED	0

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
/* INTERRUPT, w1c: the transfer ended, in success or in error; the same bit as IRQ_CAUSE.CHn */
#define PRD32_BM_STATUS_INTERRUPT	BIT(2)

/*
 * BM_PRDT, 32 bits: Bus address of the PRDT, taken at START. All bits are kept, so that a
 * misaligned address is refused rather than rounded. Ignored while the channel is active.
 */
#define PRD32_BM_PRDT(ch)		(0x04 + (ch) * 0x08)
/* ADDRESS, rw: must be a multiple of 64 KiB */
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

/*
 * CARD_ADDR, 32 bits: Where in card memory the transfer starts. Taken at START; ignored while
 * the channel is active.
 */
#define PRD32_CARD_ADDR(ch)		(0x40 + (ch) * 0x40)
/* ADDRESS, rw: byte offset into card memory */
#define PRD32_CARD_ADDR_ADDRESS		GENMASK(31, 0)

/*
 * LENGTH, 32 bits: How many bytes the driver means to move. Taken at START; ignored while the
 * channel is active.
 */
#define PRD32_LENGTH(ch)		(0x44 + (ch) * 0x40)
/*
 * BYTES, rw: 0: as many as the table describes; else the table must describe exactly this many
 */
#define PRD32_LENGTH_BYTES		GENMASK(31, 0)

/* RESIDUAL, 32 bits: What is left of LENGTH. 0 when LENGTH is 0. */
#define PRD32_RESIDUAL(ch)		(0x48 + (ch) * 0x40)
/* BYTES, ro: bytes not moved */
#define PRD32_RESIDUAL_BYTES		GENMASK(31, 0)

/* MOVED, 32 bits: What was moved since START. */
#define PRD32_MOVED(ch)			(0x4c + (ch) * 0x40)
/* BYTES, ro: bytes moved */
#define PRD32_MOVED_BYTES		GENMASK(31, 0)

/* PRDS, 32 bits: Descriptors completed since START. */
#define PRD32_PRDS(ch)			(0x50 + (ch) * 0x40)
/* COUNT, ro: descriptors */
#define PRD32_PRDS_COUNT		GENMASK(31, 0)

/* ERROR, 32 bits: Why the transfer stopped. */
#define PRD32_ERROR(ch)			(0x54 + (ch) * 0x40)
/* CODE, ro: 0 when it did not stop in error */
#define PRD32_ERROR_CODE		GENMASK(7, 0)

/* ERROR_INDEX, 32 bits: Index of the PRD at fault, when one is. */
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

/**
 * struct prd32_prd - a descriptor, as the card reads it from host memory
 * @base: bus address of the region's first byte
 * @count: bytes in the region; 0 means 64 KiB
 * @flags: PRD32_PRD_EOT, or 0
 */
struct prd32_prd {
	__le32 base;
	__le16 count;
	__le16 flags;
};

/* Bits of prd32_prd.flags, in the processor's order */
/* RESERVED: must be zero */
#define PRD32_PRD_RESERVED		GENMASK(14, 0)
/* EOT: this is the table's last descriptor */
#define PRD32_PRD_EOT			BIT(15)
#define PRD32_PRD_SIZE			8

/* Codes ERR: Why a channel stopped. */
/* NONE: no error */
#define PRD32_ERR_NONE			0
/* PRDT_ALIGN: the PRDT is not 64 KiB aligned */
#define PRD32_ERR_PRDT_ALIGN		1
/* PRDT_FETCH: the bus refused the fetch of a descriptor */
#define PRD32_ERR_PRDT_FETCH		2
/* PRDT_NO_EOT: 4096 descriptors and none carries EOT */
#define PRD32_ERR_PRDT_NO_EOT		3
/* PRD_RESERVED: a reserved bit of the descriptor is set */
#define PRD32_ERR_PRD_RESERVED		4
/* PRD_ALIGN: base or count is not a multiple of the granule */
#define PRD32_ERR_PRD_ALIGN		5
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
	case PRD32_ERR_PRD_ALIGN:
		return "PRD_ALIGN";
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
	default:
		return "UNKNOWN";
	}
}

#endif /* PRD32_REGS_H */
