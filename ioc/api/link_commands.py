"""What the command line can do to links that acknowledge."""

from collections.abc import Mapping
from typing import Any, Protocol

from ioc.api.control import ControlError, Handler


class Revocable(Protocol):
    """The key by which links are signed."""

    def revoke(self) -> None:
        """Replaces it; OSError where it can't be written."""


def link_commands(key: Revocable) -> dict[str, Handler]:
    """`links.revoke`."""

    async def revoke(_args: Mapping[str, Any]) -> dict[str, Any]:
        try:
            key.revoke()
        except OSError as error:
            msg = f"the key can't be written: {error.strerror or error}; nothing was revoked"
            raise ControlError(msg, "unavailable") from None
        return {"revoked": True}

    return {"links.revoke": revoke}
