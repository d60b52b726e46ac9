"""After a connection has ended: what it probably was, which version is tried next, and when. Pure."""

import msgspec
from paho.mqtt.enums import MQTTProtocolVersion

from collectors.backoff import backoff
from collectors.client import MQTT5, MQTT311
from collectors.ending import Ending, Kind, taken_over
from collectors.source import SessionLimits, SourceSettings

_SHORT_LIFE_S = 10.0
"""A connection that ends sooner counts as a failure for the back-off."""
_SHORT_LIVES_LIKE_A_TAKEOVER = 3
_REFUSALS_FOR_A_PERSON = 3
"""So many refusals in a row are for a person to mend; a broker that is just starting may refuse once or twice."""


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt."""

    ending: Ending
    accepted: bool = False
    subscribed: bool = False
    lived_s: float = 0.0
    complaint: str | None = None


class Reconnecting:
    """Remembers failures in a row and the protocol version that works."""

    def __init__(self, settings: SourceSettings, limits: SessionLimits) -> None:
        self._client_id = settings.client_id
        self._free_choice = settings.protocol == "auto"
        self._limits = limits
        self._works = False
        self._failures = 0
        self._short_lives = 0
        self._refusals = 0
        self.version: MQTTProtocolVersion = MQTT311 if settings.protocol == "3.1.1" else MQTT5

    def next(self, life: Life, jitter: float) -> tuple[Ending, float]:
        """(the ending as it is to be understood, seconds to wait before the next attempt); jitter in [0, 1)."""
        if life.ending.kind is Kind.LEFT:
            return life.ending, 0.0
        self._works = self._works or life.accepted
        if self._other_version(life):
            return life.ending, 0.0
        ending = self._understood(life)
        self._failures += 1
        wait = backoff(self._failures, jitter, first=self._limits.backoff_first, most=self._limits.backoff_most)
        self._refusals = self._refusals + 1 if ending.kind is Kind.REFUSED else 0
        if ending.kind is Kind.TAKEN_OVER or self._refusals >= _REFUSALS_FOR_A_PERSON:
            wait = max(wait, self._limits.takeover_wait * (1 + jitter / 4))
        return ending, wait

    def _other_version(self, life: Life) -> bool:
        """Whether 3.1.1 is to be tried at once; changes to the other version where this one got no answer."""
        if life.accepted or not self._free_choice:
            return False
        unanswered = life.ending.kind in {Kind.NO_ANSWER, Kind.LOST} and not self._works
        if life.ending.kind is not Kind.WRONG_VERSION and not unanswered:
            return False
        self.version = MQTT311 if self.version is MQTT5 else MQTT5
        self._works = False
        return self.version is MQTT311

    def _understood(self, life: Life) -> Ending:
        if not life.subscribed or life.lived_s >= _SHORT_LIFE_S or life.ending.kind is not Kind.LOST:
            self._short_lives = 0
            if life.subscribed and life.lived_s >= _SHORT_LIFE_S:
                self._failures = 0
            return life.ending
        if life.complaint is not None:
            # Some brokers end the connection over what they refuse.
            return Ending(Kind.REFUSED, life.complaint)
        self._short_lives += 1
        if self._short_lives >= _SHORT_LIVES_LIKE_A_TAKEOVER:
            # Mosquitto closes without a reason, whatever the version.
            return taken_over(self._client_id, certain=False)
        return life.ending
