"""One server process that a test may stop, kill, freeze and start again."""

import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from servers.waiting import PATIENCE_S, wait_until_sync


class ServerProcess:
    """A child process with its log in a file; `ready` says when it serves."""

    def __init__(self, *, name: str, command: Sequence[str], log: Path, ready: Callable[[], bool]) -> None:
        self._name = name
        self._command = list(command)
        self._ready = ready
        self._child: subprocess.Popen[bytes] | None = None
        self.log = log

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._child is None:
            message = f"{self._name} was never started"
            raise RuntimeError(message)
        return self._child.pid

    def start(self, deadline: float = PATIENCE_S) -> None:
        """Starts it and returns once it serves; RuntimeError with the end of its log when it doesn't."""
        if self.running:
            return
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - our own argv
        try:
            wait_until_sync(lambda: self._ready() or not self.running, deadline, f"{self._name} serves")
        except BaseException:
            self.kill()  # nobody else would: whoever started it has nothing to stop
            raise
        if not self.running:
            message = f"{self._name} ended at its start:\n{self.tail()}"
            raise RuntimeError(message)

    def stop(self) -> None:
        """Ends it politely (SIGTERM), by force once our patience is at its end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once (SIGKILL): whatever it had not written to disk is gone."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stops its execution (SIGSTOP): connections stay open, nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._child is None:
            return
        self._signal(number)
        self.thaw()
        try:
            self._child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(PATIENCE_S)
