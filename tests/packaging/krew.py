"""krew's rules for a plugin manifest, as its own validator and its reviewers apply them.

From krew's internal/index/validation/validate.go, internal/installation/semver/version.go,
cmd/validate-krew-manifest/main.go and the developer guide. krew itself is written in Go and cannot
be had here; release CI runs the real validator too.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

import yaml

ROOT = Path(__file__).parents[2]
API_VERSION = "krew.googlecontainertools.github.com/v1alpha2"
LONGEST_SHORT_DESCRIPTION = 50
LONGEST_LINE = 80
PLATFORMS = {
    (system, arch)
    for system, arches in {
        "linux": ("386", "amd64", "arm", "arm64", "ppc64le", "s390x"),
        "darwin": ("386", "amd64", "arm64"),
        "windows": ("386", "amd64", "arm64"),
    }.items()
    for arch in arches
}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(
    r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLACEHOLDER = re.compile(r'^( *)\{\{ *addURIAndSha "([^"]+)" \.TagName *\}\}$', re.MULTILINE)


def rendered(template: str, *, version: str) -> str:
    """Fill the placeholders of a release: the tag, and address and checksum of each archive."""

    def archive(found: re.Match[str]) -> str:
        indent, uri = found.groups()
        return f"{indent}uri: {uri}\n{indent}sha256: {'0123456789abcdef' * 4}"

    text = template.replace("{{ .TagName }}", version)
    return _PLACEHOLDER.sub(archive, text)


def complaints(manifest: dict[str, Any]) -> list[str]:
    """Return what krew or its reviewers would say against a manifest."""
    return [*_about_names(manifest), *_about_texts(manifest), *_about_platforms(manifest)]


def _about_names(manifest: dict[str, Any]) -> Iterator[str]:
    if manifest.get("apiVersion") != API_VERSION:
        yield f"apiVersion is not {API_VERSION}"
    if manifest.get("kind") != "Plugin":
        yield "kind is not Plugin"
    name = str((manifest.get("metadata") or {}).get("name"))
    if not _NAME.fullmatch(name):
        yield f"the name {name!r} is not lower-case words with hyphens between"
    if name.startswith("kube"):
        yield f"the name {name!r} repeats kube"
    version = str((manifest.get("spec") or {}).get("version"))
    if not _VERSION.fullmatch(version):
        yield f"the version {version!r} is not a semantic version with a v before it"


def _about_texts(manifest: dict[str, Any]) -> Iterator[str]:
    spec = manifest.get("spec") or {}
    short = str(spec.get("shortDescription") or "")
    if not short or "\n" in short:
        yield "shortDescription is not one line"
    if len(short) > LONGEST_SHORT_DESCRIPTION:
        yield f"shortDescription is longer than {LONGEST_SHORT_DESCRIPTION} characters"
    if not str(spec.get("homepage") or "").startswith("https://"):
        yield "homepage is no https address"
    for key in ("description", "caveats"):
        text = str(spec.get(key) or "")
        if any(len(line) > LONGEST_LINE for line in text.splitlines()):
            yield f"{key} is not wrapped at {LONGEST_LINE}"
    if not spec.get("description"):
        yield "there is no description"


def _about_platforms(manifest: dict[str, Any]) -> Iterator[str]:
    platforms = (manifest.get("spec") or {}).get("platforms") or []
    if not platforms:
        yield "there are no platforms"
    taken: set[tuple[str, str]] = set()
    for platform in platforms:
        labels = (platform.get("selector") or {}).get("matchLabels") or {}
        matches = {
            (system, arch)
            for system, arch in PLATFORMS
            if labels.get("os", system) == system and labels.get("arch", arch) == arch
        }
        where = f"platform {labels}"
        if not labels or set(labels) - {"os", "arch"}:
            yield f"{where}: the selector names something else than os and arch"
        if not matches:
            yield f"{where}: matches nothing that krew supports"
        if taken & matches:
            yield f"{where}: overlaps with another"
        taken |= matches
        yield from _about_archive(where, platform)


def _about_archive(where: str, platform: dict[str, Any]) -> Iterator[str]:
    if not str(platform.get("uri") or "").startswith("https://"):
        yield f"{where}: uri is no https address"
    if not _SHA256.fullmatch(str(platform.get("sha256"))):
        yield f"{where}: sha256 is not 64 lower-case hexadecimal digits"
    program = str(platform.get("bin") or "")
    if not program or posixpath.normpath(program) != program or program.startswith(("/", "..")):
        yield f"{where}: bin {program!r} is not a clean path inside the archive"
    system = ((platform.get("selector") or {}).get("matchLabels") or {}).get("os")
    if (system == "windows") is not program.endswith(".exe"):
        yield f"{where}: bin {program!r} does not end as programs do there"
    files = platform.get("files")
    if files == []:
        yield f"{where}: files is empty"
    for entry in files or ():
        paths = (str(entry.get("from") or ""), str(entry.get("to") or ""))
        if not all(paths) or paths[1] != posixpath.normpath(paths[1]):
            yield f"{where}: files entry {entry} is not clean"


def accepts(entry: tarfile.TarInfo) -> bool:
    """Whether krew would unpack an entry of a tar.gz.

    From internal/download/downloader.go: folders and regular files only, and no path with "..".
    """
    return (entry.isdir() or entry.isreg()) and ".." not in entry.name


def licensed(names: Iterable[str]) -> bool:
    """Whether krew's validator finds a licence among installed files (validate-krew-manifest)."""
    pattern = re.compile(r"licen[sc]es?(\.txt|\.md)?|copying(\.txt)?", re.IGNORECASE)
    return any(pattern.fullmatch(posixpath.basename(name)) for name in names)


def program() -> str:
    """Return what the manifest of this project names as the program."""
    manifest = yaml.safe_load(rendered((ROOT / "krew-manifest.yaml").read_text(), version="v1.2.3"))
    [name] = {platform["bin"] for platform in manifest["spec"]["platforms"]}
    return str(name)


def install(archive: Path, root: Path, *, version: str) -> None:
    """Install an archive of this project the way krew does.

    From internal/installation/install.go: it is unpacked to store/NAME/VERSION under krew's root,
    and bin/kubectl-NAME becomes a link to the file that the manifest's `bin` names there. krew
    writes bytes and mode of each entry, and nothing else.

    Raises:
        ValueError: krew would refuse an entry.
    """
    store = root / "store" / "nodedns" / version
    with tarfile.open(archive) as tar:
        for entry in tar.getmembers():
            content = tar.extractfile(entry) if accepts(entry) else None
            if content is None:
                raise ValueError(f"krew refuses the entry {entry.name}")
            target = store / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())
            target.chmod(entry.mode)
    (root / "bin").mkdir()
    (root / "bin" / "kubectl-nodedns").symlink_to(store / program())
