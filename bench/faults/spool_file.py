"""Line 7: spool.db cut at every byte of its last two batches, bits flipped, and how long a start takes with it."""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from faults.findings import Findings
from faults.line import Line, Stage

from harm import spool_cuts
from harm.spool_cuts import Cost, Sample
from ioc.adapters.spool import Spool
from ioc.adapters.spool_file import spool_file

FLIPS = 2_000
WORKERS = 2
GB = 10**9
LARGE_ROWS, ROW_BYTES = 256, 10**6
_FLIPS, _FILE, _LOG = "bits flipped", "file cut", "log of a killed process cut"


def _share(sample: Sample, what: str, lengths: Sequence[int], seed: int) -> Cost:
    """One worker's part."""

    async def work(folder: Path) -> Cost:
        if what == _FLIPS:
            return await spool_cuts.flip_bits(sample, folder, len(lengths), seed)
        return await (spool_cuts.cut_file if what == _FILE else spool_cuts.cut_log)(sample, folder, lengths)

    with spool_cuts.workplace() as folder:
        return asyncio.run(work(Path(folder)))


async def damage(stage: Stage, findings: Findings) -> None:
    """Every offset, spread over both cores."""
    sample = await spool_cuts.make_sample(stage.folder)
    step = stage.scaled(1, 61)
    cases = {
        _FILE: spool_cuts.cuts_of_file(sample)[::step],
        _LOG: spool_cuts.cuts_of_log(sample)[::step],
        _FLIPS: range(stage.scaled(FLIPS, 100)),
    }
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(WORKERS) as pool:
        for name, lengths in cases.items():
            parts = [loop.run_in_executor(pool, _share, sample, name, lengths[n::WORKERS], stage.seed + n) for n in range(WORKERS)]
            cost = Cost()
            for part in await asyncio.gather(*parts):
                cost.add(part)
            findings.note(f"{name}: copies opened{'' if name == _FLIPS else ' (one for each byte offset)'}", cost.copies)
            findings.must(f"{name}: starts refused", cost.refused, 0)
            findings.must(f"{name}: batches other than written", cost.wrong, 0)
            if name == _FLIPS:
                findings.at_most(f"{name}: batches lost to one, most", cost.most_lost, 1)
            else:
                findings.must(f"{name}: batches lost before the torn ones", cost.lost_before, 0)
                findings.at_most(f"{name}: of the last two lost, most", cost.most_lost, 2)


async def start(stage: Stage, findings: Findings) -> None:
    """A spool of a quarter of a gigabyte: opened whole, and opened cut."""
    path = stage.folder / "spool.db"
    file = spool_file(path)
    await file.open()
    spool = Spool(file, limit_bytes=4 * GB, clock=lambda: 0)
    for _ in range(stage.scaled(LARGE_ROWS, 32)):
        await spool.append("ioc", [], os.urandom(ROW_BYTES))
    await file.close()
    size = path.stat().st_size
    for name, length in (("whole", size), ("cut in its last batch", size - ROW_BYTES // 2)):
        os.truncate(path, length)
        began = time.monotonic()
        file = spool_file(path)
        await file.open()
        spool = Spool(file, limit_bytes=4 * GB, clock=lambda: 0)
        await spool.open()
        took = time.monotonic() - began
        findings.note(f"start, {name}: {length / GB:.2f} GB, batches", spool.rows)
        if length == size:
            findings.at_most(f"start, {name}: seconds a GB", took / (length / GB), 2.0, "s/GB")
        else:
            findings.note(f"start, {name}, written anew from what can be read: seconds a GB", round(took / (length / GB), 1))
        await file.close()


LINES = (
    Line(
        7,
        "spool.db cut at every byte offset of its last two batches; bits flipped",
        "loses the torn batch and nothing before it; never refuses to start; start with a whole file ≤ 2 s/GB",
        (damage, start),
        within_s=1_200,
    ),
)
