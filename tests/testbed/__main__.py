# SPDX-License-Identifier: Apache-2.0
"""`python3 -m testbed`, which is what the `testbed` script in the project's top folder runs."""

import sys

from testbed.cli import main

sys.exit(main())
