"""The supervisor: forks workers that share the listening sockets, and keeps them well.

It reads no mail and runs no event loop: signals and workers' pipes wake one `select`.

    SIGHUP        load the settings again, all or nothing: new workers first, then the old drain
    SIGTERM       drain and end
    worker died   replace it, after a pause that grows when it keeps dying
    worker hung   kill it, then the same
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from mailwarden.daemon.journal import make_log
from mailwarden.daemon.systemd import ServiceManager
from mailwarden.daemon.worker import READY, WorkerTask, run_worker
from mailwarden.settings.model import Settings

# A worker that lived shorter than this died of something that the next will die of, too.
_SHORT_LIFE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_TICK_SECONDS = 0.5
# On top of drain_seconds, before a worker that does not end is killed.
_GRACE_SECONDS = 10.0
_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


@dataclass(slots=True)
class _Worker:
    """A running worker: its generation of settings, its pipe, when it last gave a sign."""

    pid: int
    generation: int
    pipe: int
    started: float
    heard: float
    ready: bool = False
    ending_since: float | None = None


@dataclass(slots=True)
class _Pause:
    """How long to wait before the next worker is started, growing while they die young."""

    seconds: float = 0.0
    until: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Runs workers for `settings` on `listeners` until SIGTERM.

    `reload` returns new settings, or raises `ValueError` with a text that says all that is wrong.
    """

    settings: Settings
    listeners: Sequence[socket.socket]
    manager: ServiceManager
    reload: Callable[[], Settings]
    _workers: dict[int, _Worker] = field(default_factory=dict)
    _generation: int = 0
    _stopping: bool = False
    _announced: bool = False
    _pause: _Pause = field(default_factory=_Pause)
    _log: structlog.typing.FilteringBoundLogger = field(init=False)
    _signals: set[int] = field(default_factory=set)

    def run(self) -> None:
        """Work until told to end; returns when the last worker has ended."""
        self._log = make_log(self.settings.log)
        wake = self._catch_signals()
        self._log.info(
            "starting", pid=os.getpid(), workers=self.settings.worker_count, uid=os.geteuid()
        )
        next_watchdog = 0.0
        while self._workers or not self._stopping:
            self._start_missing()
            self._wait(wake)
            self._take_signals()
            self._bury()
            self._end_old()
            self._kill_hung()
            next_watchdog = self._say_alive(next_watchdog)
        self._log.info("stopped")

    def _catch_signals(self) -> socket.socket:
        """Have signals wake `select` through a socket, and be remembered."""
        wake, waker = socket.socketpair()
        for end in (wake, waker):
            end.setblocking(False)  # noqa: FBT003 - the standard library's signature
        for number in _SIGNALS:
            signal.signal(number, lambda caught, _frame: self._signals.add(caught))
        signal.set_wakeup_fd(waker.detach(), warn_on_full_buffer=False)
        return wake

    def _start_missing(self) -> None:
        current = sum(w.generation == self._generation for w in self._workers.values())
        if self._stopping or time.monotonic() < self._pause.until:
            return
        try:
            for _ in range(self.settings.worker_count - current):
                self._start()
        except OSError as error:
            self._log.error("worker-not-started", detail=error.strerror)
            self._pause_starting()

    def _start(self) -> None:
        """Fork a worker; raises `OSError` when no process or descriptor is free."""
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # Blocked, so that none falls to our own handler in the child and is forgotten there.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
            if pid == 0:
                self._become_worker(reading, writing)
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        now = time.monotonic()
        self._workers[pid] = _Worker(pid, self._generation, reading, now, now)

    def _become_worker(self, reading: int, writing: int) -> None:
        """In the child: forget the supervisor's signals and pipes, work, and never return."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            for ours in (reading, *(worker.pipe for worker in self._workers.values())):
                os.close(ours)
            run_worker(WorkerTask(self.settings, self.listeners, writing))
            code = 0
        except BaseException as error:  # noqa: BLE001 - a fork may not return into the supervisor
            self._log.error("worker-failed", worker=os.getpid(), exc_info=error)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _wait(self, wake: socket.socket) -> None:
        pipes = {worker.pipe: worker for worker in self._workers.values()}
        readable, _, _ = select.select([wake.fileno(), *pipes], [], [], _TICK_SECONDS)
        for source in readable:
            if worker := pipes.get(source):
                self._hear(worker)
            else:
                wake.recv(4096)

    def _hear(self, worker: _Worker) -> None:
        signs = os.read(worker.pipe, 4096)
        if signs:
            worker.heard = time.monotonic()
        else:
            time.sleep(0.01)  # it closed its end and is about to die: do not spin meanwhile
        if READY in signs:
            worker.ready = True
            self._announce()

    def _announce(self) -> None:
        """Tell the service manager once all workers of the newest settings are ready."""
        newest = [w for w in self._workers.values() if w.generation == self._generation]
        is_whole = len(newest) == self.settings.worker_count
        if is_whole and all(worker.ready for worker in newest) and not self._announced:
            self._announced = True
            self._pause = _Pause()
            self.manager.tell("READY=1", f"STATUS={len(newest)} workers")
            self._log.info("ready", workers=len(newest), generation=self._generation)

    def _take_signals(self) -> None:
        caught, self._signals = self._signals, set()
        if caught & {signal.SIGTERM, signal.SIGINT} and not self._stopping:
            self._stop()
        elif signal.SIGHUP in caught and not self._stopping:
            self._reload()

    def _stop(self) -> None:
        self._stopping = True
        self.manager.tell("STOPPING=1")
        self._log.info("draining", workers=len(self._workers))
        for listener in self.listeners:
            listener.close()
        for worker in self._workers.values():
            self._end(worker)

    def _reload(self) -> None:
        now = time.monotonic_ns() // 1000
        self.manager.tell("RELOADING=1", f"MONOTONIC_USEC={now}")
        try:
            self.settings = self.reload()
        except ValueError as error:
            self._log.error("reload-refused", detail=str(error))
            self.manager.tell("READY=1", "STATUS=reload refused: the settings have errors")
            return
        self._log = make_log(self.settings.log)
        self._generation += 1
        self._announced = False
        self._log.info("reloading", generation=self._generation)

    def _end_old(self) -> None:
        """Once the new generation serves, the old one may drain."""
        if self._announced:
            for worker in self._workers.values():
                if worker.generation != self._generation:
                    self._end(worker)

    def _end(self, worker: _Worker) -> None:
        if worker.ending_since is None:
            worker.ending_since = time.monotonic()
            os.kill(worker.pid, signal.SIGTERM)

    def _bury(self) -> None:
        while self._workers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            if worker := self._workers.pop(pid, None):
                os.close(worker.pipe)
                self._mourn(worker, os.waitstatus_to_exitcode(status))

    def _mourn(self, worker: _Worker, code: int) -> None:
        if worker.ending_since is not None and code == 0:
            return
        self._log.error("worker-died", worker=worker.pid, code=code)
        if time.monotonic() - worker.started < _SHORT_LIFE_SECONDS:
            self._pause_starting()
        else:
            self._pause = _Pause()

    def _pause_starting(self) -> None:
        """Wait before the next start, twice as long as before the last one."""
        seconds = max(_FIRST_PAUSE_SECONDS, min(2 * self._pause.seconds, _LONGEST_PAUSE_SECONDS))
        self._pause = _Pause(seconds, time.monotonic() + seconds)

    def _kill_hung(self) -> None:
        now = time.monotonic()
        for worker in self._workers.values():
            silent = now - worker.heard > self.settings.daemon.hang_seconds
            ending = now - (worker.ending_since or now)
            if silent or ending > self.settings.daemon.drain_seconds + _GRACE_SECONDS:
                self._log.error("worker-hung", worker=worker.pid)
                worker.heard = now
                os.kill(worker.pid, signal.SIGKILL)

    def _say_alive(self, due: float) -> float:
        interval = self.manager.watchdog_seconds
        if not interval or time.monotonic() < due:
            return due
        self.manager.tell("WATCHDOG=1")
        return time.monotonic() + min(interval, 10 * _TICK_SECONDS)
