"""The stack's Flower: how it is started, and whether it answers."""

from __future__ import annotations

import http.client
import importlib.util
import sys

from fitq.stack.folder import StackFolder
from fitq.stack.ports import LOOPBACK
from fitq.stack.program import Program
from fitq_shared.errors import StackError

NAME = "flower"
USER = "fitq"
COLUMNS = "name,args,kwargs,state,received,runtime,worker,uuid"


def check_flower() -> None:
    """Raise StackError if Flower is not installed."""
    if importlib.util.find_spec("flower") is None:
        raise StackError(
            "Flower is not installed",
            "pip install 'fitq[monitor]', or leave it out: `fitq up --no-flower`",
        )


def flower_url(port: int) -> str:
    """Where its pages are."""
    return f"http://{LOOPBACK}:{port}"


def flower_program(folder: StackFolder, port: int, password: str) -> Program:
    """Flower with a login, on the loopback address, remembering tasks over restarts.

    Its login goes through its environment. It finds Redis as workers do, by FITQ_REDIS_URL, and
    by itself connects again after a restart of Redis.
    """
    return Program(
        name=NAME,
        command=(
            sys.executable,
            "-m",
            "celery",
            "-A",
            "fitq_shared.celery_main",
            "flower",
            f"--address={LOOPBACK}",
            f"--port={port}",
            "--persistent=True",
            "--db=flower",
            # Without an interval it saves only at its end, and nothing when it is killed.
            "--state_save_interval=10000",
            "--max_tasks=10000",
            f"--tasks_columns={COLUMNS}",
            "--natural_time=True",
            # Flower's buttons go round the job records: `fitq cancel` is the way.
            "--read_only=True",
        ),
        folder=folder.flower,
        environment={"FLOWER_BASIC_AUTH": f"{USER}:{password}"},
        stop_seconds=10,
        stop_order=2,
    )


def flower_answers(port: int) -> bool:
    """Whether Flower serves pages."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/healthcheck")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
