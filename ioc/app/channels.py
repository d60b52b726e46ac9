"""What the notify file's channels are opened with."""

from alerts.channel_set import Surroundings
from alerts.handover import Fallback
from alerts.notify_file import NotifyFile
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
