"""What holds of a device once new values have come over the old ones."""

from operator import itemgetter
from typing import Any

from ioc.domain.sample import Value

Values = tuple[Value, ...]
_SHAPES_A_SIZE = 4
"""Shapes remembered of one number of values and of gaps."""


class _Shape:
    """Where values have gaps."""

    __slots__ = ("gaps", "nothing")

    def __init__(self, values: Values) -> None:
        self.gaps = itemgetter(*[position for position, value in enumerate(values) if value is None])
        self.nothing: Any = self.gaps((None,) * len(values))


class _Overlay:
    """Most messages of a device leave out the same values each time: nothing is held in their place then, and nothing put together."""

    __slots__ = ("_shapes",)

    def __init__(self) -> None:
        self._shapes: dict[tuple[int, int], list[_Shape]] = {}

    def __call__(self, values: Values, held: Values) -> Values:
        """`values`, and what was held where they are None."""
        gaps = values.count(None)
        if not gaps:
            return values
        shapes = self._shapes.setdefault((len(values), gaps), [])
        for shape in shapes:
            if shape.gaps(values) == shape.nothing:
                if shape.gaps(held) == shape.nothing:
                    return values
                break
        else:
            if len(shapes) < _SHAPES_A_SIZE:
                shapes.append(_Shape(values))
        return tuple([old if new is None else new for new, old in zip(values, held, strict=True)])


overlay = _Overlay()
