"""Brings a province to life at a broker: `ioc simulate`, and the devices of `ioc demo`."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from collectors.source import SourceSettings
from ioc.domain.family import Family
from ioc.domain.registry import Device
from ioc.simulator.device import Routine, SimulatedDevice, no_routine
from ioc.simulator.files import allow_files
from ioc.simulator.signals import CALM
from ioc.simulator.story import STORY, Beat, Turn, bulletins, cast_roles, groups, length_s, turns

log = structlog.get_logger("ioc.simulator")

SCENARIOS: Mapping[str, tuple[tuple[Beat, ...], Routine]] = {
    "story": (STORY, bulletins),
    "calm": ((), bulletins),
    "plain": ((), no_routine),
}
"""story: the demo's; calm: nothing happens; plain: not even bulletins."""
_OPENING_AT_ONCE = 64
_SPARE_FILES = 200


class SimulationError(Exception):
    """The simulation can't start; says why and what to do."""


async def simulate(
    url: str,
    *,
    families: Iterable[Family],
    devices: Sequence[Device],
    clock: Callable[[], int],
    interval_s: float | Mapping[str, float] | None = None,
    scenario: str = "story",
    speed: float = 1.0,
    username: str | None = None,
    password: str | None = None,
    ca_file: str | None = None,
    topic_root: str = "ioc/v1",
    seed: int = 0,
    on_turn: Callable[[Turn, Sequence[str]], None] | None = None,
) -> None:
    """Runs until cancelled: one MQTT connection, client id and Will a device.

    `interval_s`: seconds between telemetry messages, for all or by family; None = each family's cadence. `clock` gives Unix ms.
    `on_turn` hears of each beat that begins or ends, with the devices concerned. SimulationError for what can't be done.
    """
    story, routine = _scenario(scenario)
    declared = {family.family: family for family in families}
    most = allow_files(len(devices) + _SPARE_FILES)
    if most < len(devices) + _SPARE_FILES:
        message = (
            f"{len(devices)} connections need more open files than the {most} allowed here; raise `ulimit -n` or simulate fewer devices"
        )
        raise SimulationError(message)
    settings = SourceSettings(url=url, client_id="simulator", username=username, password=password, ca_file=ca_file, topic_root=topic_root)
    opening = asyncio.Semaphore(_OPENING_AT_ONCE)
    simulated = {
        row.device: SimulatedDevice(
            row,
            declared[row.family],
            settings,
            interval_s=_interval(declared[row.family], interval_s),
            clock=clock,
            routine=routine,
            seed=seed,
            opening=opening,
        )
        for row in devices
        if row.family in declared
    }
    if not simulated:
        message = "nothing to simulate: no device belongs to a known family"
        raise SimulationError(message)
    async with asyncio.TaskGroup() as tasks:
        for device in simulated.values():
            tasks.create_task(device.run(), name=f"simulated {device.row.device}")
        tasks.create_task(_count(simulated), name="simulator progress")
        if story:
            tasks.create_task(_tell(story, simulated, speed, on_turn), name="story")


async def _tell(
    story: Sequence[Beat], simulated: Mapping[str, SimulatedDevice], speed: float, on_turn: Callable[[Turn, Sequence[str]], None] | None
) -> None:
    roles = cast_roles([device.row for device in simulated.values()])
    listed = [turn for turn in turns(story, speed) if roles[turn.beat.role]]
    loop = asyncio.get_running_loop()
    began = loop.time()
    while listed:
        for at_s, together in groups(listed):
            await asyncio.sleep(max(0.0, began + at_s - loop.time()))
            for turn in together:
                chosen = roles[turn.beat.role]
                _play(turn, [simulated[device] for device in chosen])
                log.info("story", beat=turn.beat.name, begins=turn.begins, devices=len(chosen), what=turn.beat.vi)
                if on_turn is not None:
                    on_turn(turn, chosen)
        began += length_s(story, speed)


def _play(turn: Turn, chosen: Sequence[SimulatedDevice]) -> None:
    for device in chosen:
        if turn.beat.cut:
            device.cut() if turn.begins else device.mend()
        else:
            device.change(turn.beat.change if turn.begins else CALM)


async def _count(simulated: Mapping[str, SimulatedDevice]) -> None:
    """Says once that all have connected."""
    for device in simulated.values():
        await device.began.wait()
    log.info("simulated_devices_online", devices=len(simulated))


def _scenario(name: str) -> tuple[tuple[Beat, ...], Routine]:
    if name not in SCENARIOS:
        message = f"there is no scenario {name!r}; choose one of {', '.join(SCENARIOS)}"
        raise SimulationError(message)
    return SCENARIOS[name]


def _interval(family: Family, wish: float | Mapping[str, float] | None) -> float:
    if isinstance(wish, Mapping):
        wish = wish.get(family.family)
    return family.cadence / 1000 if wish is None else wish
