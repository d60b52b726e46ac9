"""A spool.db cut within its last two batches, or with a bit flipped, loses the torn batch and nothing else."""

import asyncio
from pathlib import Path

import pytest

from harm import spool_cuts
from harm.spool_cuts import Sample

STEP = 211
"""`make faults` takes every offset."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return asyncio.run(spool_cuts.make_sample(tmp_path_factory.mktemp("sample")))


async def test_file_cut_in_its_last_two_batches_keeps_all_others(sample: Sample, tmp_path: Path) -> None:
    """The start succeeds, every earlier batch is there, and what is there is as it was written."""
    cost = await spool_cuts.cut_file(sample, tmp_path, spool_cuts.cuts_of_file(sample)[::STEP])
    assert (cost.refused, cost.wrong, cost.lost_before) == (0, 0, 0)


async def test_log_cut_in_its_last_two_batches_keeps_all_others(sample: Sample, tmp_path: Path) -> None:
    """The log of a process that was killed while it wrote, cut where the disk had got to."""
    cost = await spool_cuts.cut_log(sample, tmp_path, spool_cuts.cuts_of_log(sample)[::STEP])
    assert (cost.refused, cost.wrong, cost.lost_before) == (0, 0, 0)
    whole = await spool_cuts.cut_log(sample, tmp_path, [len(sample.log)])
    assert whole.most_lost == 0


async def test_flipped_bit_costs_one_batch_at_most(sample: Sample, tmp_path: Path) -> None:
    """Anywhere in the file."""
    cost = await spool_cuts.flip_bits(sample, tmp_path, 60, seed=1)
    assert (cost.refused, cost.wrong) == (0, 0)
    assert cost.most_lost <= 1
