"""Where a job that is followed is shown: a terminal, a notebook, or a plain stream of lines."""

from __future__ import annotations

import contextlib
import html
import sys
from collections.abc import Iterator
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_LINES_IN_A_NOTEBOOK = 200


class Screen(Protocol):
    """Shows lines, and one bar below them."""

    def say(self, text: str) -> None:
        """Show one more line."""

    def move(self, name: str, total: int, done: int, detail: str) -> None:
        """Show how far it is."""


@contextlib.contextmanager
def screen() -> Iterator[Screen]:
    """The screen that there is here."""
    if _is_notebook():
        page = NotebookScreen()
        try:
            yield page
        finally:
            page.end()
        return
    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[detail]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield TerminalScreen(console, bar)


class TerminalScreen:
    """Standard error, so that standard output holds results only; the bar only in a terminal."""

    def __init__(self, console: Console, bar: Progress) -> None:
        self._console = console
        self._bar = bar
        self._task: TaskID | None = None

    def say(self, text: str) -> None:
        """Show one more line."""
        self._console.print(text, markup=False, soft_wrap=True)

    def move(self, name: str, total: int, done: int, detail: str) -> None:
        """Show how far it is."""
        if self._task is None:
            self._task = self._bar.add_task(name, total=total, detail="")
        self._bar.update(self._task, description=name, total=total, completed=done, detail=detail)


class NotebookScreen:
    """One output of a cell, replaced as the job goes on: the lines, and the bar below them."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._bar = ""
        self._handle: Any = None

    def say(self, text: str) -> None:
        """Show one more line."""
        self._lines.append(html.escape(text))
        self._show()

    def move(self, name: str, total: int, done: int, detail: str) -> None:
        """Show how far it is."""
        self._bar = (
            f"{html.escape(name)} <progress value='{done}' max='{total}'></progress> "
            f"{html.escape(detail)}"
        )
        self._show()

    def end(self) -> None:
        """Take the bar away, as a terminal does: nothing moves any more."""
        if self._bar:
            self._bar = ""
            self._show()

    def _show(self) -> None:
        from IPython.display import HTML, display

        text = "\n".join([*self._lines[-_LINES_IN_A_NOTEBOOK:], self._bar])
        page = HTML(f"<pre>{text}</pre>")
        if self._handle is None:
            self._handle = display(page, display_id=True)
        else:
            self._handle.update(page)


def _is_notebook() -> bool:
    """Whether a kernel runs this, which shows HTML; known without importing IPython."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
