// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: regions of bus memory become descriptors (driver/core/prd.c), with the kernel's own types,
 * byte order and compiler. tests/driver/unit has the same file in user space, with random cases.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "prd.h"
#include "prd32_regs.h"

#define ROOM 64

struct prd_case {
	const char *name;
	u64 addr;
	u64 len;
	u32 max;
	s64 added;
	u32 used;
};

static const struct prd_case prd_cases[] = {
	{ "one byte", 0x1000, 1, ROOM, 1, 1 },
	{ "a page", 0x1000, SZ_4K, ROOM, SZ_4K, 1 },
	{ "64 KiB, aligned", 0x10000, SZ_64K, ROOM, SZ_64K, 1 },
	{ "64 KiB, not aligned", 0x10001, SZ_64K, ROOM, SZ_64K, 2 },
	{ "up to a boundary", 0x1ffff, 1, ROOM, 1, 1 },
	{ "across a boundary", 0x1ffff, 2, ROOM, 2, 2 },
	{ "the last byte of 4 GiB", 0xffffffff, 1, ROOM, 1, 1 },
	{ "up to 4 GiB", 0xffff0000, SZ_64K, ROOM, SZ_64K, 1 },
	{ "past 4 GiB", 0xffffffff, 2, ROOM, -ERANGE, 0 },
	{ "behind 4 GiB", 0x100000000ULL, 1, ROOM, -ERANGE, 0 },
	{ "nothing", 0x1000, 0, ROOM, 0, 0 },
	{ "more than fits", 0x10000, 3 * SZ_64K, 2, 2 * SZ_64K, 2 },
	{ "no room at all", 0x10000, 1, 0, 0, 0 },
};

static void prd_case_name(const struct prd_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(prd, prd_cases, prd_case_name);

/* What a descriptor says, in the processor's order; count 0 means 64 KiB. */
static u32 prd_count(const struct prd32_prd *prd)
{
	return le16_to_cpu(prd->count) ?: SZ_64K;
}

/* The descriptors lie end to end, and none crosses 64 KiB. */
static void prd_expect_covers(struct kunit *test, const struct prd32_table *table, u64 at)
{
	u32 i;

	for (i = 0; i < table->used; i++) {
		const struct prd32_prd *prd = &table->prds[i];
		u64 base = le32_to_cpu(prd->base);
		u64 last = base + prd_count(prd) - 1;

		KUNIT_EXPECT_EQ(test, base, at);
		KUNIT_EXPECT_EQ(test, base / PRD32_LIMIT_PRD_BOUNDARY,
				last / PRD32_LIMIT_PRD_BOUNDARY);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(prd->flags), 0);
		at = last + 1;
	}
}

static void prd_adds(struct kunit *test)
{
	const struct prd_case *c = test->param_value;
	struct prd32_prd *prds = kunit_kcalloc(test, ROOM, sizeof(*prds), GFP_KERNEL);
	struct prd32_table table;

	KUNIT_ASSERT_NOT_NULL(test, prds);
	prd32_table_init(&table, prds, c->max);
	KUNIT_EXPECT_EQ(test, prd32_table_add(&table, c->addr, c->len), c->added);
	KUNIT_EXPECT_EQ(test, table.used, c->used);
	KUNIT_EXPECT_EQ(test, table.bytes, c->added > 0 ? (u64)c->added : 0);
	prd_expect_covers(test, &table, c->addr);
}

static void prd_ends_once(struct kunit *test)
{
	struct prd32_prd prds[4] = { };
	struct prd32_table table;
	u32 i;

	prd32_table_init(&table, prds, ARRAY_SIZE(prds));
	prd32_table_end(&table);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(prds[0].flags), 0);
	for (i = 0; i < 3; i++)
		prd32_table_add(&table, i * SZ_64K, SZ_4K);
	prd32_table_end(&table);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(prds[0].flags), 0);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(prds[1].flags), 0);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(prds[2].flags), PRD32_PRD_EOT);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(prds[3].flags), 0);
}

static void prd_marks_the_last_so_far(struct kunit *test)
{
	struct prd32_prd prds[2] = { };
	struct prd32_table table;

	prd32_table_init(&table, prds, ARRAY_SIZE(prds));
	prd32_table_mark(&table);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(prds[0].flags), 0);
	prd32_table_add(&table, 0, SZ_4K);
	prd32_table_mark(&table);
	prd32_table_add(&table, SZ_64K, SZ_4K);
	prd32_table_mark(&table);
	prd32_table_end(&table);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(prds[0].flags), PRD32_PRD_MARK);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(prds[1].flags), PRD32_PRD_MARK | PRD32_PRD_EOT);
}

static void prd_is_little_endian_and_eight_bytes(struct kunit *test)
{
	struct prd32_prd prds[1] = { };
	struct prd32_table table;
	const u8 *bytes = (const u8 *)prds;

	BUILD_BUG_ON(sizeof(prds[0]) != PRD32_PRD_SIZE);
	prd32_table_init(&table, prds, 1);
	prd32_table_add(&table, 0x12345678, 0x90);
	prd32_table_end(&table);
	KUNIT_EXPECT_EQ(test, bytes[0], 0x78);
	KUNIT_EXPECT_EQ(test, bytes[3], 0x12);
	KUNIT_EXPECT_EQ(test, bytes[4], 0x90);
	KUNIT_EXPECT_EQ(test, bytes[7], 0x80);
}

static struct kunit_case prd_tests[] = {
	KUNIT_CASE_PARAM(prd_adds, prd_gen_params),
	KUNIT_CASE(prd_ends_once),
	KUNIT_CASE(prd_marks_the_last_so_far),
	KUNIT_CASE(prd_is_little_endian_and_eight_bytes),
	{ }
};

static struct kunit_suite prd_suite = {
	.name = "prd32_prd",
	.test_cases = prd_tests,
};

kunit_test_suite(prd_suite);

MODULE_DESCRIPTION("KUnit tests of the prd32 driver's descriptor tables");
MODULE_AUTHOR("The prd32 authors");
MODULE_LICENSE("GPL");
