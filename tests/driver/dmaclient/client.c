// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod prd32_dmaclient.ko, then read the files of debugfs' prd32_dmaclient: each does something
 * with a channel of the card. Errors are told as -errno.
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "client.h"

static struct dentry *folder;
static DEFINE_MUTEX(one_at_a_time);

static bool client_of_a_card(struct dma_chan *chan, void *unused)
{
	struct device *dev = chan->device->dev;

	return dev_is_pci(dev) && to_pci_dev(dev)->vendor == PRD32_PCI_VENDOR_ID &&
	       to_pci_dev(dev)->device == PRD32_PCI_DEVICE_ID;
}

struct dma_chan *client_channel(enum dma_transaction_type capability)
{
	dma_cap_mask_t mask;

	dma_cap_zero(mask);
	dma_cap_set(capability, mask);
	return dma_request_channel(mask, client_of_a_card, NULL);
}

int client_configure(struct dma_chan *chan, u32 card_addr, struct prd32_dma_peripheral *peripheral)
{
	struct dma_slave_config config = {
		.src_addr = card_addr,
		.dst_addr = card_addr,
		.peripheral_config = peripheral,
		.peripheral_size = peripheral ? sizeof(*peripheral) : 0,
	};

	return dmaengine_slave_config(chan, &config);
}

struct client_end {
	struct completion done;
	enum dmaengine_tx_result result;
};

static void client_ended(void *param, const struct dmaengine_result *result)
{
	struct client_end *end = param;

	end->result = result->result;
	complete(&end->done);
}

int client_run(struct dma_async_tx_descriptor *tx)
{
	struct client_end end;
	struct dma_chan *chan;
	dma_cookie_t cookie;

	if (!tx)
		return -ENOMEM;
	init_completion(&end.done);
	tx->callback_result = client_ended;
	tx->callback_param = &end;
	chan = tx->chan;
	cookie = dmaengine_submit(tx);
	if (dma_submit_error(cookie))
		return cookie;
	dma_async_issue_pending(chan);
	if (!wait_for_completion_timeout(&end.done, msecs_to_jiffies(CLIENT_TIMEOUT_MS))) {
		dmaengine_terminate_sync(chan);
		return -ETIMEDOUT;
	}
	return end.result == DMA_TRANS_NOERROR ? 0 : -EIO;
}

int client_move(struct dma_chan *chan, dma_addr_t addr, size_t len, bool to_host)
{
	int err = client_configure(chan, CLIENT_CARD_ADDR, NULL);

	if (err)
		return err;
	return client_run(dmaengine_prep_slave_single(chan, addr, len,
						      to_host ? DMA_DEV_TO_MEM : DMA_MEM_TO_DEV,
						      DMA_CTRL_ACK | DMA_PREP_INTERRUPT));
}

void client_fill(u8 *memory, size_t len, size_t from, unsigned int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		memory[i] = client_byte(from + i, seed);
}

size_t client_wrong(const u8 *memory, size_t len, size_t from, unsigned int seed)
{
	size_t i, wrong = 0;

	for (i = 0; i < len; i++)
		wrong += memory[i] != client_byte(from + i, seed);
	return wrong;
}

static int client_show(struct seq_file *told, void *unused)
{
	const struct client_file *file = told->private;
	int ret;

	mutex_lock(&one_at_a_time);
	ret = file->show(told);
	mutex_unlock(&one_at_a_time);
	return ret;
}
DEFINE_SHOW_ATTRIBUTE(client);

static void client_add(const struct client_file *file)
{
	for (; file->name; file++)
		debugfs_create_file(file->name, 0400, folder, (void *)file, &client_fops);
}

static int __init dmaclient_init(void)
{
	folder = debugfs_create_dir(KBUILD_MODNAME, NULL);
	client_add(remote_files);
	client_add(lesson_files);
	client_add(memory_files);
	return 0;
}

static void __exit dmaclient_exit(void)
{
	debugfs_remove_recursive(folder);
	remote_release();
}

module_init(dmaclient_init);
module_exit(dmaclient_exit);

MODULE_DESCRIPTION("A client of a prd32 card's dmaengine provider");
MODULE_AUTHOR("The prd32 authors");
MODULE_LICENSE("GPL");
