"""What is wrong in a rule test before it is played: names by which nothing is known, times out of order, messages without routes."""

from collections.abc import Iterator, Mapping, Sequence

from alerts.own import OWN_RULES
from alerts.presence import BLIND
from alerts.proving.rule_tests import RuleTest
from ioc.config.known_keys import suggestion
from ioc.domain.family import Family
from ioc.domain.topic import is_device_id

Location = tuple[str | int, ...]
Fault = tuple[Location, str, str]
"""Path from a test's mapping, what is wrong, what to do."""


def test_faults(test: RuleTest, families: Mapping[str, Family], rules: Sequence[str]) -> Iterator[Fault]:
    """Every mistake but those in the values of series; `rules`: the ids that are known."""
    yield from _devices(test, families)
    yield from _names(test, rules)
    yield from _own(test)
    yield from _order(test)


def unsendable(test: RuleTest) -> Iterator[Fault]:
    """Messages that are expected, where no route leads anywhere."""
    for number, expectation in enumerate(test.expect):
        if expectation.messages:
            yield ("expect", number, "messages"), "there are no routes, so no message is ever sent", "add `routes:` or `notify:`"


def _devices(test: RuleTest, families: Mapping[str, Family]) -> Iterator[Fault]:
    for name, device in test.devices.items():
        if device.family not in families:
            yield ("devices", name, "family"), f"there is no family `{device.family}`", suggestion(device.family, families, noun="families")
        if not is_device_id(name):
            yield ("devices", name), f"`{name}` is no device id", "use letters, digits, dot, dash and underscore"


def _names(test: RuleTest, rules: Sequence[str]) -> Iterator[Fault]:
    for path, device in _devices_named(test):
        if device is not None and device not in test.devices:
            yield path, f"the test has no device `{device}`", suggestion(device, test.devices, noun="devices")
    for path, rule in _rules_named(test):
        if rule not in rules:
            yield path, f"there is no rule `{rule}`", suggestion(rule, rules, noun="rules")


def _own(test: RuleTest) -> Iterator[Fault]:
    for number, spell in enumerate(test.own):
        at = ("own", number, "rule")
        if spell.rule == BLIND:
            yield at, f"`{BLIND}` is raised where we hear nothing", "use `blind:`"
        elif spell.rule not in OWN_RULES:
            yield at, f"`{spell.rule}` is no condition of our own", suggestion(spell.rule, OWN_RULES, noun="conditions")


def _order(test: RuleTest) -> Iterator[Fault]:
    last = 0
    for number, expectation in enumerate(test.expect):
        if expectation.at < last:
            yield ("expect", number, "at"), "lies before the expectation above it", "write expectations in the order of time"
        last = expectation.at


def _devices_named(test: RuleTest) -> Iterator[tuple[Location, str | None]]:
    yield from ((("series", device), device) for device in test.series)
    for key in ("events", "acts", "silences"):
        yield from (((key, number, "device"), one.device) for number, one in enumerate(getattr(test, key)))
    for number, expectation in enumerate(test.expect):
        yield from ((("expect", number, "alarms", at, "device"), one.device) for at, one in enumerate(expectation.alarms or ()))


def _rules_named(test: RuleTest) -> Iterator[tuple[Location, str]]:
    for key in ("acts", "silences"):
        yield from (((key, number, "rule"), one.rule) for number, one in enumerate(getattr(test, key)) if one.rule is not None)
    for number, expectation in enumerate(test.expect):
        yield from ((("expect", number, "alarms", at, "rule"), one.rule) for at, one in enumerate(expectation.alarms or ()))
