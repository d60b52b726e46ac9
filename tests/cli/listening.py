"""Commands behind a socket in ./data, as a running server has them."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ioc.api.control import SOCKET_NAME, Handler, serve_control
from servers.waiting import PATIENCE_S


@contextmanager
def listening(site: Path, handlers: Mapping[str, Handler]) -> Iterator[None]:
    """Served in a thread, since the command line runs a loop of its own."""
    path, up, loop = site / "data" / SOCKET_NAME, threading.Event(), asyncio.new_event_loop()
    path.parent.mkdir()
    serving = loop.create_task(serve_control(path, handlers))

    async def run() -> None:
        while not path.exists():  # noqa: ASYNC110  nobody tells when a socket appears
            await asyncio.sleep(0)
        up.set()
        await asyncio.wait([serving])

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert up.wait(PATIENCE_S)
    yield
    loop.call_soon_threadsafe(serving.cancel)
    thread.join(PATIENCE_S)
    loop.close()
