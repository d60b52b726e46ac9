"""A line of the fault list, and the stage on which it runs."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from faults.findings import Findings

from e2e.server import ServerUnderTest
from e2e.webhook import WebhookReceiver
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from servers.process import ServerProcess

Server = TypeVar("Server", bound=ServerProcess)


class Stage:
    """What one line may use: a folder of its own, servers that end with it, the seed, and whether the run is a short trial."""

    def __init__(self, folder: Path, stack: AsyncExitStack, *, short: bool, seed: int) -> None:
        self.folder = folder
        self.short = short
        self.seed = seed
        self._stack = stack
        self._made = 0

    def scaled(self, full: int, short: int) -> int:
        """The full size, or that of a trial."""
        return short if self.short else full

    def broker(self, **wishes: object) -> Mosquitto:
        """A Mosquitto that runs (see servers.mosquitto)."""
        broker = Mosquitto(self._name("mosquitto"), **wishes)
        return self._started(broker)

    def influx(self) -> InfluxDB:
        """An InfluxDB that runs."""
        return self._started(InfluxDB(self._name("influxdb")))

    def server(self, **wishes: object) -> ServerUnderTest:
        """`ioc run`, configured and not yet started (see e2e.server)."""
        server = ServerUnderTest(self._name("ioc"), **wishes)
        self._stack.callback(server.stop)
        return server

    async def hook(self) -> WebhookReceiver:
        """Somebody who is told of alarms."""
        return await self._stack.enter_async_context(WebhookReceiver())

    @property
    def stack(self) -> AsyncExitStack:
        """For whatever else has to end with the line."""
        return self._stack

    def _name(self, kind: str) -> Path:
        self._made += 1
        return self.folder / f"{kind}-{self._made}"

    def _started(self, server: Server) -> Server:
        self._stack.callback(server.stop)
        server.start()
        return server


Run = Callable[[Stage, Findings], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Line:
    """`runs` are its parts, one after the other, each on a stage of its own; none = not run, for `reason`."""

    number: int
    fault: str
    promise: str
    runs: Sequence[Run] = ()
    within_s: float = 600.0
    reason: str = ""
