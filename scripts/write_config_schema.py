"""Write docs/config.schema.json from the program's own table of options.

Run: python scripts/write_config_schema.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from kubectl_nodedns.install.config_file import config_schema  # noqa: E402

FILE = ROOT / "docs" / "config.schema.json"
COMMAND = "python scripts/write_config_schema.py"


def page() -> str:
    """Return the text of the file."""
    return json.dumps(config_schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
