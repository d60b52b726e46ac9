"""What the run of a line has shown."""

from dataclasses import dataclass, field

from stand import say


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; `expected` says what must hold, empty where it is only told."""

    name: str
    value: object
    expected: str = ""
    holds: bool = True


@dataclass(slots=True)
class Findings:
    """Figures of one line, printed as they come."""

    figures: list[Figure] = field(default_factory=list)
    told: bool = True
    """Whether they are printed at once."""

    def note(self, name: str, value: object) -> None:
        """A figure that is only told."""
        self._add(Figure(name, value))

    def must(self, name: str, value: object, expected: object) -> None:
        """A figure that must equal the expected one."""
        self._add(Figure(name, value, f"{expected}", value == expected))

    def at_most(self, name: str, value: float, bound: float, unit: str = "") -> None:
        """A figure with an upper bound."""
        self._add(Figure(name, _rounded(value), f"≤ {bound:g} {unit}".rstrip(), value <= bound))

    def at_least(self, name: str, value: float, bound: float, unit: str = "") -> None:
        """A figure with a lower bound."""
        self._add(Figure(name, _rounded(value), f"≥ {bound:g} {unit}".rstrip(), value >= bound))

    @property
    def hold(self) -> bool:
        """Whether every figure is as it must be."""
        return all(figure.holds for figure in self.figures)

    def take(self, others: "Findings") -> None:
        """Adds figures that were not printed yet."""
        for figure in others.figures:
            self._add(figure)

    def _add(self, figure: Figure) -> None:
        self.figures.append(figure)
        if not self.told:
            return
        verdict = "" if not figure.expected else f"  {'holds' if figure.holds else 'DOES NOT HOLD'}: {figure.expected}"
        say(figure.name, f"{figure.value}{verdict}")


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else round(value, 3)
