"""A day of a server whose clock the caller moves: what its devices tell, when it restarts or hears nothing, what people do."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from collectors.points import PointEncoder
from ioc.app.alarm_desk import AlarmActs
from ioc.app.server import Server, open_server
from ioc.config.load import Config, load_config
from ioc.domain.hearing import Heard, Lost
from ioc.domain.ledger import Booking
from ioc.domain.point import Point
from ioc.domain.sample import Arrival, Sample
from ruling.stage import sample

START = 1_772_730_000_000
"""2026-03-06 00:00 in Hà Nội."""
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
STEP = 5 * SECOND
DEVICES = [f"loa-{n}" for n in range(6)]
NOTIFY = """\
channels: {ops: {kind: file, path: ops.jsonl}, mail: {kind: file, path: mail.jsonl}}
routes:
  - {match: {severity: [critical, major]}, group_by: [rule, unit], group_wait: 30s, repeat_interval: 2h, channels: [ops], continue: true}
  - {group_by: [device], group_wait: 5m, channels: [mail]}
"""
RULES = """\
rules:
  - id: too_warm_by_day
    family: speaker
    when: {kind: threshold, metric: amp_temp_c, above: 60, clear_below: 55}
    between: ["06:00", "18:00"]
    for: 3m
    severity: minor
    summary: {vi: "nóng {value} tại {unit_name}", en: "warm {value} at {unit_name}"}
    action: {vi: xem, en: look}
"""


class Clock:
    """Ours."""

    now = START

    def __call__(self) -> int:
        return self.now


@contextmanager
def clock_in_hand() -> Iterator[Clock]:
    """The clock of every server in the block."""
    ours = Clock()
    with ExitStack() as stack:
        for module in ("server", "recording", "files", "front"):
            stack.enter_context(patch(f"ioc.app.{module}.now_ms", ours))
        yield ours


def site(folder: Path, port: int, *, notify: str = NOTIFY, rules: str = RULES) -> Config:
    """Six loudspeakers in two units; nobody listens at the broker's `port`."""
    files = {
        "ioc.yaml": (
            f'broker: {{url: "mqtt://127.0.0.1:{port}", client_id: ioc-1}}\n'
            "store: {kind: embedded, retention: 36500d}\ndata_dir: ./data\nrules: [./rules.yaml]\n"
            "registry: {units: ./units.csv, devices: ./devices.csv}\nnotify: {file: ./notify.yaml}\n"
        ),
        "notify.yaml": notify,
        "rules.yaml": rules,
        "units.csv": "unit,code,valid_from,valid_to,name,type,parent,lat,lon\n"
        "u1,07900,2025-07-01,,Phường Việt Trì,phường,,,\nu2,07901,2025-07-01,,Xã Bình Phú,xã,,,\n",
        "devices.csv": "device,family,unit,name,lat,lon,labels,valid_from\n"
        + "".join(f"{name},speaker,u{n % 2 + 1},Loa {n},,,,\n" for n, name in enumerate(DEVICES)),
    }
    (folder / "data").mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return load_config(folder / "ioc.yaml", {})


class Day:
    """What happens to the devices of a server, five seconds at a time."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.server: Server
        self._heard_until: int | None = None
        self._points: list[Point] = []
        self._encoder = PointEncoder(config.families)
        self.quiet: set[str] = set()
        self.values: dict[str, dict[str, Any]] = {name: {"state": "idle", "amp_temp_c": 40.0} for name in DEVICES}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """A run of the server, from start to stop."""
        async with open_server(self.config) as self.server:
            yield self.server
            await self.server.recorder.flush()
            await self._keep()

    async def hear(self, *inputs: Any) -> None:
        """A batch that comes in now."""
        self._points += await self.server.desk.decide("ioc-1", inputs)
        self._points += [self._encoder.sample(one) for one in inputs if isinstance(one, Sample)]

    async def passes(self, ms: int, *, blind: bool = False) -> None:
        """Time, in which every device that is not quiet tells its values once a minute."""
        if blind:
            await self.hear(Lost(self.clock.now))
        for _ in range(0, ms, STEP):
            self.clock.now += STEP
            if not blind:
                await self._hear_devices()
            self._points += await self.server.desk.pulse()
            await self.server.recorder.turn()

    async def _hear_devices(self) -> None:
        now = self.clock.now
        for number, name in enumerate(DEVICES):
            if name not in self.quiet and (now - START) % MINUTE == number * STEP:
                await self.hear(Arrival("speaker", name, now), sample(now, name, **self.values[name]))
        await self.hear(Heard(now, now + 7))
        self._heard_until = now

    async def _keep(self) -> None:
        """What a server has stored and booked by the time that it ends."""
        await self.server.store.write(self._points)
        self._points = []
        await self.server.files.state.book(Booking(source="ioc-1", heard_until=self._heard_until))

    async def act(self, rule: str, what: str, **more: Any) -> None:
        """A person acts on the one active alarm of a rule."""
        alarms = [alarm for alarm in self.server.engine.active() if alarm.rule == rule]
        acts = AlarmActs(self.server.desk, self.server.files.state, self._points.extend)
        await getattr(acts, what)(alarms[0].id, by="Lan", **more)
