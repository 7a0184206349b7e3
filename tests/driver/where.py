# SPDX-License-Identifier: Apache-2.0
"""Where a test is worth its time: the environments in which its outcome could differ. Without a mark: in all of them.

Each tuple is for @pytest.mark.environments. A set of the reasons, not of the features: an environment that combines two
(arm64-virtio-iommu) is left to the tests that run everywhere."""

USER = ("direct", "arm64")  # what a user sees does not depend on how bytes travel
BYTES = ("direct", "bounce", "vtd", "arm64", "noncoherent", "message")  # each way that bytes travel, once
ENDS = ("direct", "bounce", "vtd", "arm64", "intx", "msi", "smp")  # how a transfer ends or does not: interrupts, races,
# and what is unmapped then
LOADS = ("direct", "highmem", "vtd", "arm64", "smp")  # minutes of work for a processor, for the same reasons
