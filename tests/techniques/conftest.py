# SPDX-License-Identifier: Apache-2.0
"""The module of lessons, for tests of techniques."""

from techniques.lessons import lessons  # noqa: F401  a fixture
