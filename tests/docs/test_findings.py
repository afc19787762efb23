"""docs/findings/ has a page for each check, and says what the check says."""

from __future__ import annotations

import re

from kubectl_nodedns.checks.preflight import OBSTACLE, PREFLIGHT
from kubectl_nodedns.checks.registry import CODES, RUNNING
from tests.docs.documents import ROOT, links

FOLDER = ROOT / "docs" / "findings"
PARTS = ("Why it matters", "Look yourself", "The way out", "Reproduce it on the test cluster")


def titles() -> dict[str, str]:
    """Return the title of each page, by code."""
    found = {}
    for path in FOLDER.glob("ND*.md"):
        first = path.read_text().partition("\n")[0]
        match = re.fullmatch(r"# (ND\d{3}) (.+)", first)
        assert match, f"{path.name}: {first}"
        assert path.name == f"{match[1]}.md"
        found[match[1]] = match[2]
    return found


def test_each_code_has_a_page_and_each_page_a_code_with_the_same_title() -> None:
    assert titles() == CODES


def test_each_page_has_its_severity_and_all_parts() -> None:
    for check in (*RUNNING, OBSTACLE, *PREFLIGHT):
        text = (FOLDER / f"{check.code}.md").read_text()
        assert f"\n{check.severity.value}, {check.category.value}\n" in text, check.code
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == list(PARTS), check.code


def test_the_index_lists_every_page() -> None:
    text = (FOLDER / "README.md").read_text()
    assert [link.removesuffix(".md") for link in links(text)] == sorted(CODES)
    for code, title in CODES.items():
        assert f"| [{code}]({code}.md) | {title} |" in text


def test_codes_are_unique_and_in_order() -> None:
    codes = [check.code for check in RUNNING]
    assert codes == sorted(set(codes))
    assert all("ND001" <= code <= "ND099" for code in codes)
    before = [check.code for check in (OBSTACLE, *PREFLIGHT)]
    assert before == sorted(set(before))
    assert all("ND100" <= code <= "ND199" for code in before)


def test_the_tests_that_pages_name_are_there() -> None:
    for path in FOLDER.glob("ND*.md"):
        for file, words in re.findall(r"pytest (\S+\.py) -k (\w+)", path.read_text()):
            assert words in (ROOT / file).read_text(), f"{path.name}: {file} -k {words}"
