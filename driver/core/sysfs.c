// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of the PCI device, in its directory card/: what it is. Described in
 * Documentation/ABI/testing/sysfs-driver-prd32.
 */
#include <linux/device.h>
#include <linux/pci.h>
#include <linux/sysfs.h>

#include "core.h"

#define PRD32_ATTRIBUTE(name, format, value)						\
static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf)	\
{											\
	const struct prd32_card *card = dev_get_drvdata(dev);				\
											\
	return sysfs_emit(buf, format "\n", value);					\
}											\
static DEVICE_ATTR_RO(name)

PRD32_ATTRIBUTE(id, "%u", card->info.id);
PRD32_ATTRIBUTE(memory_bytes, "%u", card->info.mem_size);
PRD32_ATTRIBUTE(granule, "%u", card->info.granule);
PRD32_ATTRIBUTE(max_prds, "%u", card->info.max_prds);
PRD32_ATTRIBUTE(channels, "%u", card->info.channels);
PRD32_ATTRIBUTE(cyclic, "%d", card->info.cyclic);
PRD32_ATTRIBUTE(endpoints, "%d", card->info.endpoints);
PRD32_ATTRIBUTE(status, "%s", card->ch[0].status ? "memory" : "registers");

static struct attribute *prd32_attributes[] = {
	&dev_attr_id.attr,
	&dev_attr_memory_bytes.attr,
	&dev_attr_granule.attr,
	&dev_attr_max_prds.attr,
	&dev_attr_channels.attr,
	&dev_attr_cyclic.attr,
	&dev_attr_endpoints.attr,
	&dev_attr_status.attr,
	NULL
};

static const struct attribute_group prd32_group = {
	.name = "card",
	.attrs = prd32_attributes,
};

const struct attribute_group *prd32_groups[] = {
	&prd32_group,
	NULL
};
