"""One MQTT source as configured: where the broker is, who we are there, what we subscribe to."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ioc.domain.topic import COLLECTOR_FAMILY

PROTOCOLS = ("auto", "5", "3.1.1")
_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """A broker and our identity there; ValueError names what is wrong with them."""

    url: str
    """`mqtt://host[:port]` or `mqtts://host[:port]`."""
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    """PEM file of the authority that signed the broker's certificate; None = the system's authorities."""
    cert_file: str | None = None
    key_file: str | None = None
    topic_root: str = "ioc/v1"
    extra_subscriptions: tuple[str, ...] = ()
    protocol: str = "auto"
    keepalive_s: int = 20
    session_expiry_s: int = 7 * 86_400
    """How long the broker keeps our session, and what waits in it, while we are away (MQTT 5)."""
    firmware: str = ""
    """Our version, as the birth message tells it."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            msg = f"broker url {self.url!r}: expected mqtt://host:port or mqtts://host:port"
            raise ValueError(msg)
        if self.protocol not in PROTOCOLS:
            msg = f"broker protocol {self.protocol!r}: expected one of {', '.join(PROTOCOLS)}"
            raise ValueError(msg)
        if not self.client_id:
            msg = "broker client_id is empty: a persistent session needs one"
            raise ValueError(msg)
        if (self.cert_file is None) != (self.key_file is None):
            msg = "broker cert_file and key_file belong together: give both or neither"
            raise ValueError(msg)

    @property
    def host(self) -> str:
        """Host name or address of the broker."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Port of the broker: 1883 or, with TLS, 8883 where the URL names none."""
        parts = urlsplit(self.url)
        return parts.port or _DEFAULT_PORTS[parts.scheme]

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return urlsplit(self.url).scheme == "mqtts"

    @property
    def own_topic(self) -> str:
        """Our own level: below it lie `/status` and `/telemetry` (the canary)."""
        return f"{self.topic_root}/{COLLECTOR_FAMILY}/{self.client_id}"

    @property
    def status_topic(self) -> str:
        """Retained birth and Will of the collector."""
        return f"{self.own_topic}/status"

    @property
    def canary_topic(self) -> str:
        """Where we publish to hear ourselves."""
        return f"{self.own_topic}/telemetry"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """All topic filters, ours first."""
        return (f"{self.topic_root}/#", *self.extra_subscriptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """Bounds and timings of a session; seconds unless named otherwise."""

    unacknowledged: int = 20_000
    """Deliveries handed in and not yet acknowledged by us, at which reading stops."""
    unacknowledged_bytes: int = 256 * 2**20
    """The same in payload bytes."""
    connect_timeout: float = 10.0
    connack_timeout: float = 5.0
    canary_every: float = 5.0
    canaries_out: int = 3
    """Canaries on their way at once; beyond that only one in 30 s, should the broker have lost them."""
    backoff_first: float = 1.0
    backoff_most: float = 8.0
    """A broker that came back is found again within ten seconds."""
    takeover_wait: float = 30.0
    """Least wait after another client with our id took over, or after several refusals in a row."""
    leave_timeout: float = 2.0
