"""`ioc service …`: devices and units out of service."""

from typing import Annotated

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, print_table
from ioc.cli.place import ByOption, ConfigOption, DataDirOption, JsonOption, instant, place, who

service = typer.Typer(help="Devices and units out of service: their alarms are journalled, and nobody is told.", no_args_is_help=True)

_COLUMNS = ["id", "device", "unit", "since", "until", "reason", "by", "ended_at", "ended_by"]
DeviceOption = Annotated[str | None, typer.Option("--device", metavar="D", help="One device.")]
UnitOption = Annotated[str | None, typer.Option("--unit", metavar="U", help="All devices of one unit and of the units below it.")]


@service.command("out")
def take_out(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
    device: DeviceOption = None,
    unit: UnitOption = None,
    until: Annotated[str | None, typer.Option("--until", metavar="T", help="Back in service by itself then.")] = None,
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Take a device, or the devices of a unit and of those below it, out of service."""
    from ioc.cli.action import act

    where = place(config, data_dir)
    _one_of(device, unit)
    done = act(where, "service.out", device=device, unit=unit, until=instant(until, where), reason=reason, by=who(by))
    if json:
        print_json(done)
    else:
        print(f"{device or unit} is out of service ({done['id']}) until {done['until'] or 'it is given back'}.")


@service.command("in")
def give_back(
    order: Annotated[str | None, typer.Argument(metavar="[ID]", help="The id that `ioc service list` shows.")] = None,
    device: DeviceOption = None,
    unit: UnitOption = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "",
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Give it back; alarms that still stand are told."""
    from ioc.cli.action import act

    _one_of(order, device, unit)
    done = act(place(config, data_dir), "service.in", id=order, device=device, unit=unit, reason=reason, by=who(by))
    if json:
        print_json(done)
    else:
        print(f"{done['device'] or done['unit']} is in service again.")


@service.command("list")
def list_orders(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that have ended.")] = False,
    json: JsonOption = False,
) -> None:
    """List what is out of service, since when, why and by whom."""
    from ioc.cli.action import act

    found = act(place(config, data_dir), "service.list", ended=ended)
    if json:
        print_json(found)
        return
    print_table(found["items"], _COLUMNS, empty="Everything is in service.")


def _one_of(*named: str | None) -> None:
    if sum(one is not None for one in named) != 1:
        msg = "name exactly one: a device (--device), a unit (--unit)" + (", or an order's id" if len(named) > 2 else "")  # noqa: PLR2004
        raise Failure(msg, Exit.USAGE)
