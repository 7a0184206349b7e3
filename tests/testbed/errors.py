# SPDX-License-Identifier: Apache-2.0
"""The errors that a user of the testbed is meant to read."""


class TestbedError(Exception):
    """Something that the user can act on: the text says what went wrong and what to do. The command exits with 1."""

    __test__ = False  # pytest: not a test class, whatever its name says


class MissingPackages(TestbedError):
    """Debian packages are missing and were not installed. The command exits with 3."""


class DeadlinePassed(TestbedError):
    """A wait ended without what it waited for."""
