"""Devices' samples in bulk, as the store holds them; each is made only where somebody has to see it."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ioc.domain.columns import Columns, Key, Row, Tags
from ioc.domain.registry import Device
from ioc.domain.sample import Sample


class Strip(msgspec.Struct, frozen=True, eq=False):
    """Samples of one device, ascending by time."""

    family: str
    device: str
    places: Sequence[Key | None]
    """For each metric of its family the key of the rows, None where the store has none."""
    times: Sequence[int]
    rows: Sequence[Row]

    def samples(self) -> Iterator[Sample]:
        """Each by itself."""
        return map(self._sample, self.times, self.rows)

    def before(self, until: int) -> Sample | None:
        """The last one before a moment."""
        told = zip(reversed(self.times), reversed(self.rows), strict=True)
        return next((self._sample(ts, row) for ts, row in told if ts < until), None)

    def last(self) -> "Strip":
        """Only its last sample."""
        return Strip(self.family, self.device, self.places, self.times[-1:], self.rows[-1:])

    def _sample(self, ts: int, row: Row) -> Sample:
        """Types are the store's, which holds them as the family declares them."""
        values = tuple(map(row.get, self.places))  # type: ignore[arg-type]  # no row has the key None
        return Sample(self.family, self.device, ts, ts, values, 0, live=True)


class Strips:
    """The samples of a family's registered devices among the points of a span."""

    def __init__(self, columns: Columns, metrics: Sequence[str], devices: Mapping[str, Device]) -> None:
        self.columns = columns
        self.metrics = metrics
        self.spans: dict[str, tuple[int, int]] = {}
        """Device → where its samples begin and end in the columns."""
        self.others: list[Strip] = []
        """Those of devices that are there with several sets of tags."""
        self._places = tuple(columns.keys.get(metric) for metric in metrics)
        begin = 0
        for tags, count in columns.series:
            device = devices.get(tags[0][1]) if tags else None
            if device is not None and device.family == columns.measurement:
                self._put(tags, device.device, begin, begin + count)
            begin += count

    def __len__(self) -> int:
        """How many samples there are."""
        return sum(end - begin for begin, end in self.spans.values()) + sum(len(strip.rows) for strip in self.others)

    def of(self, device: str) -> Strip:
        """One device's."""
        return self._strip(device, *self.spans[device])

    def _put(self, tags: Tags, device: str, begin: int, end: int) -> None:
        if len(tags) == 1:
            self.spans[device] = begin, end
        else:
            self.others.append(self._strip(device, begin, end))

    def _strip(self, device: str, begin: int, end: int) -> Strip:
        columns = self.columns
        return Strip(columns.measurement, device, self._places, columns.times[begin:end], columns.rows[begin:end])
