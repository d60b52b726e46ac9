"""Names in a notify file's people, teams, units and routes that lead nowhere: where, what kind, which, and among what to look. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from alerts.channel_models import AnyChannel, SmtpChannel, is_mail_address
from alerts.duty_plan import Contacts, EscalationStep, Person, Targets, Team
from alerts.people_channels import takes_address

Place = tuple[str | int, ...]
Unknown = tuple[Place, str, str, Collection[str]]
"""Where, `channel`, `person` or `team`, the name, the names that there are."""
Fault = tuple[Place, str, str]
"""Where, what, what to do."""


def unknown_names(
    people: Mapping[str, Person],
    teams: Mapping[str, Team],
    units: Mapping[str, Contacts],
    routes: Sequence[tuple[Place, Targets]],
    channels: Collection[str],
) -> Iterator[Unknown]:
    """Every name that is not declared; `routes` with their place."""
    for name, person in people.items():
        for i, address in enumerate(person.channels):
            if address.channel not in channels:
                yield ("people", name, "channels", i, "channel"), "channel", address.channel, channels
    for name, team in teams.items():
        yield from _missing(("teams", name, "members"), "person", team.members, people)
        yield from _missing(("teams", name, "rotation", "order"), "person", team.rotation.order if team.rotation else (), team.members)
        for i, override in enumerate(team.overrides):
            yield from _missing(("teams", name, "overrides", i, "people"), "person", override.people, people)
    places: list[tuple[Place, Contacts | Targets]] = [*((("units", unit), one) for unit, one in units.items()), *routes]
    for place, one in places:
        yield from _missing((*place, "people"), "person", one.people, people)
        yield from _missing((*place, "teams"), "team", one.teams, teams)
        if isinstance(one, Targets):
            yield from _missing((*place, "channels"), "channel", one.channels, channels)


def address_faults(people: Mapping[str, Person], channels: Mapping[str, AnyChannel]) -> Iterator[Fault]:
    """Addresses for channels that take none, those that are no mail address, and channels named twice. Addresses are not repeated."""
    for name, person in people.items():
        seen: set[str] = set()
        for i, address in enumerate(person.channels):
            place, channel = ("people", name, "channels", i), channels.get(address.channel)
            if address.channel in seen:
                yield (*place, "channel"), f"`{address.channel}` stands there twice", "declare a second channel, or remove one"
            seen.add(address.channel)
            if address.to is None or channel is None:
                continue
            if not takes_address(channel):
                yield (*place, "to"), f"the channel `{address.channel}` has no address of somebody's own", "remove `to`"
            elif isinstance(channel, SmtpChannel) and not is_mail_address(address.to.get_secret_value()):
                yield (*place, "to"), "it is no mail address", "write it as truc.ca@example.gov.vn"


def escalation_faults(place: Place, steps: Sequence[EscalationStep]) -> Iterator[Fault]:
    """Steps that are repeated although others follow."""
    for i, step in enumerate(steps[:-1]):
        if step.repeat:
            yield (*place, i, "repeat"), "only the last step may be repeated", "remove `repeat`, or move the step to the end"


def _missing(place: Place, kind: str, names: Sequence[str], known: Collection[str]) -> Iterator[Unknown]:
    return (((*place, i), kind, name, known) for i, name in enumerate(names) if name not in known)
