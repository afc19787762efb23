"""`python -m kubectl_nodedns`."""

from __future__ import annotations

import sys

from kubectl_nodedns.cli.main import main

sys.exit(main())
