"""Channels of people: the declared ones with a person's own address, each falling back to the person's next one. Pure."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from alerts.channel_models import AnyChannel, HttpChannel, SmtpChannel
from alerts.duty_plan import Address, OnCall, Person

Some = TypeVar("Some", bound=AnyChannel)


def channel_of(person: str, channel: str) -> str:
    """The name of a person's channel: no declared one has a dot."""
    return f"{person}.{channel}"


def person_of(channel: str) -> str | None:
    """Whose channel it is; None for a declared one."""
    person, dot, _ = channel.partition(".")
    return person if dot else None


def takes_address(channel: AnyChannel) -> bool:
    """Whether a message can be sent through it to an address of somebody's own."""
    return isinstance(channel, HttpChannel | SmtpChannel)


def channels_of_people(people: Mapping[str, Person], channels: Mapping[str, Some]) -> Iterator[tuple[str, Some]]:
    """Every person's channels by name, with the address in it."""
    for name, person in people.items():
        following: str | None = None
        for address in reversed([one for one in person.channels if one.channel in channels]):
            mine = channel_of(name, address.channel)
            yield mine, _addressed(channels[address.channel], address, person.name or name, following, person.next_after)
            following = mine


def on_call(name: str, person: Person) -> OnCall:
    """The person without addresses."""
    first = channel_of(name, person.channels[0].channel)
    return OnCall(name=person.name, language=person.language, channel=first, hours=person.hours)


def _addressed(channel: Some, address: Address, person: str, following: str | None, after: int) -> Some:
    changes: dict[str, object] = {"person": person}
    if following is not None:
        changes |= {"fallback": following, "fallback_after": after}
    if address.to is not None:
        to = address.to.get_secret_value()
        changes["to"] = (to,) if isinstance(channel, SmtpChannel) else to
    return channel.model_copy(update=changes)
