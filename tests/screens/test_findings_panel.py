"""The findings panel: what it says, and that it can look again."""

from __future__ import annotations

from kubectl_nodedns.tui.findings_screen import FindingsScreen
from kubectl_nodedns.tui.fleet_screen import FleetScreen
from tests.screens.person import open_top
from tests.screens.stand_ins import FixedExaminer, Found

ERROR = Found(code="ND001", severity="error", subject="cluster", seen="no upstream service")


async def test_findings_are_listed_and_the_chosen_one_is_written_out(
    size: tuple[int, int],
) -> None:
    async with open_top(size, examiner=FixedExaminer(ERROR, Found())) as person:
        await person.press("f")
        await person.until("2 findings  ‼ 1 error  ! 1 warning")
        assert "‼ ND001  cluster: no upstream service" in person.text()
        await person.press("down")
        await person.until("look at the upstreams of that node")
        assert "pods there see SERVFAIL" in person.text()
        await person.press("escape")
        assert isinstance(person.app.screen, FleetScreen)
        await person.tick()
        assert "findings 2 ‼1" in person.text()


async def test_nothing_found_is_said_and_it_can_look_again() -> None:
    examiner = FixedExaminer()
    async with open_top(examiner=examiner) as person:
        await person.press("f")
        await person.until("✓ no findings")
        examiner.found = (ERROR,)
        await person.press("r")
        await person.until("ND001")
        assert examiner.looked == 2


async def test_how_old_the_findings_are_is_said_here_and_in_the_heading() -> None:
    examiner = FixedExaminer(ERROR)
    async with open_top(examiner=examiner) as person:
        await person.press("f")
        await person.until("1 finding  ‼ 1 error  looked 0s ago")
        person.clock.now += 90
        await person.until("looked 90s ago")
        await person.press("escape")
        await person.tick()
        assert "findings (1) 90s old" in person.text()
        examiner.error = "nodes cannot be listed"
        await person.press("f")
        await person.until("‼ nodes cannot be listed")
        assert "ND001" in person.text()  # what was known stays, with its age
        assert "looked 90s ago" in person.text()


async def test_a_cluster_that_cannot_be_examined_says_why() -> None:
    async with open_top(examiner=FixedExaminer(error="nodes cannot be listed")) as person:
        await person.press("f")
        await person.until("‼ nodes cannot be listed")
        await person.press("f")
        assert isinstance(person.app.screen, FleetScreen)


async def test_copy_takes_the_finding_or_the_command() -> None:
    async with open_top(examiner=FixedExaminer(ERROR)) as person:
        await person.press("f")
        await person.until("ND001")
        await person.press("y")
        assert person.app.clipboard.startswith("ND001 cluster: no upstream service")
        await person.press("Y")
        assert person.app.clipboard == "kubectl nodedns check"
        assert isinstance(person.app.screen, FindingsScreen)
