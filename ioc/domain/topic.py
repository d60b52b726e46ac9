"""Topics of version 1: `<root>/<family>/<device>/<channel>`."""

import re

import msgspec

_FAMILY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_DEVICE = re.compile(r"[A-Za-z0-9._-]{1,64}")
CHANNELS = frozenset({"telemetry", "event", "status", "cmd"})
COLLECTOR_FAMILY = "collector"


class TopicParts(msgspec.Struct, frozen=True, gc=False):
    """The levels below the root, each valid by the contract's patterns."""

    family: str
    device: str
    channel: str


def is_device_id(text: str) -> bool:
    """Whether a text may be a device id."""
    return _DEVICE.fullmatch(text) is not None and text not in {".", ".."}


def parse_topic(topic: str, root: str) -> TopicParts | str:
    """The parts of a topic under `root`, or a sentence saying what is wrong with it."""
    if not topic.startswith(root + "/"):
        return f"topic is not under {root}/"
    levels = topic[len(root) + 1 :].split("/")
    if len(levels) != 3:  # noqa: PLR2004  family, device, channel
        return f"expected {root}/<family>/<device>/<channel>, got {len(levels)} levels after the root"
    family, device, channel = levels
    if not _FAMILY.fullmatch(family):
        return f"family {family[:40]!r} does not match [a-z][a-z0-9_]{{0,31}}"
    if not is_device_id(device):
        return f"device {device[:80]!r} does not match [A-Za-z0-9._-]{{1,64}}"
    return TopicParts(family, device, channel)
