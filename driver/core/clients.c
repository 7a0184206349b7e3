// SPDX-License-Identifier: GPL-2.0-only
/*
 * The front ends' seats: devices on the auxiliary bus, each of which can be bound and unbound. And
 * what they may know of the channels.
 */
#include <linux/slab.h>

#include "core.h"

static const char *const prd32_client_names[] = {
	PRD32_CLIENT_CHRDEV, PRD32_CLIENT_DMA, PRD32_CLIENT_BLOCK,
};

static void prd32_client_release(struct device *dev)
{
	kfree(to_prd32_client(to_auxiliary_dev(dev)));
}

static int prd32_client_add(struct prd32_card *card, unsigned int index)
{
	struct prd32_client *client = kzalloc(sizeof(*client), GFP_KERNEL);
	int err;

	if (!client)
		return -ENOMEM;
	client->card = card;
	client->index = index;
	client->adev.name = prd32_client_names[index];
	client->adev.id = card->info.id;
	client->adev.dev.parent = card->dma_dev;
	client->adev.dev.release = prd32_client_release;
	err = auxiliary_device_init(&client->adev);
	if (err) {
		kfree(client);
		return err;
	}
	err = auxiliary_device_add(&client->adev);
	if (err) {
		auxiliary_device_uninit(&client->adev);
		return err;
	}
	card->clients[index] = client;
	return 0;
}

/**
 * prd32_clients_add() - offer a card to the front ends
 * @card: the card, ready to transfer
 *
 * Return: 0 or a negative errno.
 */
int prd32_clients_add(struct prd32_card *card)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(card->clients); i++) {
		err = prd32_client_add(card, i);
		if (err) {
			prd32_clients_remove(card);
			return err;
		}
	}
	return 0;
}

/**
 * prd32_clients_remove() - unbind the front ends
 * @card: the card
 */
void prd32_clients_remove(struct prd32_card *card)
{
	unsigned int i;

	/* The disk is the last: it writes back what is dirty, and needs a channel for that. */
	for (i = 0; i < ARRAY_SIZE(card->clients); i++) {
		if (!card->clients[i])
			continue;
		auxiliary_device_delete(&card->clients[i]->adev);
		auxiliary_device_uninit(&card->clients[i]->adev);
		card->clients[i] = NULL;
	}
}

/**
 * prd32_statistics() - what a channel has done
 * @card: the card
 * @channel: the channel
 * @stats: filled in
 */
void prd32_statistics(struct prd32_card *card, unsigned int channel, struct prd32_stats *stats)
{
	struct prd32_channel *ch = &card->ch[channel];
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	*stats = ch->stats;
	spin_unlock_irqrestore(&ch->lock, flags);
}

/**
 * prd32_has_idle_channel() - would a request be started at once
 * @card: the card
 *
 * Return: true if so, at this moment.
 */
bool prd32_has_idle_channel(struct prd32_card *card)
{
	struct prd32_channel *ch;

	prd32_for_each_channel(ch, card)
		if (!READ_ONCE(ch->depth))
			return true;
	return false;
}

/**
 * prd32_is_busy() - are requests under way, whoever's
 * @card: the card
 *
 * Return: true if so, at this moment.
 */
bool prd32_is_busy(struct prd32_card *card)
{
	struct prd32_channel *ch;

	prd32_for_each_channel(ch, card)
		if (READ_ONCE(ch->depth))
			return true;
	return false;
}

/**
 * prd32_idle_register() - be told when a channel has nothing more to do
 * @card: the card
 * @nb: called from any context, with the channel locked: it may wake somebody, no more
 */
void prd32_idle_register(struct prd32_card *card, struct notifier_block *nb)
{
	atomic_notifier_chain_register(&card->idle, nb);
}

/**
 * prd32_idle_unregister() - be told no more; nobody calls @nb when this returns
 * @card: the card
 * @nb: as prd32_idle_register() got it
 */
void prd32_idle_unregister(struct prd32_card *card, struct notifier_block *nb)
{
	atomic_notifier_chain_unregister(&card->idle, nb);
}
