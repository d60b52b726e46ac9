"""Alarms that their own state keeps from people: shelved, suppressed by design, out of service. Pure."""

from collections.abc import Iterable, Iterator

from alerts.roll import hold_of
from ioc.domain.alarm import Alarm
from ioc.domain.held import Held


class Apart:
    """Those that stand, whether a group knows them or not."""

    def __init__(self) -> None:
        self._alarms: dict[str, Alarm] = {}

    def restore(self, alarms: Iterable[Alarm]) -> None:
        """At least the active ones."""
        for alarm in alarms:
            self.see(alarm)

    def see(self, alarm: Alarm) -> None:
        """An alarm as it stands now."""
        if alarm.active and alarm.suppression is not None:
            self._alarms[alarm.id] = alarm
        else:
            self._alarms.pop(alarm.id, None)

    def held(self) -> Iterator[Held]:
        """What is kept from people, and by what."""
        for alarm in self._alarms.values():
            if alarm.suppression is not None:
                yield Held(alarm=alarm, hold=hold_of(alarm.suppression), by=alarm.withheld_by or None)
