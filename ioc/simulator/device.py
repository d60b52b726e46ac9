"""A simulated device: its connection, its readings, and what happens to it."""

import asyncio
import random
from collections.abc import Callable

from collectors.source import SourceSettings
from ioc.domain.family import Family
from ioc.domain.registry import Device
from ioc.simulator.link import Birth, DeviceLink
from ioc.simulator.signals import CALM, Change, Reading, Signals

_TICK_S = 15.0
_RETRY_S = (1.0, 5.0)
_ANSWER_S = 20.0
Routine = Callable[[Device, int], Change]
"""What a device does by itself at a time (Unix ms), such as playing its bulletins."""


def no_routine(_device: Device, _now: int) -> Change:
    """Nothing beyond the family's signals."""
    return CALM


class SimulatedDevice:
    """Run `run` as a task; `change` and `cut` at any time."""

    def __init__(
        self,
        row: Device,
        family: Family,
        settings: SourceSettings,
        *,
        interval_s: float,
        clock: Callable[[], int],
        routine: Routine = no_routine,
        seed: int = 0,
        opening: asyncio.Semaphore | None = None,
    ) -> None:
        self.row = row
        self.began = asyncio.Event()
        """Set with the first birth."""
        self._clock = clock
        self._interval_s = interval_s
        self._routine = routine
        self._opening = opening or asyncio.Semaphore(1)
        self._random = random.Random(f"{seed}/{row.device}")  # noqa: S311 - not for secrets
        self._signals = Signals(family, seed=f"{seed}/{row.device}", fixed=_fixed(row, family))
        self._link = DeviceLink(settings, family=row.family, device=row.device, changed=self._wake)
        self._change = CALM
        self._changed_at = 0
        self._report_now = False
        self._is_cut = False
        self._waiter: asyncio.Future[None] | None = None
        self._seq = 0
        self._playing: Reading | None = None

    @property
    def online(self) -> bool:
        """Whether its connection stands."""
        return self._link.up

    def change(self, change: Change) -> None:
        """Something happens to it (CALM: all is well again); it reports at once."""
        self._change = change
        self._changed_at = self._clock()
        self._report_now = True
        self._wake()

    def cut(self) -> None:
        """Its line breaks, without a word to the broker, until `mend`."""
        self._is_cut = True
        self._link.cut()

    def mend(self) -> None:
        """The line is there again: it connects and announces its birth."""
        self._is_cut = False
        self._wake()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                while self._is_cut:
                    await self._sleep(_TICK_S)
                await self._live()
                await asyncio.sleep(self._random.uniform(*_RETRY_S))
        finally:
            self._link.cut()

    async def _live(self) -> None:
        try:
            async with self._opening:
                await self._link.open()
                await self._until_up()
        except OSError:
            return
        if not self._link.up:
            self._link.cut()
            return
        now, readings = self._read()
        self._link.birth(Birth(now, str(readings.get("fw", "1.0.0"))))
        self._playing = readings.get("bulletin")
        self._send(now, readings)
        self.began.set()
        loop = asyncio.get_running_loop()
        due = loop.time() + self._random.uniform(0, self._interval_s)
        while self._link.up:
            moment = loop.time()
            if self._report_now or moment >= due:
                if moment >= due:
                    due = moment + self._interval_s * self._random.uniform(0.97, 1.03)
                self._report()
            self._link.tick()
            await self._sleep(min(_TICK_S, due - moment))

    async def _until_up(self) -> None:
        deadline = asyncio.get_running_loop().time() + _ANSWER_S
        while not self._link.up and self._link.failure is None and asyncio.get_running_loop().time() < deadline:
            await self._sleep(1.0)

    def _report(self) -> None:
        now, readings = self._read()
        self._send(now, readings)
        bulletin = readings.get("bulletin")
        if bulletin is not None and bulletin != self._playing:
            self._link.event({"ts": now, "event": "bulletin_started", "bulletin": bulletin})
        self._playing = bulletin

    def _read(self) -> tuple[int, dict[str, Reading]]:
        self._report_now = False
        now = self._clock()
        own = self._routine(self.row, now)
        change = Change(values={**own.values, **self._change.values}, halted=own.halted | self._change.halted)
        return now, self._signals.read(now, change, self._changed_at)

    def _send(self, now: int, readings: dict[str, Reading]) -> None:
        self._seq += 1
        self._link.telemetry({"ts": now, "seq": self._seq, **readings})

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _sleep(self, seconds: float) -> None:
        """Until something happens, at most so long."""
        if self._report_now and self._link.up:
            return
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        timer = loop.call_later(max(0.0, seconds), self._wake)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None


def _fixed(row: Device, family: Family) -> dict[str, Reading]:
    """What the registry knows and the device reports alike."""
    known: dict[str, Reading | None] = {"lat": row.lat, "lon": row.lon, "carrier": row.labels.get("carrier")}
    return {name: value for name, value in known.items() if value is not None and name in family.index}
