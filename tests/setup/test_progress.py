"""What the person sees."""

from __future__ import annotations

import io

from appliance.setup.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def tell(out: io.StringIO) -> str:
    progress = Progress(out, 2)
    progress.start("Debian packages")
    progress.phase("installing 3")
    progress.done("3 installed")
    progress.start("Languages")
    progress.failed()
    return out.getvalue()


def test_in_a_log_each_step_is_one_line() -> None:
    assert tell(io.StringIO()).splitlines() == [
        "[1/2] Debian packages .............. 3 installed",
        "[2/2] Languages .................... FAILED",
    ]


def test_on_a_terminal_the_line_changes_until_the_step_is_done() -> None:
    shown = tell(Terminal()).split("\r\x1b[K")
    assert [line.rsplit(". ", 1)[-1] for line in shown if "Debian" in line] == ["...", "installing 3", "3 installed\n"]
