"""What a board shows of one family, derived from its declaration alone. Pure."""

from collections.abc import Sequence

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import queries
from dashboards.grafana_units import grafana_unit
from dashboards.grid import Grid
from dashboards.panels import GREEN, ORANGE, RED, YELLOW, Column, lines, number, rows, states
from dashboards.site import Site
from dashboards.texts import count_title, values_of
from ioc.domain.family import Family, Metric, MetricType

_HEADLINES = 4
"""How many metrics stand open in a family that declares no headline."""
_BAD = {"unknown": YELLOW, "critical": RED, "major": ORANGE, "minor": YELLOW}


def split_metrics(family: Family) -> tuple[list[Metric], list[Metric]]:
    """Metrics with a panel of their own: those that stand open, and those that are folded away."""
    shown = [metric for metric in family.metrics if metric.type is not MetricType.STRING]
    first = [metric for metric in shown if metric.headline] or shown[:_HEADLINES]
    return first, [metric for metric in shown if metric not in first]


def count_panels(site: Site, grid: Grid, family: Family | None) -> list[Panel]:
    """Big numbers: how many there are, work, and are in alarm; of a family or of all."""
    name = None if family is None else family.family
    key = name or "overview"
    counts = [
        number(
            f"{key}.{count}",
            count_title(site, count),
            uid=site.datasource_uid,
            query=queries.total(count, name),
            place=grid.place(3, 4),
            levels=((None, GREEN), (1, _BAD[count])) if count in _BAD else (),
        )
        for count in queries.COUNTS
    ]
    share = number(
        f"{key}.share",
        site.text("Tỷ lệ hoạt động thật", "Share that works"),
        uid=site.datasource_uid,
        query=queries.share(name),
        place=grid.place(3, 4),
        unit="percent",
        levels=((None, RED), (70, ORANGE), (85, YELLOW), (95, GREEN)),
        description=site.text("Trực tuyến, có số liệu mới, không lỗi", "Online, with recent data, without fault"),
    )
    return [*counts, share]


def metric_panels(site: Site, family: Family, metrics: Sequence[Metric], grid: Grid) -> list[Panel]:
    """Over time: a line for each chosen device where the metric is a number, else a band of states."""
    return [_numbers(site, family, metric, grid) if metric.is_number else _states(site, family, metric, grid) for metric in metrics]


def latest_panel(site: Site, family: Family, grid: Grid) -> Panel:
    """A table of the last values of all metrics, texts included."""
    columns = [Column("device", site.text("Thiết bị", "Device"))]
    for metric in family.metrics:
        unit = grafana_unit(metric.unit) if metric.is_number else ""
        columns.append(Column(metric.name, metric.labels.text(site.language), unit, {} if metric.is_number else values_of(site, metric)))
    grid.break_line()
    return rows(
        f"{family.family}.latest",
        site.text("Giá trị gần nhất", "Latest values"),
        uid=site.datasource_uid,
        query=queries.latest(family),
        place=grid.place(24, 8),
        columns=columns,
    )


def _numbers(site: Site, family: Family, metric: Metric, grid: Grid) -> Panel:
    title = metric.labels.text(site.language)
    return lines(
        f"{family.family}.{metric.name}",
        site.text(f"{title} (tăng thêm)", f"{title} (increase)") if metric.cumulative else title,
        uid=site.datasource_uid,
        targets=[(queries.metric_over_time(family, metric), "$tag_device")],
        place=grid.place(12, 8),
        unit=grafana_unit(metric.unit),
        least=None if metric.cumulative else metric.min,
        most=None if metric.cumulative else metric.max,
        interval=_interval(family),
    )


def _states(site: Site, family: Family, metric: Metric, grid: Grid) -> Panel:
    return states(
        f"{family.family}.{metric.name}",
        metric.labels.text(site.language),
        uid=site.datasource_uid,
        query=queries.metric_over_time(family, metric),
        alias="$tag_device",
        place=grid.place(12, 8),
        names=values_of(site, metric),
        interval=_interval(family),
    )


def _interval(family: Family) -> str:
    """No finer than the devices send."""
    return f"{max(1, family.cadence // 1000)}s"
