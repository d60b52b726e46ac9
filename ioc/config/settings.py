"""The main file as declared: sections, defaults, and what can't be right by itself."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)

from ioc.config.known_keys import suggestion
from ioc.config.problem import KeyFault
from ioc.domain.deadband import Deadband
from ioc.domain.duration import DurationMs

HOUR_MS = 3_600_000
_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]?i?B)", re.IGNORECASE)
_MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


def parse_size(text: object) -> int:
    """Bytes of a text like `512MB` or `4GiB`; ValueError says what was expected."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    match = _SIZE.fullmatch(str(text).strip())
    if match is None:
        msg = f"`{text}` is not a size; write a number and B, kB, MB or GB, for example 512MB"
        raise ValueError(msg)
    return round(float(match[1]) * _SIZES[match[2].upper()])


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | Path) else value


SizeBytes = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_as_list)]
ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
"""Also a device id of the reserved family `collector`."""


class Section(BaseModel):
    """A mapping of the file; a known key without a value counts as not written."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: object) -> object:
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}
        return data


class Site(Section):
    """Where this instance stands, and in which language and zone it speaks."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")] = "phu-tho"
    name: str = "Phú Thọ"
    language: Literal["vi", "en"] = "vi"
    timezone: str = "Asia/Ho_Chi_Minh"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            msg = f"`{name}` is no time zone; {suggestion(name, _zone_names(name), noun='zones, for example')}"
            raise ValueError(msg)
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which days, hours and `between` are meant."""
        return ZoneInfo(self.timezone)


class Broker(Section):
    """One source: a broker, a client id with its persistent session, and a topic root."""

    url: str
    client_id: ClientId = "ioc-1"
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    topic_root: str = "ioc/v1"
    allow_insecure: bool = False
    dialects: tuple[str, ...] | None = None
    """Ids of the dialects to listen to; None = all that are enabled."""

    @field_validator("url")
    @classmethod
    def _mqtt_url(cls, url: str) -> str:
        parts = _split_url(url, tuple(_MQTT_PORTS), "mqtts://broker:8883")
        if parts.path not in {"", "/"} or parts.query or parts.fragment:
            msg = "a broker's URL ends after the port; remove the rest, and write topics under `topic_root`"
            raise ValueError(msg)
        return url

    @field_validator("topic_root")
    @classmethod
    def _plain_root(cls, root: str) -> str:
        levels = root.split("/")
        if not all(levels) or any(sign in root for sign in "+#\0") or root.startswith("$"):
            msg = f"`{root}` is no topic root; write levels joined by /, without + and #, for example ioc/v1"
            raise ValueError(msg)
        return root

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.tls and not self.allow_insecure and not is_loopback(self.host):
            what = f"mqtt:// to {self.host} would send passwords and data in the clear"
            raise KeyFault(key="url", what=what, do="write mqtts://, or set `broker.allow_insecure: true`")
        if self.username is None and (self.password is not None or self.password_file is not None):
            given = "password" if self.password is not None else "password_file"
            raise KeyFault(key=given, what="a password without `username`", do="add `username: …`")
        if (self.cert_file is None) != (self.key_file is None):
            given = "key_file" if self.cert_file is None else "cert_file"
            raise KeyFault(key=given, what="`cert_file` and `key_file` belong together", do="give both")
        if not self.tls and (self.ca_file is not None or self.cert_file is not None):
            raise KeyFault(key="url", what="certificates are given, but mqtt:// is not encrypted", do="write mqtts://")
        return self

    @property
    def host(self) -> str:
        """Name or address, IPv6 without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port, by default 1883 or 8883."""
        parts = urlsplit(self.url)
        return parts.port or _MQTT_PORTS[parts.scheme]

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return urlsplit(self.url).scheme == "mqtts"


class Rollups(Section):
    """One value a minute and metric, kept longer than the points."""

    enabled: bool = True
    retention: DurationMs = Field(default=730 * 24 * HOUR_MS, ge=HOUR_MS)


class InfluxStore(Section):
    """An InfluxDB 2 server."""

    kind: Literal["influxdb"]
    url: str
    org: str = "ioc"
    bucket: str = "ioc"
    token: SecretStr | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    """PEM file of the authority that signed the server's certificate; None = the system's authorities."""
    retention: DurationMs = Field(default=90 * 24 * HOUR_MS, ge=HOUR_MS)
    rollups: Rollups = Rollups()

    _http = field_validator("url")(lambda url: _http_url(url, "http://influxdb:8086"))

    @model_validator(mode="after")
    def _has_token(self) -> Self:
        if self.token is None and self.token_file is None:
            raise KeyFault(key="token_file", what="no token", do="add `token_file: …` with a token that may read and write the bucket")
        return self


class EmbeddedStore(Section):
    """SQLite in `data_dir`: for small sites and trials."""

    kind: Literal["embedded"] = "embedded"
    retention: DurationMs = Field(default=90 * 24 * HOUR_MS, ge=HOUR_MS)
    rollups: Rollups = Rollups()


class Registry(Section):
    """Files of the very first start, and what happens to devices that nobody declared."""

    units: Path | None = None
    devices: Path | None = None
    unknown_devices: Literal["hold", "accept"] = "hold"
    max_unknown: int = Field(default=1000, ge=0)


class Notify(Section):
    """Where channels and routes are declared."""

    file: Path | None = None


class Api(Section):
    """Where the HTTP server listens; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)


class Grafana(Section):
    """Where boards are put up."""

    url: str
    token: SecretStr | None = None
    token_file: Path | None = None
    folder: str = "IOC"
    datasource_url: str | None = None
    """InfluxDB's URL as Grafana sees it; without it `store.url`."""
    datasource_token: SecretStr | None = None
    """A token that may read the bucket; without it the store's."""
    datasource_token_file: Path | None = None

    _http = field_validator("url", "datasource_url")(lambda url: _http_url(url, "http://grafana:3000"))

    @model_validator(mode="after")
    def _has_token(self) -> Self:
        if self.token is None and self.token_file is None:
            raise KeyFault(key="token_file", what="no token", do="add `token_file: …` with the token of a Grafana service account")
        return self


class Watchdog(Section):
    """A ping to somebody outside, who notices when it stops."""

    url: SecretStr | None = None
    url_file: Path | None = None
    every: DurationMs = Field(default=60_000, ge=1000)

    @model_validator(mode="after")
    def _has_url(self) -> Self:
        if self.url is None and self.url_file is None:
            raise KeyFault(key="url_file", what="no URL", do="add `url_file: …`, or remove the section")
        return self


class Limits(Section):
    """Bounds of the files in `data_dir`, in bytes, and of what a reload of rules may raise."""

    spool: SizeBytes = 4 * 10**9
    quarantine: SizeBytes = 512 * 10**6
    alarms_at_reload: int = Field(default=50, ge=0)
    """A rule that would raise more alarms at once is held back."""


def _one_or_list(value: object) -> str:
    return "list" if isinstance(value, list | tuple) else "one"


Store = Annotated[InfluxStore | EmbeddedStore, Field(discriminator="kind")]
BrokerOrList = Annotated[
    Annotated[Broker, Tag("one")] | Annotated[tuple[Broker, ...], Field(min_length=1), Tag("list")],
    Discriminator(_one_or_list),
]


class Settings(Section):
    """The main file. All paths are absolute and all secrets read once `load_config` returns it."""

    site: Site = Site()
    data_dir: Path = Path("data")
    broker: BrokerOrList
    store: Store = EmbeddedStore()
    families: Paths = ()
    cadence: dict[str, DurationMs] = Field(default_factory=dict)
    deadband: dict[str, dict[str, Deadband]] = Field(default_factory=dict)
    """By family and metric."""
    rules: Paths = ()
    shipped_rules: bool = True
    registry: Registry = Registry()
    notify: Notify = Notify()
    calendar: Path | None = None
    """Days with a name, to which weekly silences can be bound."""
    api: Api = Api()
    grafana: Grafana | None = None
    watchdog: Watchdog | None = None
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _client_ids_differ(self) -> Self:
        ids = [broker.client_id for broker in self.brokers]
        doubled = next((name for name in ids if ids.count(name) > 1), None)
        if doubled is not None:
            raise KeyFault(key="broker", what=f"two brokers share the client_id `{doubled}`", do="give each its own")
        return self

    @property
    def brokers(self) -> tuple[Broker, ...]:
        """All sources."""
        return (self.broker,) if isinstance(self.broker, Broker) else self.broker


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _http_url(url: str | None, example: str) -> Any:  # noqa: ANN401  None stays None, a text a text
    if url is not None:
        _split_url(url, ("http", "https"), example)
    return url


def _split_url(url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """The parts of a URL; ValueError where scheme, host or port don't fit. The URL itself may hold a password: it is not repeated."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = None, None
    if parts is None or parts.scheme not in schemes or not parts.hostname or port == 0:
        msg = f"not a URL with {' or '.join(f'{scheme}://' for scheme in schemes)}, host and port; write it as {example}"
        raise ValueError(msg)
    if "@" in parts.netloc:
        msg = "a URL may not hold credentials; write them under keys of their own, the secret in a file"
        raise ValueError(msg)
    return parts


def _zone_names(name: str) -> set[str]:
    """Zones to suggest: all that come near, else a few that are likely meant."""
    city = name.rpartition("/")[2].casefold()
    matching = {zone for zone in available_timezones() if zone.rpartition("/")[2].casefold() == city}
    return matching or {zone for zone in available_timezones() if zone.startswith("Asia/")}
