// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's DMA API does with one PCI function, for tests: user space cannot see it.
 *
 * insmod prd32_probe.ko card=0000:01:00.0, then read the files in debugfs, prd32_probe/. Each is
 * measured anew when it is read, and holds lines of key=value:
 *
 *   facts      what the device and its platform are
 *   coherent   an allocation of coherent_bytes, freed again
 *   streaming  a mapping of streaming_bytes, unmapped again
 *
 * The function's own driver may be loaded: masks and limits are those that it has set.
 */
#include <linux/debugfs.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/swiotlb.h>

static char *card;
module_param(card, charp, 0444);
MODULE_PARM_DESC(card, "the PCI function: domain:bus:device.function");

static unsigned int coherent_bytes = SZ_64K;
module_param(coherent_bytes, uint, 0644);
MODULE_PARM_DESC(coherent_bytes, "size of the coherent allocation (default 65536)");

static unsigned int streaming_bytes = PAGE_SIZE;
module_param(streaming_bytes, uint, 0644);
MODULE_PARM_DESC(streaming_bytes, "size of the streaming mapping (default: a page)");

static struct pci_dev *probe_pdev;
static struct dentry *probe_folder;

static const char *probe_domain_name(const struct iommu_domain *domain)
{
	if (!domain)
		return "none";
	switch (domain->type) {
	case IOMMU_DOMAIN_IDENTITY:
		return "identity";
	case IOMMU_DOMAIN_DMA:
		return "strict";
	case IOMMU_DOMAIN_DMA_FQ:
		return "lazy";
	default:
		return "other";
	}
}

static int facts_show(struct seq_file *file, void *unused)
{
	struct device *dev = &probe_pdev->dev;

	seq_printf(file, "coherent=%d\n", dev_is_dma_coherent(dev));
	seq_printf(file, "iommu=%s\n", probe_domain_name(iommu_get_domain_for_dev(dev)));
	seq_printf(file, "force_bounce=%d\n", is_swiotlb_force_bounce(dev));
	seq_printf(file, "dma_mask=%#llx\n", dma_get_mask(dev));
	seq_printf(file, "coherent_dma_mask=%#llx\n", dev->coherent_dma_mask);
	seq_printf(file, "required_mask=%#llx\n", dma_get_required_mask(dev));
	seq_printf(file, "seg_boundary=%#lx\n", dma_get_seg_boundary(dev));
	seq_printf(file, "max_seg_size=%#x\n", dma_get_max_seg_size(dev));
	seq_printf(file, "min_align_mask=%#x\n", dma_get_min_align_mask(dev));
	seq_printf(file, "max_mapping_size=%#zx\n", dma_max_mapping_size(dev));
	seq_printf(file, "cache_alignment=%#x\n", dma_get_cache_alignment());
	seq_printf(file, "kmalloc_alignment=%#lx\n", (unsigned long)ARCH_KMALLOC_MINALIGN);
	seq_printf(file, "page_size=%#lx\n", PAGE_SIZE);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(facts);

/* Where the device really gets to, behind its IOMMU if it has one. */
static phys_addr_t probe_reached(dma_addr_t dma)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&probe_pdev->dev);

	return domain ? iommu_iova_to_phys(domain, dma) : dma;
}

static phys_addr_t probe_phys(const void *cpu)
{
	struct page *page = is_vmalloc_addr(cpu) ? vmalloc_to_page(cpu) : virt_to_page(cpu);

	return page_to_phys(page) + offset_in_page(cpu);
}

static int coherent_show(struct seq_file *file, void *unused)
{
	size_t bytes = READ_ONCE(coherent_bytes);
	size_t wanted = PAGE_SIZE << get_order(bytes);
	phys_addr_t phys, reached;
	dma_addr_t dma;
	void *cpu = dma_alloc_coherent(&probe_pdev->dev, bytes, &dma, GFP_KERNEL);

	if (!cpu)
		return -ENOMEM;
	phys = probe_phys(cpu);
	reached = probe_reached(dma);
	seq_printf(file, "bytes=%#zx\n", bytes);
	seq_printf(file, "dma=%pad\n", &dma);
	seq_printf(file, "phys=%pa\n", &phys);
	seq_printf(file, "reached=%pa\n", &reached);
	seq_printf(file, "cpu_is_vmalloc=%d\n", is_vmalloc_addr(cpu));
	seq_printf(file, "cpu_aligned=%d\n", IS_ALIGNED((unsigned long)cpu, wanted));
	seq_printf(file, "dma_aligned=%d\n", IS_ALIGNED(dma, wanted));
	dma_free_coherent(&probe_pdev->dev, bytes, cpu, dma);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(coherent);

static int streaming_show(struct seq_file *file, void *unused)
{
	size_t bytes = READ_ONCE(streaming_bytes);
	struct device *dev = &probe_pdev->dev;
	phys_addr_t phys, reached;
	dma_addr_t dma;
	void *cpu = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO);
	int err;

	if (!cpu)
		return -ENOMEM;
	phys = virt_to_phys(cpu);
	dma = dma_map_single_attrs(dev, cpu, bytes, DMA_TO_DEVICE, DMA_ATTR_NO_WARN);
	err = dma_mapping_error(dev, dma);
	seq_printf(file, "bytes=%#zx\n", bytes);
	seq_printf(file, "phys=%pa\n", &phys);
	seq_printf(file, "errno=%d\n", -err);
	if (!err) {
		reached = probe_reached(dma);
		seq_printf(file, "dma=%pad\n", &dma);
		seq_printf(file, "reached=%pa\n", &reached);
		dma_unmap_single(dev, dma, bytes, DMA_TO_DEVICE);
	}
	free_pages_exact(cpu, bytes);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(streaming);

static int __init probe_init(void)
{
	unsigned int domain, bus, slot, function;

	if (!card || sscanf(card, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4)
		return -EINVAL;
	probe_pdev = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, function));
	if (!probe_pdev)
		return -ENODEV;
	probe_folder = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("facts", 0400, probe_folder, NULL, &facts_fops);
	debugfs_create_file("coherent", 0400, probe_folder, NULL, &coherent_fops);
	debugfs_create_file("streaming", 0400, probe_folder, NULL, &streaming_fops);
	return 0;
}

static void __exit probe_exit(void)
{
	debugfs_remove_recursive(probe_folder);
	pci_dev_put(probe_pdev);
}

module_init(probe_init);
module_exit(probe_exit);

MODULE_DESCRIPTION("Shows what the DMA API does with a PCI function");
MODULE_AUTHOR("The prd32 authors");
MODULE_LICENSE("GPL");
