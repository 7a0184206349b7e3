# SPDX-License-Identifier: Apache-2.0
"""The module that shows what the DMA API does, for tests of environments; and asserts that say what they compared."""

import pytest

pytest.register_assert_rewrite("environments.proofs", "environments.second_channel")

from environments.dma_probe import dma_probe  # noqa: E402,F401  a fixture
