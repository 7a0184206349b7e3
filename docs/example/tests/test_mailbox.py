# SPDX-License-Identifier: Apache-2.0
"""The mailbox driver in a guest. The fixture `card` is a fresh guest with the card, and with the driver loaded."""

import pytest


@pytest.fixture
def letter(card):
    """The file of the driver, of the first card where an environment has two."""
    return card.run("set -- /sys/bus/pci/drivers/mailbox/*/letter; echo $1").text


def test_letter_comes_back(card, letter):
    card.run(f"echo 'to whom it may concern' > {letter}")
    assert card.run(["cat", letter]).text == "to whom it may concern"


def test_letter_went_to_the_card(card, letter):
    card.run(f"echo hello > {letter}")
    card.run(["cat", letter])
    moved = card.card.stats()["card"]
    assert moved["bytes_from_host"] == moved["bytes_to_host"] == 4096


def test_driver_goes_and_comes_back(card, letter):
    card.run(f"echo first > {letter}")
    card.run("rmmod mailbox && insmod /opt/prd32/mailbox.ko")
    assert card.run(["cat", letter]).text == "first"
