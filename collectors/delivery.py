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
