"""The province at a glance: units, each family with its metrics, open alarms, the ledger. Pure."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models.dashboard import Dashboard, DashboardCursorSync, Panel, RowPanel

from dashboards import queries
from dashboards.family_panels import count_panels, latest_panel, metric_panels, split_metrics
from dashboards.grid import Grid
from dashboards.panels import GREEN, RED, YELLOW, Column, lines, number, row, rows, variable
from dashboards.site import Site
from dashboards.texts import causes, count_title, outcomes, severities, steps, unit_names
from ioc.domain.family import Family

NAME = "province"
SCHEMA_VERSION = 39
"""Grafana 11's; later ones bring boards up to date when they open them."""


def board(site: Site, uid: str) -> Dashboard:
    """The board's model; panel ids and titles follow from site and families alone."""
    built = (
        builders.Dashboard(site.text(f"Toàn cảnh {site.name}", f"{site.name} at a glance"))
        .uid(uid)
        .tags(["ioc", site.id])
        .refresh("1m")
        .time("now-6h", "now")
        .timezone(site.timezone)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(_unit_variable(site))
    )
    for family in site.families:
        label = family.labels.text(site.language)
        chosen = variable(f"{family.family}_device", label, uid=site.datasource_uid, query=queries.devices_of(family))
        built = built.with_variable(chosen)
    model = built.build()
    model.schema_version = SCHEMA_VERSION
    model.panels = _panels(site)
    return model


def _unit_variable(site: Site) -> builders.CustomVariable | builders.QueryVariable:
    label = site.text("Đơn vị", "Unit")
    if not site.units:
        return variable("unit", label, uid=site.datasource_uid, query=queries.units(), with_all=True)
    choices = ", ".join(f"{_choice(unit.name)} : {_choice(unit.unit)}" for unit in site.units)
    return builders.CustomVariable("unit").label(label).values(choices).multi(multi=True).include_all(include_all=True).all_value(".*")


def _choice(text: str) -> str:
    """A text within a list of choices, where a comma, and a colon between blanks, mean something."""
    return text.replace("\\", "").replace(",", "\\,").replace(" : ", ": ").strip()


def _panels(site: Site) -> list[Panel | RowPanel]:
    grid = Grid()
    panels = _overview(site, grid)
    for family in site.families:
        panels += _family(site, family, grid)
    return panels + _ledger(site, grid)


def _heading(grid: Grid, key: str, title: str, folded: Sequence[Panel] = ()) -> RowPanel:
    grid.break_line()
    place = grid.place(24, 1)
    grid.break_line()
    return row(key, title, y=place.y, folded=folded)


def _overview(site: Site, grid: Grid) -> list[Panel | RowPanel]:
    return [
        _heading(grid, "overview", site.text("Toàn cảnh", "Overview")),
        *count_panels(site, grid, None),
        lines(
            "overview.share_over_time",
            site.text("Tỷ lệ hoạt động thật", "Share that works"),
            uid=site.datasource_uid,
            targets=[(queries.share_over_time(), "$tag_family")],
            place=grid.place(12, 8),
            unit="percent",
            least=0,
            most=100,
            names={family.family: family.labels.text(site.language) for family in site.families},
        ),
        lines(
            "overview.alarms",
            site.text("Cảnh báo kỹ thuật đang mở", "Open technical alarms"),
            uid=site.datasource_uid,
            targets=[(queries.total_over_time(count), count_title(site, count)) for count in ("critical", "major", "minor")],
            place=grid.place(12, 8),
            least=0,
            stacked=True,
        ),
        *_lists(site, grid),
    ]


def _lists(site: Site, grid: Grid) -> list[Panel]:
    device, unit = Column("device", site.text("Thiết bị", "Device")), Column("unit", site.text("Đơn vị", "Unit"), values=unit_names(site))
    return [
        rows(
            "overview.open",
            site.text("Cảnh báo kỹ thuật đang mở (30 ngày)", "Open technical alarms (30 days)"),
            uid=site.datasource_uid,
            query=queries.open_alarms(),
            place=grid.place(12, 9),
            columns=[
                Column("Time", site.text("Cập nhật lúc", "Last change")),
                Column("severity", site.text("Mức độ", "Severity"), values=severities(site)),
                Column("rule", site.text("Quy tắc", "Rule")),
                device,
                unit,
                Column("transition", site.text("Diễn biến", "Last step"), values=steps(site)),
            ],
        ),
        rows(
            "overview.offline",
            site.text("Thiết bị mất kết nối", "Devices offline"),
            uid=site.datasource_uid,
            query=queries.offline_devices(),
            place=grid.place(12, 9),
            columns=[
                Column("Time", site.text("Số liệu tính đến", "As of")),
                device,
                unit,
                Column("state", site.text("Kết nối", "Connection"), values={"offline": (site.text("Mất kết nối", "Offline"), RED)}),
                Column("cause", site.text("Nguyên nhân", "Cause"), values=causes(site)),
            ],
        ),
        rows(
            "overview.units",
            site.text("Theo đơn vị", "By unit"),
            uid=site.datasource_uid,
            query=queries.by_unit(),
            place=grid.place(24, 10),
            columns=[unit, *(Column(count, count_title(site, count)) for count in queries.COUNTS)],
        ),
    ]


def _family(site: Site, family: Family, grid: Grid) -> list[Panel | RowPanel]:
    """The family's counts and headline metrics, and a folded row with all the rest."""
    title = family.labels.text(site.language)
    first, others = split_metrics(family)
    heading = _heading(grid, family.family, title)
    shown = [*count_panels(site, grid, family), *metric_panels(site, family, first, grid)]
    grid.break_line()
    below = Grid(grid.bottom + 1)
    folded = [*metric_panels(site, family, others, below), latest_panel(site, family, below)]
    details = _heading(grid, f"{family.family}.details", site.text(f"{title}: chi tiết", f"{title}: details"), folded)
    return [heading, *shown, details]


def _ledger(site: Site, grid: Grid) -> list[Panel | RowPanel]:
    return [
        _heading(grid, "ledger", site.text("Sổ cái bản tin MQTT", "Ledger of MQTT messages")),
        lines(
            "ledger.outcomes",
            site.text("Mỗi bản tin nhận được đã đi đâu", "Where each received message went"),
            uid=site.datasource_uid,
            targets=[(queries.ledger(), "$col")],
            place=grid.place(16, 8),
            least=0,
            stacked=True,
            names=outcomes(site),
        ),
        number(
            "ledger.difference",
            site.text("Chênh lệch sổ cái", "Ledger's difference"),
            uid=site.datasource_uid,
            query=queries.ledger_difference(),
            place=grid.place(4, 8),
            levels=((None, RED), (0, GREEN), (1, RED)),
            description=site.text("Phải bằng 0: nhận = tổng các kết cục", "Must be 0: received = sum of outcomes"),
        ),
        number(
            "ledger.quarantined",
            site.text("Bản tin bị cách ly", "Quarantined messages"),
            uid=site.datasource_uid,
            query=queries.ledger_total("quarantined"),
            place=grid.place(4, 8),
            levels=((None, GREEN), (1, YELLOW)),
        ),
    ]
