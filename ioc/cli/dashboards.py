"""`ioc dashboards …`: Grafana's boards as code."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json
from ioc.cli.place import ConfigOption, JsonOption, Place, place

if TYPE_CHECKING:
    from dashboards.publish import Plan, Wanted
    from dashboards.site import Site
    from ioc.config.load import Config
    from ioc.domain.registry import Unit

dashboards = typer.Typer(help="Boards in Grafana.", no_args_is_help=True)


@dashboards.command("render")
def render(
    config: ConfigOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write a file for each board instead of printing.")] = None,
) -> None:
    """Render the boards as Grafana's JSON; Grafana is not asked."""
    from dashboards.render import board_text, render_boards

    boards = render_boards(_site(place(config, None)))
    if out is None:
        print_json(boards)
        return
    out.mkdir(parents=True, exist_ok=True)
    for uid, board in boards.items():
        (out / f"{uid}.json").write_text(board_text(board), encoding="utf-8")
        print(out / f"{uid}.json")


@dashboards.command("plan")
def plan(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show what `apply` would change in Grafana."""
    from dashboards.grafana import Grafana
    from dashboards.publish import plan as plan_boards

    url, token, wish = _wish(place(config, None))
    _tell(plan_boards(Grafana(url, token), wish), json=json, nothing="Grafana holds all of it already.")


@dashboards.command("apply")
def apply(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Put data source, folder and boards up in Grafana; applied twice changes nothing."""
    from dashboards.grafana import Grafana
    from dashboards.publish import apply as apply_boards

    url, token, wish = _wish(place(config, None))
    _tell(apply_boards(Grafana(url, token), wish), json=json, nothing="Nothing had to be changed.")


def _tell(done: "Plan", *, json: bool, nothing: str) -> None:
    if json:
        keys = ("kind", "name", "uid", "verdict", "details")
        print_json({"changes": [{key: getattr(change, key) for key in keys} for change in done.changes]})
    else:
        print(done)
        if done.empty:
            print(nothing)
    if done.refused:
        raise typer.Exit(Exit.WRONG)


def _wish(where: Place) -> "tuple[str, str, Wanted]":
    """Grafana's URL and token, and what it shall hold."""
    from dashboards.publish import wanted
    from ioc.config.settings import InfluxStore

    settings = _config(where).settings
    grafana, store = settings.grafana, settings.store
    if grafana is None or grafana.token is None:
        msg = "the configuration has no section `grafana`; add `grafana: {url: …, token_file: …}`"
        raise Failure(msg)
    if not isinstance(store, InfluxStore) or store.token is None:
        msg = "Grafana reads InfluxDB, and this site keeps its series in the embedded store; set `store: {kind: influxdb, …}`"
        raise Failure(msg)
    reading = grafana.datasource_token or store.token
    wish = wanted(
        _site(where),
        folder=grafana.folder,
        store_url=grafana.datasource_url or store.url,
        bucket=store.bucket,
        token=reading.get_secret_value(),
    )
    return grafana.url, grafana.token.get_secret_value(), wish


def _site(where: Place) -> "Site":
    from dashboards.site import Site, datasource_uid

    config = _config(where)
    site = config.settings.site
    return Site(
        id=site.id,
        name=site.name,
        language=site.language,
        timezone=site.timezone,
        datasource_uid=datasource_uid(site.id),
        families=list(config.families.values()),
        units=_units(where),
    )


def _units(where: Place) -> "list[Unit]":
    """Units valid today; none while the registry is empty: the board then lists what the store holds."""
    import msgspec

    from ioc.cli.action import act
    from ioc.domain.registry import Unit

    if not (where.data_dir / "state.db").exists():
        return []
    found: dict[str, Any] = act(where, "units.list")
    return msgspec.convert(found["items"], list[Unit])


def _config(where: Place) -> "Config":
    if where.config is None:
        msg = "boards need the configuration; write --config F"
        raise Failure(msg, Exit.USAGE)
    return where.config
