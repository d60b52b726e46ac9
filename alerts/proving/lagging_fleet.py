"""A registry whose devices' values are told only once somebody asks for them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.registry import Device
from ioc.domain.sample import Sample, Value


class HeldBack(Protocol):
    """Samples of one family that were not told."""

    def before(self, device: str, until: int) -> Sample | None:
        """The last one of a device before a moment."""


class LaggingFleet(Fleet):
    """`held_back`: what was not told, by family; `until` = the moment that we have reached."""

    def __init__(self, families: Mapping[str, Family], devices: Iterable[Device]) -> None:
        super().__init__(families)
        for device in devices:
            self.place(device)
        self.held_back: Mapping[str, HeldBack] = {}
        self.until = 0

    def value(self, device: str, metric: str) -> Value:
        """The latest value of a metric; None = never told."""
        for held_back in self.held_back.values():
            sample = held_back.before(device, self.until)
            if sample is not None:
                self.update(sample)
        return super().value(device, metric)
