# SPDX-License-Identifier: Apache-2.0
"""Where a test is worth its time: the environments in which its outcome could differ. Without a mark it runs in all.

Each tuple is for @pytest.mark.environments; the mark of a test comes before that of its module. They choose by reason,
not by feature: an environment that combines two (arm64-virtio-iommu) has the tests that run everywhere."""

from testbed import environment

EVERYWHERE = tuple(name for name, found in environment.everything().items() if found.tests == "all")
USER = ("direct", "arm64")  # what a user sees does not depend on how bytes travel
BYTES = ("direct", "bounce", "vtd", "arm64", "noncoherent", "message")  # each way that bytes travel, once
ENDS = ("direct", "bounce", "vtd", "arm64", "intx", "msi", "smp")  # how requests end: interrupts, races, unmapping
LOADS = ("direct", "highmem", "vtd", "arm64", "smp")  # a minute of work, for any of these reasons
