"""What the session hands over: one MQTT PUBLISH as it arrived."""

import msgspec


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One PUBLISH; `epoch` counts connections, so that an acknowledgement never crosses a reconnect."""

    topic: bytes
    """Raw: brokers may let through what is not UTF-8."""
    payload: bytes
    arrival: int
    """Unix ms when it was read from the socket."""
    mid: int
    epoch: int
    qos: int = 1
    dup: bool = False
    retain: bool = False
    backlog: bool = False
    """Arrived before the connection's first canary came back: waited at the broker while we were away."""


class CanaryBack(msgspec.Struct, frozen=True, gc=False):
    """Our own message came back through the session: all that was published before `sent_at` has been handed over."""

    sent_at: int
    arrival: int
    epoch: int
    mid: int
    first: bool
    """The canary sent on CONNACK: the backlog ends here."""


class Connected(msgspec.Struct, frozen=True, gc=False):
    """The broker accepted us; stands before all deliveries of its epoch. A refused SUBSCRIBE shows as `Disconnected`."""

    at: int
    epoch: int
    session_present: bool


class Disconnected(msgspec.Struct, frozen=True, gc=False):
    """The connection of `epoch` ended: what it left unacknowledged comes again."""

    at: int
    epoch: int
    reason: str


SessionItem = Delivery | CanaryBack | Connected | Disconnected
