# SPDX-License-Identifier: Apache-2.0
"""What some of the driver's tests need in the guest besides prd32ctl."""

import pytest

from testbed import toolsdisk
from testbed.environment import Cell
from testbed.guest import Guest
from uapi_program import uapi  # noqa: F401  a fixture


@pytest.fixture
def tools(card: Guest, cell: Cell) -> Guest:
    """The guest of the `card` fixture, with testbed.toolsdisk.PROGRAMS in its PATH: fio, mkfs.ext4 and so on."""
    toolsdisk.plug(card, toolsdisk.image(cell.environment.arch, lambda _text: None))
    return card
