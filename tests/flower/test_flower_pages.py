"""What a person sees in Flower's pages, as Chromium shows them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from html.parser import HTMLParser

import pytest

from conftest import missing
from support.waiting import wait_until


class Chromium:
    """Opens pages without a window, each in a profile of its own, and tells what is in them."""

    def __init__(self, program, folder, flower):
        self._program = program
        self._folder = folder
        address = flower.address
        self._root = f"http://{flower.login}@{address.hostname}:{address.port}"
        self._opened = 0

    def text(self, path):
        """The document as it is when its scripts have had five seconds of their time."""
        self._opened += 1
        command = [
            *(self._program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking"),
            *("--disable-component-update", "--disable-sync"),
            f"--user-data-dir={self._folder / f'profile-{self._opened}'}",
            *("--virtual-time-budget=5000", "--dump-dom", self._root + path),
        ]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                return process.communicate(timeout=60)[0]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise

    def rows(self, path):
        """The rows of all tables of a page, each as the texts of its cells."""
        reader = _Cells("tr", ("td", "th"))
        reader.feed(self.text(path))
        return reader.rows

    def row_with(self, path, *texts):
        """The row of a page that has all these texts, as soon as there is one."""

        def ask():
            return next((r for r in self.rows(path) if all(t in " ".join(r) for t in texts)), None)

        return wait_until(ask, 30, f"a row with {', '.join(texts)} on {path}")

    def details(self, path):
        """The terms of a page, and what it says of each."""
        reader = _Cells("div", ("dt", "dd"))
        reader.feed(self.text(path))
        return dict(row for row in reader.rows if len(row) == 2)


class _Cells(HTMLParser):
    """Reads rows of cells; an element that is a row within a row begins another one."""

    def __init__(self, row, cells):
        super().__init__()
        self._row = row
        self._cells = cells
        self._in_cell = False
        self.rows = [[]]

    def handle_starttag(self, tag, attrs):
        if tag == self._row and not self._in_cell:
            self.rows.append([])
        elif tag in self._cells:
            self._in_cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in self._cells:
            self._in_cell = False

    def handle_data(self, data):
        if self._in_cell:
            self.rows[-1][-1] = f"{self.rows[-1][-1]}{data}".strip()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory, flower):
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing("chromium")
    return Chromium(program, tmp_path_factory.mktemp("chromium"), flower)


def test_the_list_of_tasks(chromium, flower, trained, failed):
    # Given a job that has succeeded and one that has failed
    flower.task_in(trained, "SUCCESS")
    flower.task_in(failed, "FAILURE")

    # When I open the list of tasks
    # Then each has a row, with its kind, name, state and worker
    done = chromium.row_with("/tasks", trained.name, "SUCCESS")
    assert "fitq.train" in done
    assert trained.worker in done
    assert any(cell.endswith(" s") for cell in done), "the runtime"
    broken = chromium.row_with("/tasks", failed.name, "FAILURE")
    assert "fitq.predict" in broken
    assert failed.worker in broken


def test_the_page_of_a_job_that_succeeded(chromium, flower, trained):
    # Given a job that has succeeded
    task = flower.task_in(trained, "SUCCESS")

    # When I open its page
    page = chromium.details(f"/task/{task['uuid']}")

    # Then I read its name, what it was, and its result
    assert page["Name"] == "fitq.train"
    assert page["Status"] == "SUCCESS"
    assert trained.name in page["Arguments"]
    assert "mlp on mnist, 1 epoch" in page["Keyword arguments"]
    assert "'val_accuracy': 0." in page["Result"]
    assert f"jobs/{trained.id}/attempt-1" in page["Result"]
    assert page["Worker"] == trained.worker


def test_the_page_of_a_job_that_failed(chromium, flower, failed):
    # Given a job that has failed
    task = flower.task_in(failed, "FAILURE")

    # When I open its page
    page = chromium.details(f"/task/{task['uuid']}")

    # Then I read why
    assert page["Status"] == "FAILURE"
    assert failed.reason.message in page["Exception"]


def test_the_list_of_workers(chromium, trained):
    # Given a worker that has run a job
    # When I open the list of workers
    # Then it is there by its name, which says its device, and online
    row = chromium.row_with("/workers", trained.worker, "Online")
    assert row[0].startswith("cpu")
    assert int(row[5]) >= 1, "succeeded"
