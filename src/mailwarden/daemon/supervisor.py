"""The supervisor: forks workers that share the listening sockets, and keeps them well.

It reads no mail and runs no event loop: signals and workers' pipes wake one `select`.

    SIGHUP        load the settings again, all or nothing: new workers first, then the old drain
    SIGTERM       drain and end
    worker died   replace it, after a pause that grows when it keeps dying
    worker hung   kill it, then the same

Beside the workers runs the outbox, which sends notices; it lives and dies like a worker.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from mailwarden.daemon.forking import Child, Inheritance, fork_child
from mailwarden.daemon.journal import make_log
from mailwarden.daemon.outbox_process import run_outbox
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


@dataclass(frozen=True, slots=True)
class _Pause:
    """How long to wait before the next worker is started, growing while they die young."""

    seconds: float = 0.0
    until: float = 0.0

    def longer(self) -> "_Pause":
        """Twice as long as this one, from now on."""
        seconds = max(_FIRST_PAUSE_SECONDS, min(2 * self.seconds, _LONGEST_PAUSE_SECONDS))
        return _Pause(seconds, time.monotonic() + seconds)


@dataclass(slots=True)
class Supervisor:
    """Runs workers for `settings` on `listeners` until SIGTERM.

    `reload` returns new settings, or raises `ValueError` with a text that says all that is wrong.
    `with_outbox`: the process that sends notices runs beside the workers.
    """

    settings: Settings
    listeners: Sequence[socket.socket]
    manager: ServiceManager
    reload: Callable[[], Settings]
    with_outbox: bool = True
    _outbox: _Worker | None = None
    _workers: dict[int, _Worker] = field(default_factory=dict)
    _generation: int = 0
    _stopping: bool = False
    _announced: bool = False
    _pause: _Pause = field(default_factory=_Pause)
    _outbox_pause: _Pause = field(default_factory=_Pause)
    _log: structlog.typing.FilteringBoundLogger = field(init=False)
    _signals: set[int] = field(default_factory=set)

    def run(self) -> None:
        """Work until told to end; returns when the last worker has ended."""
        self._log = make_log(self.settings.log)
        wake = self._catch_signals()
        self._log.info(
            "starting", pid=os.getpid(), workers=self.settings.worker_count, uid=os.geteuid()
        )
        if os.geteuid() == 0:
            self._log.warning("running-as-root", detail="mail is read as root: use another user")
        next_watchdog = 0.0
        while self._workers or self._outbox or not self._stopping:
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
            self._start_outbox()
        except OSError as error:
            self._log.error("worker-not-started", detail=error.strerror)
            self._pause = self._pause.longer()

    def _start(self) -> None:
        """Fork a worker; raises `OSError` when no process or descriptor is free."""
        child = self._fork(lambda pipe: run_worker(WorkerTask(self.settings, self.listeners, pipe)))
        now = time.monotonic()
        self._workers[child.pid] = _Worker(child.pid, self._generation, child.pipe, now, now)

    def _start_outbox(self) -> None:
        """Fork the process that sends mail, unless it is there; raises `OSError`."""
        is_paused = time.monotonic() < self._outbox_pause.until
        if not self.with_outbox or self._outbox or is_paused:
            return

        def work(pipe: int) -> None:
            for listener in self.listeners:
                listener.close()  # no client may wait for somebody who never serves
            run_outbox(self.settings, pipe)

        child = self._fork(work)
        now = time.monotonic()
        self._outbox = _Worker(child.pid, self._generation, child.pipe, now, now)

    def _fork(self, work: Callable[[int], None]) -> Child:
        pipes = [worker.pipe for worker in self._children()]
        return fork_child(work, Inheritance(_SIGNALS, pipes), self._log)

    def _children(self) -> list[_Worker]:
        return [*self._workers.values(), *([self._outbox] if self._outbox else [])]

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
        for worker in self._children():
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
            for worker in self._children():
                if worker.generation != self._generation:
                    self._end(worker)

    def _end(self, worker: _Worker) -> None:
        if worker.ending_since is None:
            worker.ending_since = time.monotonic()
            os.kill(worker.pid, signal.SIGTERM)

    def _bury(self) -> None:
        while self._children():
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            code = os.waitstatus_to_exitcode(status)
            if worker := self._workers.pop(pid, None):
                os.close(worker.pipe)
                self._pause = self._mourn(worker, code, "worker-died", self._pause)
            elif self._outbox and self._outbox.pid == pid:
                gone, self._outbox = self._outbox, None
                os.close(gone.pipe)
                self._outbox_pause = self._mourn(gone, code, "outbox-died", self._outbox_pause)

    def _mourn(self, child: _Worker, code: int, event: str, pause: _Pause) -> _Pause:
        """Say that a child died; the pause before the next one of its kind is started."""
        if child.ending_since is not None and code == 0:
            return pause
        self._log.error(event, worker=child.pid, code=code)
        if time.monotonic() - child.started < _SHORT_LIFE_SECONDS:
            return pause.longer()
        return _Pause()

    def _kill_hung(self) -> None:
        now = time.monotonic()
        for child in self._children():
            is_outbox = child is self._outbox  # which gives no signs of life
            silent = not is_outbox and now - child.heard > self.settings.daemon.hang_seconds
            ending = now - (child.ending_since or now)
            if silent or ending > self.settings.daemon.drain_seconds + _GRACE_SECONDS:
                self._log.error("outbox-hung" if is_outbox else "worker-hung", worker=child.pid)
                child.heard = now
                os.kill(child.pid, signal.SIGKILL)

    def _say_alive(self, due: float) -> float:
        interval = self.manager.watchdog_seconds
        if not interval or time.monotonic() < due:
            return due
        self.manager.tell("WATCHDOG=1")
        return time.monotonic() + min(interval, 10 * _TICK_SECONDS)
