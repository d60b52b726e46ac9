"""What the notify file's channels are opened with."""

from alerts.channel_set import Surroundings
from ioc.app.clock import now_ms
from ioc.config.load import Config


def surroundings(config: Config) -> Surroundings:
    """Folders, clock and language for the channels."""
    settings = config.settings
    file = settings.notify.file
    return Surroundings(
        folder=settings.data_dir if file is None else file.parent,
        data_dir=settings.data_dir,
        clock=now_ms,
        language=settings.site.language,
    )
