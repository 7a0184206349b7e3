# SPDX-License-Identifier: Apache-2.0
"""The testbed: builds the card, boots guests, attaches the one to the other, and says what happened."""
