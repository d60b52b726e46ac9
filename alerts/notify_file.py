"""The declared model of `notify.yaml`: channels by name, and the routes that choose them."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from alerts.addresses import parse_allowance
from alerts.channel_models import (
    AnyChannel,
    ChannelName,
    Declared,
    HttpChannel,
    SecretName,
    SmtpChannel,
    TokenSource,
    Url,
)
from alerts.dependency_plan import Dependency
from alerts.duty_check import address_faults, escalation_faults, unknown_names
from alerts.duty_plan import Contacts, DutyPlan, EscalationStep, Name, Person, Targets, Team
from alerts.flapping_plan import FlappingPlan
from alerts.flood_plan import FloodPlan
from alerts.incident_plan import IncidentPlan
from alerts.load_plan import LoadReportPlan
from alerts.people_channels import channels_of_people, on_call
from alerts.service_plan import ServicePlan
from alerts.silences_plan import SilencesPlan
from ioc.domain.alarm import Severity
from ioc.domain.calendar import NO_DAYS, Calendar
from ioc.domain.duration import DurationMs
from ioc.domain.texts import Texts, as_list

ATTRIBUTES = ("rule", "unit", "device", "severity", "family")
"""What alarms can be grouped by, besides the keys of their labels."""
_DAY_MS = 86_400_000
_LABEL_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_PLURALS = {"person": "people"}
_CLOSE = 0.75
"""How alike (0–1) a word and an attribute must be for the word to count as its misspelling."""


def _as_pairs(value: object) -> object:
    """Labels to match: `key=value`, a list of such, or a mapping key → one or several values."""
    if isinstance(value, dict):
        return [f"{key}={one}" for key, some in value.items() for one in (some if isinstance(some, list) else [some])]
    return as_list(value)


Severities = Annotated[tuple[Severity, ...], BeforeValidator(as_list)]
Pairs = Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}=.+$")], ...], BeforeValidator(_as_pairs)]


class WebhookChannel(AnyChannel):
    """An HTTP POST of the message's document, signed when a secret is set."""

    kind: Literal["webhook"]
    url: Url
    secret: SecretStr | None = None
    secret_file: str | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.secret is not None and self.secret_file is not None:
            msg = "`secret` and `secret_file` exclude each other; keep `secret_file`"
            raise ValueError(msg)
        return self


class AppriseChannel(AnyChannel):
    """One Apprise URL, which names a mail server, an SMS gateway, a chat … and its credentials."""

    kind: Literal["apprise"]
    url: SecretStr | None = None
    url_file: str | None = None

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            msg = "an apprise channel needs one of `url_file` and `url`"
            raise ValueError(msg)
        return self


class FileChannel(AnyChannel):
    """A file to which every message is appended as one line of JSON."""

    kind: Literal["file"]
    path: str = Field(min_length=1)


Channel = Annotated[WebhookChannel | AppriseChannel | SmtpChannel | HttpChannel | FileChannel, Field(discriminator="kind")]


class Match(Declared):
    """All given keys must hold; a key with several values holds for any of them; no key matches every alarm."""

    severity: Severities = ()
    rule: Texts = ()
    family: Texts = ()
    unit: Texts = ()
    device: Texts = ()
    label: Pairs = ()


class Route(Targets):
    """Which alarms go to whom, and how they are gathered into messages (times in ms)."""

    match: Match = Match()
    group_by: Texts = ("rule", "unit")
    group_wait: DurationMs = Field(default=30_000, ge=0, le=_DAY_MS)
    group_interval: DurationMs = Field(default=300_000, ge=0, le=_DAY_MS)
    repeat_interval: DurationMs = Field(default=4 * 3_600_000, ge=0)
    """0 = say it once."""
    escalation: tuple[EscalationStep, ...] = Field(default=(), max_length=10)
    """Who is called besides, one after the other, as long as nobody acknowledges."""
    continue_: bool = Field(default=False, alias="continue")
    """Whether routes further down are tried as well."""

    @field_validator("group_by")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            _check_group_key(name)
        return tuple(dict.fromkeys(names))


class AckLinks(Declared):
    """Messages carry a link by which their reader acknowledges."""

    url: Url
    """Where people reach this site: the reverse proxy's address."""
    valid: DurationMs = Field(default=_DAY_MS, ge=60_000, le=30 * _DAY_MS)


class NotifyPlan(Declared):
    """Who is told of what, without the channels: all that deciding needs."""

    routes: tuple[Route, ...] = ()
    incidents: IncidentPlan = IncidentPlan()
    depends_on: tuple[Dependency, ...] = ()
    flapping: FlappingPlan = FlappingPlan()
    flood: FloodPlan = FloodPlan()
    calendar: Calendar = NO_DAYS
    """The site's: weekly silences are bound to its days."""
    duty: DutyPlan = DutyPlan()

    @classmethod
    def alone(cls, routes: Iterable[Route]) -> Self:
        """Each alarm is told for itself."""
        off = IncidentPlan(enabled=False), FlappingPlan(enabled=False), FloodPlan(enabled=False)
        return cls(routes=tuple(routes), incidents=off[0], flapping=off[1], flood=off[2])


class NotifyFile(Declared):
    """The whole file. The first matching route takes an alarm; with `continue` the search goes on."""

    channels: dict[ChannelName, Channel] = Field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    allow_private: Texts = ()
    """Host names, addresses and networks that channels may reach although they are not public."""
    tokens: dict[SecretName, TokenSource] = Field(default_factory=dict)
    acknowledge: AckLinks | None = None
    incidents: IncidentPlan = IncidentPlan()
    depends_on: tuple[Dependency, ...] = ()
    flapping: FlappingPlan = FlappingPlan()
    flood: FloodPlan = FloodPlan()
    silences: SilencesPlan = SilencesPlan()
    out_of_service: ServicePlan = ServicePlan()
    load_report: LoadReportPlan | None = None
    """None = the alarm load is told to nobody by itself."""
    people: dict[Name, Person] = Field(default_factory=dict)
    teams: dict[Name, Team] = Field(default_factory=dict)
    units: dict[str, Contacts] = Field(default_factory=dict)

    @field_validator("allow_private")
    @classmethod
    def _places(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        parse_allowance(entries)
        return entries

    @property
    def plan(self) -> NotifyPlan:
        """What is decided by it."""
        return NotifyPlan(
            routes=self.routes,
            incidents=self.incidents,
            depends_on=self.depends_on,
            flapping=self.flapping,
            flood=self._capped,
            duty=DutyPlan(people={name: on_call(name, one) for name, one in self.people.items()}, teams=self.teams, units=self.units),
        )

    @property
    def all_channels(self) -> dict[str, Channel]:
        """Those that are declared, and those of people."""
        return {**self.channels, **dict(channels_of_people(self.people, self.channels))}

    @property
    def _capped(self) -> FloodPlan:
        """The cap on messages with the names of the channels that it holds for."""
        return self.flood if self.flood.channels else self.flood.model_copy(update={"channels": self.read_by_people})

    @property
    def read_by_people(self) -> tuple[str, ...]:
        """The channels that people read, not programs."""
        return tuple(name for name, channel in self.all_channels.items() if channel.kind not in {"webhook", "file"})

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        errors = [
            *_unknown_channels(self),
            *(
                _unknown(("channels", name, "token"), "token", channel.token, self.tokens)
                for name, channel in self.channels.items()
                if isinstance(channel, HttpChannel) and channel.token is not None and channel.token not in self.tokens
            ),
            *_wrong_fallbacks(self.channels),
            *(_fault(*one) for one in _duty_faults(self)),
        ]
        if errors:
            raise ValidationError.from_exception_data(type(self).__name__, errors)
        return self


def _unknown_channels(notify: NotifyFile) -> Iterable[InitErrorDetails]:
    targets: list[tuple[tuple[str | int, ...], Targets]] = [(("routes", i), route) for i, route in enumerate(notify.routes)]
    targets += [(("routes", i, "escalation", j), step) for i, route in enumerate(notify.routes) for j, step in enumerate(route.escalation)]
    unknown = list(unknown_names(notify.people, notify.teams, notify.units, targets, notify.channels))
    unknown += [
        (("flood", "channels", i), "channel", name, notify.channels)
        for i, name in enumerate(notify.flood.channels)
        if name not in notify.all_channels
    ]
    named = {"silences": notify.silences, "out_of_service": notify.out_of_service, "load_report": notify.load_report}
    unknown += [
        ((key, "channels", i), "channel", name, notify.channels)
        for key, plan in named.items()
        for i, name in enumerate(plan.channels if plan else ())
        if name not in notify.all_channels
    ]
    return (_unknown(*one) for one in unknown)


def _duty_faults(notify: NotifyFile) -> Iterable[tuple[tuple[str | int, ...], str, str]]:
    yield from address_faults(notify.people, notify.channels)
    for i, route in enumerate(notify.routes):
        yield from escalation_faults(("routes", i, "escalation"), route.escalation)


def _wrong_fallbacks(channels: Mapping[str, Channel]) -> Iterable[InitErrorDetails]:
    """Fallbacks to nobody, and chains that come back to where they began."""
    for name, channel in channels.items():
        where, following = ("channels", name, "fallback"), channel.fallback
        if following is not None and following not in channels:
            yield _unknown(where, "channel", following, channels)
        seen = {name}
        while following is not None and following in channels and following not in seen:
            seen.add(following)
            following = channels[following].fallback
        if following == name:
            error = PydanticCustomError("fallback_circle", "the fallbacks lead back to `{name}`; end the chain somewhere", {"name": name})
            yield InitErrorDetails(type=error, loc=where, input=name)


def _check_group_key(name: str) -> None:
    """ValueError for a word that is no label key, or looks like a misspelt attribute; `label:<key>` is always a label."""
    key = name.removeprefix("label:")
    if not _LABEL_KEY.fullmatch(key):
        msg = f"{name!r} is neither one of {', '.join(ATTRIBUTES)} nor the key of a label"
        raise ValueError(msg)
    if key == name and name not in ATTRIBUTES and (near := difflib.get_close_matches(name, ATTRIBUTES, 1, _CLOSE)):
        msg = f"{name!r} looks like `{near[0]}`; for a label of that name write `label:{name}`"
        raise ValueError(msg)


def _fault(where: tuple[str | int, ...], what: str, do: str) -> InitErrorDetails:
    error = PydanticCustomError("duty_fault", "{what}; {do}", {"what": what, "do": do})
    return InitErrorDetails(type=error, loc=where, input=None)


def _unknown(where: tuple[str | int, ...], kind: str, name: str, declared: Iterable[str]) -> InitErrorDetails:
    near = difflib.get_close_matches(name, list(declared), 1, 0)
    hint = f"did you mean `{near[0]}`?" if near else f"declare it under `{_PLURALS.get(kind, f'{kind}s')}`"
    context = {"kind": kind, "name": name, "hint": hint}
    error = PydanticCustomError(f"unknown_{kind}", "there is no {kind} `{name}`; {hint}", context)
    return InitErrorDetails(type=error, loc=where, input=name)
