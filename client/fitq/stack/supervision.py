"""Supervisor, which starts, restarts and stops the stack's programs.

What may hold any character (paths, commands) reaches supervisord through its environment, and
its configuration refers to it (`%(ENV_NAME)s`): a value there is cut at " #" and " ;", `%` is
expanded, and in `environment=` quotes cannot be escaped.
"""

from __future__ import annotations

import http.client
import importlib.util
import os
import re
import resource
import shlex
import socket
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitq.stack.folder import StackFolder, write_private
from fitq.stack.program import Program
from fitq_shared.errors import StackError

SOCKET = "supervisor.sock"
# The path of a Unix socket has at most 107 bytes, and supervisord first binds it with ".PID".
LONGEST_SOCKET_PATH = 90
ANSWER_SECONDS = 10.0
COMMAND = "FITQ_STACK_COMMAND_"
SOCKET_VARIABLE = "FITQ_STACK_SOCKET"


@dataclass(frozen=True)
class ProgramState:
    """What supervisord says of a program."""

    name: str
    group: str
    state: str
    pid: int
    error: str

    @property
    def full_name(self) -> str:
        """The name by which supervisor is asked about it."""
        return f"{self.group}:{self.name}"

    @property
    def has_ended(self) -> bool:
        """It ended by itself, or could not be started."""
        return self.state in ("BACKOFF", "EXITED", "FATAL", "UNKNOWN")


class Supervisor:
    """The supervisord behind one socket. Raises OSError when it does not answer."""

    def __init__(self, socket_file: Path) -> None:
        self._socket_file = socket_file

    @property
    def pid(self) -> int:
        """Its process."""
        return int(self._ask("getPID"))

    def states(self) -> dict[str, ProgramState]:
        """All its programs, by name."""
        return {
            info["name"]: ProgramState(
                *(info["name"], info["group"], info["statename"], info["pid"], info["spawnerr"])
            )
            for info in self._ask("getAllProcessInfo")
        }

    def start(self, program: Program | ProgramState) -> None:
        """Start a program, without waiting for it; its state tells how it went."""
        try:
            self._ask("startProcess", program.full_name, False)
        except xmlrpc.client.Fault as fault:
            raise StackError(f"{program.name} does not start: {fault.faultString}") from fault

    def shutdown(self) -> None:
        """Ask it to stop everything and then itself, without waiting."""
        try:
            self._ask("shutdown")
        except xmlrpc.client.Fault as fault:
            if "SHUTDOWN_STATE" not in fault.faultString:
                raise StackError(f"supervisord does not stop: {fault.faultString}") from fault

    def _ask(self, method: str, *arguments: object) -> Any:
        transport = _UnixTransport(self._socket_file)
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as server:
                return getattr(server.supervisor, method)(*arguments)
        except (http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise OSError(f"supervisord gives no answer: {error}") from error


def check_supervisor() -> None:
    """Raise StackError where the stack cannot be supervised."""
    if not sys.platform.startswith("linux"):
        raise StackError(
            f"the local stack runs on Linux, this is {sys.platform}",
            "use `docker compose up`, or a stack on a Linux machine through FITQ_REDIS_URL",
        )
    if importlib.util.find_spec("supervisor") is None:
        raise StackError("supervisor is not installed", "pip install 'fitq[local]'")


def make_socket_path() -> Path:
    """A path for supervisord's socket in a new folder that nobody else can enter.

    Not in `.fitq/`: that path may be too long, or on a file system without sockets or links.
    """
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) + len(SOCKET) > LONGEST_SOCKET_PATH - len("/fitq-12345678/"):
        parent = "/tmp"  # noqa: S108 - mkdtemp makes it private
    return Path(tempfile.mkdtemp(prefix="fitq-", dir=parent)) / SOCKET


def start_supervisord(
    folder: StackFolder,
    socket_file: Path,
    programs: Sequence[Program],
    environment: Mapping[str, str],
) -> Supervisor:
    """Start supervisord as a daemon in a session of its own; it starts no program yet.

    Args:
        environment: what all programs get.
    """
    write_private(folder.supervisor_conf, configuration(folder, programs))
    commands = {
        f"{COMMAND}{number}": shlex.join(program.command)
        for number, program in enumerate(programs, 1)
    }
    started = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", folder.supervisor_conf.name],
        cwd=folder.root,
        env={**environment, **commands, SOCKET_VARIABLE: str(socket_file)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        umask=0o077,
    )
    if started.returncode != 0:
        raise StackError(f"supervisord does not start:\n{started.stdout.strip()}")
    return Supervisor(socket_file)


def configuration(folder: StackFolder, programs: Sequence[Program]) -> str:
    """The text of supervisord.conf; its paths are relative to `.fitq/`."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    sections = {
        "supervisord": {
            "identifier": "fitq",
            "logfile": "logs/supervisord.log",
            "logfile_maxbytes": "2MB",
            "logfile_backups": "2",
            "pidfile": "supervisord.pid",
            "nocleanup": "true",
            "umask": "077",
            "minfds": str(1024 if files == resource.RLIM_INFINITY else min(1024, files)),
            "minprocs": "1",
        },
        "unix_http_server": {"file": f"%(ENV_{SOCKET_VARIABLE})s", "chmod": "0700"},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
    }
    groups: dict[str, list[Program]] = {}
    for number, program in enumerate(programs, 1):
        sections[f"program:{program.name}"] = {
            "command": f"%(ENV_{COMMAND}{number})s",
            "directory": str(program.folder.relative_to(folder.root)),
            "environment": _environment(program.environment),
            # supervisord stops the highest priority first.
            "priority": str(-program.stop_order),
            "autostart": "false",
            # supervisor takes 0 for an end that was expected: a drained worker stays away.
            "autorestart": "unexpected" if program.may_leave else "true",
            "startsecs": str(program.start_seconds),
            "startretries": str(program.start_retries),
            "stopsignal": "TERM",
            "stopwaitsecs": str(program.stop_seconds),
            "stopasgroup": "false",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": f"logs/{program.name}.log",
            "stdout_logfile_maxbytes": "5MB",
            "stdout_logfile_backups": "3",
        }
        if program.group:
            groups.setdefault(program.group, []).append(program)
    for group, members in groups.items():
        sections[f"group:{group}"] = {
            "programs": ",".join(member.name for member in members),
            "priority": str(-members[0].stop_order),
        }
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in lines.items())
        for name, lines in sections.items()
    )


def _environment(variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        if not re.fullmatch(r"[\w:./+-]*", value, re.ASCII):
            raise ValueError(f"{name} has characters that supervisor cannot quote")
    return ",".join(f'{name}="{value}"' for name, value in variables.items())


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket, with a limit on how long an answer may take."""

    def __init__(self, socket_file: Path) -> None:
        super().__init__()
        self._socket_file = socket_file

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._socket_file)
        self._connection = (host, connection)  # for close()
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, socket_file: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._socket_file = socket_file

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._socket_file))
