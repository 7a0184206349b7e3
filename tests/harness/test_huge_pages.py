# SPDX-License-Identifier: Apache-2.0
"""QEMU and the card's program ask for huge pages; what else their user has told glibc stays."""

from testbed.command import with_huge_pages


def test_what_the_user_says_stays():
    assert with_huge_pages({"A": "b"}) == {"A": "b", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    mine = "glibc.malloc.check=3:glibc.malloc.hugetlb=0"  # of two words for one thing the later counts
    assert with_huge_pages({"GLIBC_TUNABLES": mine})["GLIBC_TUNABLES"] == f"glibc.malloc.hugetlb=1:{mine}"
