// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: parameters, and the drivers that it is made of.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>

#include "core.h"

/* Others may have to wait as long for the processor. */
#define PRD32_SPIN_US_MAX 1000
#define PRD32_DEFER_US_MAX 10000

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int prd32_timeout_ms = 10 * MSEC_PER_SEC;
bool prd32_use_writeback = true;
bool prd32_use_queue = true;
unsigned int prd32_spin_us = 500;
unsigned int prd32_spin_kib = 1024;
unsigned int prd32_defer_us = 400;

static int prd32_set_timeout(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, 10 * 60 * MSEC_PER_SEC);
}

static const struct kernel_param_ops prd32_timeout_ops = {
	.set = prd32_set_timeout,
	.get = param_get_uint,
};
module_param_cb(timeout_ms, &prd32_timeout_ops, &prd32_timeout_ms, 0644);
MODULE_PARM_DESC(timeout_ms, "deadline of one descriptor table, ms (1..600000, default 10000)");

static int prd32_set_spin(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, PRD32_SPIN_US_MAX);
}

static const struct kernel_param_ops prd32_spin_ops = {
	.set = prd32_set_spin,
	.get = param_get_uint,
};
module_param_cb(spin_us, &prd32_spin_ops, &prd32_spin_us, 0644);
MODULE_PARM_DESC(spin_us, "for how long at most who waits looks for the end before it sleeps, us (0..1000, default 500; 0: not at all)");

module_param_named(spin_kib, prd32_spin_kib, uint, 0644);
MODULE_PARM_DESC(spin_kib, "spin_us is for requests of at most so much, KiB (default 1024)");

static int prd32_set_defer(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, PRD32_DEFER_US_MAX);
}

static const struct kernel_param_ops prd32_defer_ops = {
	.set = prd32_set_defer,
	.get = param_get_uint,
};
module_param_cb(defer_us, &prd32_defer_ops, &prd32_defer_us, 0644);
MODULE_PARM_DESC(defer_us, "for how long at most an end is not told of while who submits more looks for it, us (0..10000, default 400; 0: not at all)");

module_param_named(writeback, prd32_use_writeback, bool, 0444);
MODULE_PARM_DESC(writeback, "have the card write its status to memory, if it can (default Y)");

module_param_named(queue, prd32_use_queue, bool, 0444);
MODULE_PARM_DESC(queue, "give the card several tables at a time, if it can and writes its status to memory (default Y)");

static int __init prd32_init(void)
{
	int err;

	err = prd32_recovery_setup();
	if (err)
		return err;
	prd32_debugfs_init();
	err = prd32_chrdev_init();
	if (err)
		goto exit_debugfs;
	err = prd32_dma_init();
	if (err)
		goto exit_chrdev;
	err = prd32_block_init();
	if (err)
		goto exit_dma;
	err = pci_register_driver(&prd32_pci_driver);
	if (err)
		goto exit_block;
	return 0;

exit_block:
	prd32_block_exit();
exit_dma:
	prd32_dma_exit();
exit_chrdev:
	prd32_chrdev_exit();
exit_debugfs:
	prd32_debugfs_exit();
	prd32_recovery_cleanup();
	return err;
}

static void __exit prd32_exit(void)
{
	pci_unregister_driver(&prd32_pci_driver);
	prd32_block_exit();
	prd32_dma_exit();
	prd32_chrdev_exit();
	prd32_debugfs_exit();
	prd32_recovery_cleanup();
}

module_init(prd32_init);
module_exit(prd32_exit);

MODULE_DESCRIPTION("32-bit bus-master scatter-gather DMA card");
MODULE_AUTHOR("The prd32 authors");
MODULE_LICENSE("GPL");
