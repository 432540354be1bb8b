"""The local stack: Redis, workers and Flower on this machine, in one folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from fitq.stack import flower as flower_part
from fitq.stack import redis_server
from fitq.stack.addresses import Addresses
from fitq.stack.ending import end_processes
from fitq.stack.folder import StackFolder
from fitq.stack.lock import only_one
from fitq.stack.passwords import Passwords
from fitq.stack.ports import choose_ports
from fitq.stack.process_record import MARK, ProcessRecord
from fitq.stack.program import Program
from fitq.stack.readiness import Readiness, redis_answers, workers_are_ready
from fitq.stack.supervision import (
    ProgramState,
    Supervisor,
    check_supervisor,
    make_socket_path,
    start_supervisord,
)
from fitq.stack.worker_plan import (
    GROUP,
    WorkerPlan,
    find_worker_program,
    plan_workers,
    worker_programs,
)
from fitq_shared.errors import StackError
from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings

Tell = Callable[[str], None]


class LocalStack:
    """The stack of one folder; its state, data and logs are in `.fitq/` there.

    Args:
        project: the folder.
        worker_command: what to run as a worker, instead of `fitq-worker`.
    """

    def __init__(self, project: Path, worker_command: Sequence[str] | None = None) -> None:
        self.folder = StackFolder(project.resolve())
        self._worker_command = worker_command

    def up(
        self,
        workers: Sequence[WorkerPlan] | None = None,
        *,
        flower: bool = True,
        tell: Tell = lambda line: None,
    ) -> tuple[Addresses, bool]:
        """Start what is not running, and wait until all of it serves.

        All or nothing: if a part fails, or on Ctrl-C, everything started is stopped again.

        Args:
            workers: one process each; by default one for each device of this machine.
            tell: hears how it goes, a line at a time.

        Returns:
            The addresses, and whether the stack was started now: False if it was up already,
            in which case only workers that have left, as `fitq drain` asks, are started again.

        Raises:
            StackError: a part is missing or does not start; with the end of its log.
        """
        check_supervisor()
        self.folder.make()
        with only_one(self.folder.lock_file):
            running = self._running(tell)
            if running is not None:
                return running, False
            plans = plan_workers() if workers is None else workers
            server = redis_server.find_redis_server()
            worker = self._worker_command or [find_worker_program()]
            if flower:
                flower_part.check_flower()
            self._stop()  # what a crash has left
            try:
                return self._start(server, worker, plans, flower, tell), True
            except BaseException as error:
                tell("stopping what was started")
                self._stop()
                if isinstance(error, OSError):
                    raise StackError(f"the stack does not start: {error}") from error
                raise

    def down(self) -> bool:
        """Stop everything and wait until it has ended; data, passwords and ports stay.

        Returns:
            Whether anything was running.
        """
        if not self.folder.root.is_dir():
            return False
        with only_one(self.folder.lock_file):
            return self._stop()

    def _running(self, tell: Tell) -> Addresses | None:
        """The addresses of the running stack, with all its workers; None if it is not up.

        Raises:
            StackError: it is up, but a part of it is not.
        """
        record = ProcessRecord.load(self.folder)
        addresses = Addresses.load(self.folder)
        if record is None or addresses is None or record.supervisor_process() is None:
            return None
        supervisor = Supervisor(record.socket)
        try:
            states = supervisor.states().values()
        except OSError:
            return None
        left = [state for state in states if (state.group, state.state) == (GROUP, "EXITED")]
        failed = [state.name for state in states if state.has_ended and state not in left]
        if failed:
            raise StackError(
                f"the stack is up, but not {', '.join(failed)}; see {self.folder.logs}",
                "`fitq down`, then `fitq up`",
            )
        if left:
            self._bring_back(supervisor, left, addresses, tell)
            pids = {state.name: state.pid for state in supervisor.states().values() if state.pid}
            record.with_pids(supervisor.pid, pids).save()
        return addresses

    def _bring_back(
        self,
        supervisor: Supervisor,
        left: Sequence[ProgramState],
        addresses: Addresses,
        tell: Tell,
    ) -> None:
        """Start workers again that have left, and wait until they serve."""
        tell(f"waiting for the workers that had left ({len(left)}); they import Keras first")
        readiness = Readiness(self.folder, supervisor)
        readiness.start(left)
        with open_redis(Settings(addresses.redis_url)) as link:
            pids = readiness.pids.values()
            readiness.wait("the workers", lambda: workers_are_ready(link, pids))

    def _start(
        self,
        server: str,
        worker: Sequence[str],
        plans: Sequence[WorkerPlan],
        with_flower: bool,
        tell: Tell,
    ) -> Addresses:
        folder = self.folder
        passwords = Passwords.of(folder.passwords_file)
        ports = choose_ports(folder.ports_file, "redis", "flower")
        addresses = Addresses(
            redis_url=redis_server.redis_url(ports["redis"], passwords.redis),
            store=str(folder.volume),
            logs=str(folder.logs),
            workers=", ".join(map(str, plans)),
        )
        redis_server.write_configuration(folder, ports["redis"], passwords.redis)
        redis = redis_server.redis_program(folder, server)
        workers = worker_programs(folder, plans, worker)
        others = list(workers)
        if with_flower:
            others.append(flower_part.flower_program(folder, ports["flower"], passwords.flower))

        readiness = self._supervise([redis, *others], addresses)
        readiness.start([redis])
        with open_redis(Settings(addresses.redis_url)) as link:
            readiness.wait("Redis", lambda: redis_answers(link))
            tell("Redis is ready")
            readiness.start(others)
            if with_flower:
                addresses = self._with_flower(addresses, ports["flower"], passwords.flower)
                readiness.wait("Flower", lambda: flower_part.flower_answers(ports["flower"]))
                tell("Flower is ready")
            if workers:
                tell(f"waiting for the workers ({len(workers)}); they import Keras first")
            pids = [readiness.pids[one.name] for one in workers]
            readiness.wait("the workers", lambda: workers_are_ready(link, pids))
        self._remember(readiness)
        addresses.save(folder)
        return addresses

    def _supervise(self, programs: Sequence[Program], addresses: Addresses) -> Readiness:
        """Start supervisord; recorded first, so that `down` finds it even if we are killed now."""
        record = ProcessRecord(folder=self.folder, socket=make_socket_path())
        record.save()
        supervisor = start_supervisord(
            self.folder, record.socket, programs, self._environment(addresses)
        )
        record.with_pids(supervisor.pid, {}).save()
        return Readiness(self.folder, supervisor)

    def _remember(self, readiness: Readiness) -> None:
        record = ProcessRecord.load(self.folder)
        if record is not None and record.supervisor is not None:
            record.with_pids(record.supervisor[0], readiness.pids).save()

    def _environment(self, addresses: Addresses) -> dict[str, str]:
        """What all programs get: ours, but nothing that would configure Flower behind our back."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")
        }
        return inherited | {
            "FITQ_REDIS_URL": addresses.redis_url,
            "FITQ_STORE": addresses.store,
            "PYTHONUNBUFFERED": "1",
            MARK: str(self.folder.root),
        }

    def _with_flower(self, addresses: Addresses, port: int, password: str) -> Addresses:
        return replace(
            addresses,
            flower_url=flower_part.flower_url(port),
            flower_user=flower_part.USER,
            flower_password=password,
        )

    def _stop(self) -> bool:
        self.folder.stack_file.unlink(missing_ok=True)
        record = ProcessRecord.load(self.folder)
        found = record is not None and end_processes(record)
        self.folder.processes_file.unlink(missing_ok=True)
        (self.folder.root / "supervisord.pid").unlink(missing_ok=True)
        return found
