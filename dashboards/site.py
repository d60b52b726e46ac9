"""What a board has to know about where it hangs."""

from collections.abc import Sequence
from dataclasses import dataclass

from ioc.domain.family import Family
from ioc.domain.registry import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One instance: its names, its families, and the data source in Grafana that reads its store."""

    id: str
    name: str
    language: str
    timezone: str
    datasource_uid: str
    families: Sequence[Family]
    units: Sequence[Unit] = ()
    """Units to choose from by name; without any the board lists the ids found in the store."""

    def text(self, vi: str, en: str) -> str:
        """The text in the site's language."""
        return en if self.language == "en" else vi


def datasource_uid(site_id: str) -> str:
    """Stable uid of a site's data source."""
    return f"ioc-{site_id}"


def folder_uid(site_id: str) -> str:
    """Stable uid of the folder that holds a site's boards."""
    return f"ioc-{site_id}"


def board_uid(site_id: str, board: str) -> str:
    """Stable uid of a board, at most 40 characters as Grafana wants."""
    return f"ioc-{board}-{site_id}"[:40]
