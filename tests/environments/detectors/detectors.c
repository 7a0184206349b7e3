// SPDX-License-Identifier: GPL-2.0-only
/*
 * One mistake for each detector of the debug kernel, made on purpose:
 *
 *	insmod detectors.ko fire=NAME
 *
 * Loading succeeds and the kernel log tells of the mistake; kmemleak's once a scan is asked for,
 * five seconds later. An unknown NAME is refused with EINVAL. KASAN reports once a boot and turns
 * lockdep off, as lockdep does with itself: ask a fresh guest for each.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#define SIZE		128
#define LEAKS		16	/* more than stale copies on a stack can hide from kmemleak */

static char *fire = "nothing";
module_param(fire, charp, 0444);
MODULE_PARM_DESC(fire, "the mistake to make: kasan, ubsan, lockdep, atomic, dma, kmemleak, list, refcount, timer or hung");

static int use_after_free(void)
{
	char *memory = kzalloc(SIZE, GFP_KERNEL);

	if (!memory)
		return -ENOMEM;
	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	pr_info("read %d from freed memory\n", READ_ONCE(memory[SIZE / 2]));
	return 0;
}

static int shift_too_far(void)
{
	int forty = 40;

	OPTIMIZER_HIDE_VAR(forty);	/* the compiler shall not see what is wrong */
	pr_info("1 << %d is %d\n", forty, 1 << forty);
	return 0;
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static int lock_in_both_orders(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
	return 0;
}

static DEFINE_SPINLOCK(spinning);

static int sleep_under_spinlock(void)
{
	void *memory;

	spin_lock(&spinning);
	memory = kzalloc(SIZE, GFP_KERNEL);
	spin_unlock(&spinning);
	kfree(memory);
	return 0;
}

/*
 * Only a driver that lets go of its device is asked for its mappings: be one, of the device that
 * QEMU's q35 always has.
 */
static int map_and_forget(struct pci_dev *pdev, const struct pci_device_id *id)
{
	void *memory = kzalloc(SIZE, GFP_KERNEL);
	dma_addr_t bus;

	if (!memory)
		return -ENOMEM;
	bus = dma_map_single(&pdev->dev, memory, SIZE, DMA_TO_DEVICE);
	return dma_mapping_error(&pdev->dev, bus);
}

static const struct pci_device_id host_bridge[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_INTEL, 0x29c0) },
	{ }
};

static struct pci_driver leaky = {
	.name = "detectors",
	.id_table = host_bridge,
	.probe = map_and_forget,
};

static int keep_mapping(void)
{
	int ret = pci_register_driver(&leaky);

	if (!ret)
		pci_unregister_driver(&leaky);
	return ret;
}

static int lose_memory(void)
{
	int left;

	for (left = LEAKS; left; left--) {
		void *memory = kzalloc(SIZE, GFP_KERNEL);

		if (!memory)
			return -ENOMEM;
		OPTIMIZER_HIDE_VAR(memory);
	}
	return 0;
}

static int add_to_list_twice(void)
{
	static LIST_HEAD(head);
	static LIST_HEAD(entry);

	list_add(&entry, &head);
	list_add(&entry, &head);
	return 0;
}

static int put_once_too_often(void)
{
	refcount_t count = REFCOUNT_INIT(1);

	refcount_dec(&count);
	return 0;
}

static void never(struct timer_list *timer)
{
}

static int free_running_timer(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return -ENOMEM;
	timer_setup(timer, never, 0);
	mod_timer(timer, jiffies + HZ * 3600);
	kfree(timer);
	return 0;
}

/* Ends by itself in an hour: the guest does not live that long. */
static int sleep_for_an_hour(void *unused)
{
	msleep(3600 * 1000);
	return 0;
}

static int task_that_hangs(void)
{
	return PTR_ERR_OR_ZERO(kthread_run(sleep_for_an_hour, NULL, "hung"));
}

static const struct {
	const char *name;
	int (*make)(void);
} mistakes[] = {
	{ "kasan", use_after_free },
	{ "ubsan", shift_too_far },
	{ "lockdep", lock_in_both_orders },
	{ "atomic", sleep_under_spinlock },
	{ "dma", keep_mapping },
	{ "kmemleak", lose_memory },
	{ "list", add_to_list_twice },
	{ "refcount", put_once_too_often },
	{ "timer", free_running_timer },
	{ "hung", task_that_hangs },
};

static int __init detectors_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		if (sysfs_streq(fire, mistakes[i].name))
			return mistakes[i].make();
	}
	pr_err("detectors: fire=%s names no mistake\n", fire);
	return -EINVAL;
}
module_init(detectors_init);

static void __exit detectors_exit(void)
{
}
module_exit(detectors_exit);

MODULE_DESCRIPTION("Mistakes that a debug kernel must notice");
MODULE_AUTHOR("The prd32 authors");
MODULE_LICENSE("GPL");
