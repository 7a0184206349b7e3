# SPDX-License-Identifier: Apache-2.0
"""The module that shows what the DMA API does, for tests of environments."""

from environments.dma_probe import dma_probe  # noqa: F401  a fixture
