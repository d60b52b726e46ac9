"""A desk as the server has it, on a clock that is set by hand, with its journal in memory."""

from collections.abc import Iterable

from alerts.desk import Desk, Strangers
from alerts.presence import Ears
from alerts.proving.backdrop import Backdrop
from alerts.proving.chronicle import Chronicle


class Stagehand:
    """`desk` does what the server's desk would do at `now` (Unix ms); `chronicle` holds what it decided."""

    def __init__(self, backdrop: Backdrop, *, sources: Iterable[str], now: int, strangers: Strangers) -> None:
        self.now = now
        self.chronicle = Chronicle()
        self.fleet = backdrop.fleet(())
        self.engine = backdrop.engine(self.fleet)
        self.notifier = backdrop.notifier(self.fleet, self.engine)
        self.ears = {source: Ears(now) for source in sources}
        self.desk = Desk(
            engine=self.engine,
            notifier=self.notifier,
            fleet=self.fleet,
            families=backdrop.families,
            ears=self.ears,
            strangers=strangers,
            journal=self.chronicle,
            clock=lambda: self.now,
            announce=lambda _: None,
            committed=lambda: None,
        )
