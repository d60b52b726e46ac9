"""Grafana's 24 columns: places panels one after the other, line by line. Pure."""

from grafana_foundation_sdk.models.dashboard import GridPos

COLUMNS = 24


class Grid:
    """Where the next panel goes; a line is as high as its highest panel."""

    def __init__(self, y: int = 0) -> None:
        self._x = 0
        self._y = y
        self._height = 0

    @property
    def bottom(self) -> int:
        """The first free line below everything placed so far."""
        return self._y + self._height

    def place(self, width: int, height: int) -> GridPos:
        """The place of a panel: beside the last one if it fits, else on a new line."""
        if self._x + width > COLUMNS:
            self.break_line()
        place = GridPos(x=self._x, y=self._y, w=width, h=height)
        self._x += width
        self._height = max(self._height, height)
        return place

    def break_line(self) -> None:
        """The next panel starts on a new line."""
        self._x, self._y, self._height = 0, self.bottom, 0
