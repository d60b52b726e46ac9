"""What has changed, handed to the event stream."""

from collections.abc import Callable, Mapping, Sequence

from alerts.desk import News
from ioc.api.documents import liveness_document, sample_document, units_event
from ioc.api.stream import Hub
from ioc.domain.alarm_document import alarm_document
from ioc.domain.fleet import Fleet, FleetViews
from ioc.domain.sample import Sample
from ioc.domain.views import FamilyCounts, UnitView


class Announcer:
    """Publishes samples (thinned by the hub), liveness, alarms, and the units that changed."""

    def __init__(
        self,
        hub: Hub,
        *,
        fleet: Fleet,
        views: FleetViews,
        incident_of: Callable[[str], str | None],
        language: str,
        clock: Callable[[], int],
    ) -> None:
        self._hub = hub
        self._fleet = fleet
        self._views = views
        self._incident_of = incident_of
        self._language = language
        self._clock = clock
        self._units: dict[str, UnitView] = {}

    def news(self, news: News) -> None:
        """One batch's changes."""
        now = self._clock()
        if news.samples and self._hub.has_audience():
            self._samples(news.samples, now)
        for change in news.changes:
            known = self._fleet.device(change.device)
            unit = None if known is None else known.unit
            self._hub.publish("liveness", liveness_document(change, unit), unit=unit, device=change.device)
        for alarm in news.alarms:
            document = alarm_document(alarm, self._language, incident=self._incident_of(alarm.id))
            self._hub.publish("alarm", document, unit=alarm.unit)

    def _samples(self, samples: Sequence[Sample], now: int) -> None:
        for device in {sample.device: None for sample in samples if sample.live}:
            view = self._views.device(device, now) if self._hub.wants_sample(device) else None
            if view is not None:
                self._hub.publish("sample", sample_document(view), unit=view.unit, device=device)

    def units(self, units: list[UnitView], totals: Mapping[str, FamilyCounts]) -> None:
        """The units whose counts differ from what was last said."""
        changed = [view for view in units if self._units.get(view.unit) != view]
        if changed:
            self._units.update({view.unit: view for view in changed})
            self._hub.publish("units", units_event(changed, totals, self._clock()))
