# SPDX-License-Identifier: Apache-2.0
"""The ladder of fixtures is a plugin: tests/testbed/fixtures.py."""

pytest_plugins = ("testbed.fixtures",)
