"""Loopback ports for servers that tests start, stop and start again."""

import random
import socket

# Below Linux's ephemeral range (32768 on): a reconnecting client can then never be given, or connect to itself on,
# the port of the server that is down.
_FIRST, _LAST = 20_000, 32_000
_dice = random.SystemRandom()


def free_port() -> int:
    """A loopback TCP port that nothing listens on."""
    for _ in range(200):
        port = _dice.randint(_FIRST, _LAST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    message = f"no free loopback port between {_FIRST} and {_LAST}"
    raise RuntimeError(message)


def listening(port: int) -> bool:
    """Whether something accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
