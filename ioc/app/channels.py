"""What the notify file's channels are opened with."""

from alerts.channel_set import Surroundings
from alerts.handover import Fallback
from alerts.message import Wording
from alerts.notify_file import NotifyFile
from alerts.readers import Readers
from alerts.service_notes import ServiceNotes
from alerts.silence_notes import SilenceNotes
from ioc.app.ack_links import LinkSigner
from ioc.app.clock import now_ms
from ioc.config.load import Config


def surroundings(config: Config, signer: LinkSigner) -> Surroundings:
    """Folders, clock, links and language for the channels."""
    settings = config.settings
    file = settings.notify.file
    return Surroundings(
        folder=settings.data_dir if file is None else file.parent,
        data_dir=settings.data_dir,
        clock=now_ms,
        link=signer.link,
        language=settings.site.language,
    )


def fallbacks(notify: NotifyFile) -> dict[str, Fallback]:
    """Which channel takes over from which, and after how long."""
    return {
        name: Fallback(channel=channel.fallback, after=channel.fallback_after)
        for name, channel in notify.all_channels.items()
        if channel.fallback is not None
    }


def silence_notes(notify: NotifyFile, wording: Wording) -> SilenceNotes:
    """What is told of silences that end, and to whom."""
    return SilenceNotes(plan=notify.silences, readers=_readers(notify), wording=wording)


def service_notes(notify: NotifyFile, wording: Wording) -> ServiceNotes:
    """What is told of devices and units that stay out of service, and to whom."""
    return ServiceNotes(plan=notify.out_of_service, readers=_readers(notify), wording=wording)


def _readers(notify: NotifyFile) -> Readers:
    routed = dict.fromkeys(name for route in notify.routes for name in route.channels if name in notify.read_by_people)
    return Readers(people={name: channel.person for name, channel in notify.channels.items()}, routed=tuple(routed))
