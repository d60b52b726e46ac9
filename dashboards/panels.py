"""Panels in our manner: what a board asks for, in Grafana's model. Pure."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    GridPos,
    Panel,
    RowPanel,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
    VariableRefresh,
    VariableSort,
)

from dashboards.influxql import Target

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#6e6e6e"

_Levels = Sequence[tuple[float | None, str]]
"""From which value on which colour; the first one has no value."""


def source(uid: str) -> common.DataSourceRef:
    """The data source as panels name it."""
    return common.DataSourceRef(type_val="influxdb", uid=uid)


def panel_id(key: str) -> int:
    """A panel's id follows from its key, so that links to it survive other panels."""
    return zlib.crc32(key.encode()) & 0x7FFF_FFFF or 1


def number(
    key: str, title: str, *, uid: str, query: str, place: GridPos, unit: str = "short", levels: _Levels = (), description: str = ""
) -> Panel:
    """One big number: the last value of the query."""
    built = (
        stat.Panel()
        .id(panel_id(key))
        .title(title)
        .description(description)
        .datasource(source(uid))
        .grid_pos(place)
        .unit(unit)
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.VALUE)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(values=False))
        .thresholds(_thresholds(levels or ((None, BLUE),)))
        .no_value("–")
        .with_target(Target(uid, query))
    )
    return built.build()


def lines(
    key: str,
    title: str,
    *,
    uid: str,
    targets: Sequence[tuple[str, str]],
    place: GridPos,
    unit: str = "short",
    least: float | None = None,
    most: float | None = None,
    interval: str = "1m",
    stacked: bool = False,
    names: Mapping[str, str] | None = None,
) -> Panel:
    """Numbers over time; `targets` are queries with the alias of their series, `names` says how a series is shown instead."""
    built = (
        timeseries.Panel()
        .id(panel_id(key))
        .title(title)
        .datasource(source(uid))
        .grid_pos(place)
        .unit(unit)
        .interval(interval)
        .line_width(1)
        .fill_opacity(10)
        .show_points(common.VisibilityMode.AUTO)
        .legend(
            common_builders.VizLegendOptions()
            .show_legend(show_legend=True)
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    )
    if least is not None:
        built = built.min(least)
    if most is not None:
        built = built.max(most)
    if stacked:
        built = built.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")).fill_opacity(40)
    for series, shown in (names or {}).items():
        built = built.override_by_name(series, [DynamicConfigValue("displayName", shown)])
    for ref, (query, alias) in zip("ABCDEFGHIJ", targets, strict=False):
        built = built.with_target(Target(uid, query, alias=alias, ref=ref))
    return built.build()


def states(
    key: str, title: str, *, uid: str, query: str, alias: str, place: GridPos, names: Mapping[str, tuple[str, str]], interval: str
) -> Panel:
    """States over time, a band for each device; `names` gives text and colour for a value."""
    built = (
        statetimeline.Panel()
        .id(panel_id(key))
        .title(title)
        .datasource(source(uid))
        .grid_pos(place)
        .interval(interval)
        .mappings([value_map(names)])
        .show_value(common.VisibilityMode.AUTO)
        .row_height(0.9)
        .merge_values(merge_values=True)
        .legend(
            common_builders.VizLegendOptions()
            .show_legend(show_legend=True)
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .with_target(Target(uid, query, alias=alias))
    )
    return built.build()


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: its name in the query, its title, its unit, and texts and colours of its values."""

    name: str
    title: str
    unit: str = ""
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def rows(key: str, title: str, *, uid: str, query: str, place: GridPos, columns: Sequence[Column], description: str = "") -> Panel:
    """A table; columns of the query that `columns` doesn't name keep their own names."""
    built = (
        table.Panel()
        .id(panel_id(key))
        .title(title)
        .description(description)
        .datasource(source(uid))
        .grid_pos(place)
        .show_header(show_header=True)
        .no_value("–")
        .with_target(Target(uid, query, table=True))
    )
    for column in columns:
        properties = [DynamicConfigValue("displayName", column.title)]
        if column.unit:
            properties.append(DynamicConfigValue("unit", column.unit))
        if column.values:
            properties.append(DynamicConfigValue("mappings", [value_map(column.values)]))
        built = built.override_by_name(column.name, properties)
    return built.build()


def row(key: str, title: str, *, y: int, folded: Sequence[Panel] = ()) -> RowPanel:
    """A heading across the board; with `folded` it hides these panels until it is opened."""
    built = dashboard_builders.Row(title).id(panel_id(key)).collapsed(collapsed=bool(folded)).build()
    built.grid_pos = GridPos(x=0, y=y, w=24, h=1)
    built.panels = list(folded)
    return built


def value_map(names: Mapping[str, tuple[str, str]]) -> ValueMap:
    """Text and colour for each value."""
    options = {
        value: ValueMappingResult(text=text, color=colour or None, index=index)
        for index, (value, (text, colour)) in enumerate(names.items())
    }
    return ValueMap(options=options)


def variable(name: str, label: str, *, uid: str, query: str, with_all: bool = False) -> dashboard_builders.QueryVariable:
    """A choice of one or several of the values that a query finds; `with_all` adds "all"."""
    built = dashboard_builders.QueryVariable(name).label(label).datasource(source(uid)).query(query).multi(multi=True)
    built = built.refresh(VariableRefresh.ON_DASHBOARD_LOAD).sort(VariableSort.NATURAL_ASC)
    return built.include_all(include_all=True).all_value(".*") if with_all else built


def _thresholds(levels: _Levels) -> dashboard_builders.ThresholdsConfig:
    steps = [Threshold(value=value, color=colour) for value, colour in levels]
    return dashboard_builders.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
