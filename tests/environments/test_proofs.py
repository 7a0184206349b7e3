# SPDX-License-Identifier: Apache-2.0
"""Each environment is what it says, and its proof would notice if it were another."""

import pytest

from environments.dma_probe import DmaProbe
from environments.proofs import PROOFS
from testbed.guest import Guest

# What comes of looking, by the environment that is looked at.
_REFUSED = [pytest.mark.expect_violations("prdt-fetch", "dma-after-unmap")]
_OVERFLOW = [pytest.mark.expect_kernel_log("DMA addr 0x[0-9a-f]+\\+[0-9]+ overflow")]
_FAULTED = [pytest.mark.expect_violations("prdt-fetch", "dma-refused-by-client"),
            pytest.mark.expect_kernel_log(r"DMAR: \[DMA Read .* fault addr 0x", "DMAR: DRHD: handling fault status")]
_MARKS = {"nobounce": _OVERFLOW, "vtd": _REFUSED, "amd-iommu": _REFUSED, "vtd-faults": _FAULTED}
# What the proof of an environment shows besides.
_IOMMU = ("iommu", "consistent-mapping", "streaming-single", "segment-64k")
_TECHNIQUES = {
    "direct": ("streaming-single", "interrupt-msix"), "highmem": ("dma-mask-32", "swiotlb-bounce"),
    "bounce": ("swiotlb-bounce",), "nobounce": ("mapping-error",), "vtd": _IOMMU, "vtd-lazy": _IOMMU,
    "vtd-faults": ("iommu",),
    "amd-iommu": _IOMMU, "virtio-iommu": _IOMMU, "arm64-virtio-iommu": _IOMMU,
    "noncoherent": ("non-coherent", "consistent-mapping"),
    "reserved": ("reserved-memory", "prdt-over-allocate", "prdt-align-64k"), "cma": ("cma",),
    "kept": ("reserved-ioremap",),
    "intx": ("interrupt-intx",), "msi": ("interrupt-msi",), "two-cards": ("several-cards",),
}

# Where a proof is most likely to pass by mistake: in its sister.
_SISTERS = {
    "highmem": ["bounce", "nobounce"], "bounce": ["highmem"], "nobounce": ["highmem"],
    "vtd": ["vtd-lazy", "vtd-faults"], "vtd-lazy": ["vtd"],
    "amd-iommu": ["vtd", "virtio-iommu"], "virtio-iommu": ["amd-iommu", "vtd"],
    "arm64": ["arm64-virtio-iommu", "noncoherent", "reserved", "cma"], "arm64-virtio-iommu": ["virtio-iommu"],
    "intx": ["msi"], "msi": ["intx"],
}
_WRONG = {"direct": [name for name in PROOFS if name != "direct"], **_SISTERS}


def _marks(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.environments(name), pytest.mark.technique(*_TECHNIQUES.get(name, ())), *_MARKS.get(name, ())]


@pytest.mark.covering  # ./testbed test visits every environment with it
@pytest.mark.parametrize("name", [pytest.param(name, marks=_marks(name)) for name in PROOFS])
def test_environment_is_what_it_says(card, dma_probe, name):
    PROOFS[name](card, dma_probe)


@pytest.mark.parametrize("here, names", [pytest.param(here, names, id=here, marks=[
    pytest.mark.environments(here), *(_OVERFLOW if here == "nobounce" else ())]) for here, names in _WRONG.items()])
def test_proofs_fail_elsewhere(card, dma_probe, here, names):
    """All of them in one guest: it is their first look at it that they fail at."""
    assert [name for name in names if _passes(name, card, dma_probe)] == [], f"proven in {here}"


def _passes(name: str, card: Guest, probe: DmaProbe) -> bool:
    try:
        PROOFS[name](card, probe)
    except AssertionError:
        return False
    return True
