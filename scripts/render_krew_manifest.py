"""Fill krew-manifest.yaml for a release whose archives lie in a folder; print it.

Run: python scripts/render_krew_manifest.py --tag v1.2.3 --archives FOLDER

Does what krew-release-bot does for krew's index (TagName, addURIAndSha), but before anything is
published: so that krew can be tried with the archives first. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent / "krew-manifest.yaml"
_ARCHIVE = re.compile(r'^( *)\{\{ *addURIAndSha "([^"]+)" \.TagName *\}\}$', re.MULTILINE)


def render(template: str, *, tag: str, archives: Path) -> str:
    """Fill the placeholders.

    Args:
        template: text of krew-manifest.yaml.
        tag: the release's tag, with its leading v.
        archives: folder with every archive that the manifest names.

    Raises:
        FileNotFoundError: one is missing.
    """

    def fill(found: re.Match[str]) -> str:
        indent, uri = found.groups()
        content = (archives / uri.rpartition("/")[2]).read_bytes()
        return f"{indent}uri: {uri}\n{indent}sha256: {hashlib.sha256(content).hexdigest()}"

    return _ARCHIVE.sub(fill, template.replace("{{ .TagName }}", tag))


def main() -> None:
    """Print the manifest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tag", required=True, help="the release's tag, such as v1.2.3")
    parser.add_argument("--archives", required=True, type=Path, help="folder with the archives")
    options = parser.parse_args()
    text = TEMPLATE.read_text(encoding="utf-8")
    sys.stdout.write(render(text, tag=options.tag, archives=options.archives))


if __name__ == "__main__":
    main()
