"""Loopback ports for servers that tests start, stop and start again."""

import random
import socket
from collections import deque

# Below Linux's ephemeral range (32768 on): a reconnecting client can then never be given, or connect to itself on,
# the port of the server that is down.
_FIRST, _LAST = 20_000, 32_000
_dice = random.SystemRandom()
_MOST_HELD = 300
_held: deque[socket.socket] = deque()
"""Sockets that hold the ports given last: many more than one test has."""


def free_port() -> int:
    """A loopback TCP port that nothing listens on, and that nobody else who asks here is given meanwhile, in whatever process."""
    for _ in range(200):
        holder = socket.socket()
        try:
            # Whoever asks for the port without SO_REUSEADDR, as we do here, finds it taken; a server, which sets it, does not.
            holder.bind(("127.0.0.1", port := _dice.randint(_FIRST, _LAST)))
        except OSError:
            holder.close()
            continue
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held.append(holder)
        if len(_held) > _MOST_HELD:
            _held.popleft().close()
        return port
    message = f"no free loopback port between {_FIRST} and {_LAST}"
    raise RuntimeError(message)


def listening(port: int) -> bool:
    """Whether something accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
