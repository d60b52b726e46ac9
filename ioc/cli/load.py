"""`ioc load`: how much the alarms asked of the operators."""

from typing import Annotated

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, print_table
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, instant, place

DAY_MS = 86_400_000


def load(
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="From then on (default: a day before the end).")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Until then (default: now).")] = None,
    operators: Annotated[int, typer.Option("--operators", min=1, max=100, help="So many share the alarms.")] = 1,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Report the alarm load against EEMUA 191 and IEC 62682: 1 = a limit is exceeded."""
    from ioc.app.clock import now_ms
    from ioc.cli.action import act

    where = place(config, data_dir)
    until = instant(end, where) or now_ms()
    since = instant(start, where) or until - DAY_MS
    if since >= until:
        msg = "the span ends before it begins; write --from before --to"
        raise Failure(msg, Exit.USAGE)
    found = act(where, "load", start=since, end=until, operators=operators)
    if json:
        print_json(found)
    else:
        _tell(found)
    raise typer.Exit(Exit.FINE if all(one["holds"] for one in found["findings"]) else Exit.WRONG)


def _tell(found: dict[str, object]) -> None:
    waits = found["acknowledge_median_ms"]
    took = "" if waits is None else f", half of them within {int(str(waits)) // 1000} s"
    print(f"{found['start']} to {found['end']}: {found['raised']} alarms, {found['acknowledged']} acknowledged{took}.")
    print_table(found["findings"], ["measure", "value", "limit", "holds"], empty="")  # type: ignore[arg-type]
    print()
    print_table(found["often"], ["rule", "device", "times", "share", "chatters"], empty="No alarm was raised.")  # type: ignore[arg-type]
    if found["floods"]:
        print()
        print_table(found["floods"], ["start", "end", "alarms"], empty="")  # type: ignore[arg-type]
