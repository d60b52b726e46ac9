"""What people do by the link in a message: the link names the message, the message its alarms."""

from collections.abc import Mapping

from alerts.ack_link import Target
from alerts.message_fields import read_document
from alerts.notify_file import Channel
from ioc.adapters.state.store import StateDb
from ioc.api.ack_page import LinkedMessage, Void
from ioc.api.ack_words import ACK_WORDS
from ioc.app.ack_links import LinkSigner
from ioc.app.alarm_desk import AlarmActs


class AckDesk:
    """Looks links up, and acknowledges for those who press the button; `channels` as declared."""

    def __init__(self, signer: LinkSigner, state: StateDb, acts: AlarmActs, channels: Mapping[str, Channel], *, language: str) -> None:
        self._signer = signer
        self._state = state
        self._acts = acts
        self._channels = channels
        self._words = ACK_WORDS["en" if language == "en" else "vi"]

    async def look(self, token: str, now: int) -> LinkedMessage | Void:
        """The message and its alarms as they stand now; `forged` where the outbox has no such message either."""
        target = self._signer.read(token, now)
        return target if isinstance(target, str) else await self._message(target)

    async def acknowledge(self, token: str, now: int, *, comment: str) -> LinkedMessage | Void:
        """Acknowledges what is open under the name of the channel's person; the journal names the link and the remark."""
        target = self._signer.read(token, now)
        if isinstance(target, str):
            return target
        before = await self._message(target)
        if not isinstance(before, str) and before.open:
            via = self._words.via.format(channel=target.channel)
            await self._acts.acknowledge_all(before.open, by=before.by, comment=f"{via}: {comment}" if comment else via)
        return before

    async def _message(self, target: Target) -> LinkedMessage | Void:
        message = await self._state.message(target.message, target.channel)
        if message is None:
            return "forged"
        document = read_document(message.body)
        alarms = await self._state.alarms_of([alarm.id for alarm in document.alarms])
        declared = self._channels.get(target.channel)
        by = (declared.person if declared else None) or target.channel
        return LinkedMessage(text=document.text, by=by, alarms=alarms)
