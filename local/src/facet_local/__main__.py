"""`python -m facet_local` is the command line of the local platform."""

from __future__ import annotations

import sys

from facet_local.cli import main

sys.exit(main())
