"""A site as a recording carries it: what rules and routes need to decide again, without channels and their secrets."""

from collections.abc import Callable, Sequence
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from pydantic import ValidationError

from alerts.clock_rules import CLOCK_RULES
from alerts.notify_file import NotifyPlan
from alerts.proving.backdrop import Backdrop
from alerts.proving.tape import TapeError
from alerts.rule import Rule
from ioc.config.load import Config
from ioc.domain.family import Family
from ioc.domain.registry import Unit


class _Document(msgspec.Struct, kw_only=True):
    site: str
    language: Literal["vi", "en"]
    timezone: str
    families: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    clock_rules: bool
    notify: dict[str, Any]


def site_document(config: Config, rules: Sequence[Rule]) -> bytes:
    """The site with the rules in force, as JSON."""
    site = config.settings.site
    return msgspec.json.encode(
        _Document(
            site=site.id,
            language=site.language,
            timezone=site.timezone,
            families=[_dumped(family) for family in config.families.values()],
            rules=[_dumped(rule) for rule in rules],
            clock_rules=bool(config.clock_rules),
            notify=_dumped(config.plan),
        )
    )


def recorded_site(document: bytes, unit: Callable[[str], Unit | None]) -> Backdrop:
    """The site again. TapeError for one that this program can't take, such as a rule of a kind that it doesn't know."""
    try:
        site = msgspec.json.decode(document, type=_Document)
        families = [Family.model_validate(one) for one in site.families]
        return Backdrop(
            site=site.site,
            language=site.language,
            zone=ZoneInfo(site.timezone),
            families={family.family: family for family in families},
            rules=[Rule.model_validate(one) for one in site.rules],
            clock_rules=CLOCK_RULES if site.clock_rules else (),
            plan=NotifyPlan.model_validate(site.notify),
            unit=unit,
        )
    except (msgspec.DecodeError, ValidationError, ValueError, OSError) as error:
        msg = f"the site in the recording can't be taken over: {str(error).splitlines()[0]}; it may be of another version of the program"
        raise TapeError(msg) from None


def _dumped(model: Rule | NotifyPlan | Family) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
