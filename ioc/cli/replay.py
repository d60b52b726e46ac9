"""`ioc quarantine replay`: one by one, or page by page what the filters let through."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer

from ioc.cli.action import act
from ioc.cli.output import print_json, print_table, say
from ioc.cli.place import Place

PAGE = 200


def replay_each(where: Place, items: Sequence[str], *, json: bool) -> int:
    """Tries the messages with these ids; how many are still not stored."""
    ended = [act(where, "quarantine.replay", id=item) for item in items]
    if json:
        print_json(ended[0] if len(items) == 1 else {"items": [{"id": item, **one} for item, one in zip(items, ended, strict=True)]})
    else:
        for item, one in zip(items, ended, strict=True):
            name = f"{item}: " if len(items) > 1 else ""
            print(name + ("Recovered: " if one["recovered"] else "Still not stored: ") + one["detail"])
    return sum(not one["recovered"] for one in ended)


def replay_filtered(where: Place, wanted: Mapping[str, object], *, dry_run: bool, yes: bool, json: bool) -> int:
    """Shows what would become of the messages, then does it where the person agrees; how many are still not stored."""
    if dry_run or not yes:
        foreseen = _gather(where, wanted, dry_run=True, json=json)
        if dry_run or json or not foreseen["recovered"] or not _agreed(foreseen["recovered"]):
            _show(foreseen, json=json, verb="could be stored")
            if not dry_run and foreseen["recovered"]:
                say("Nothing is stored yet; add --yes to store.")
            return 0
    done = _gather(where, wanted, dry_run=False, json=json)
    _show(done, json=json, verb="recovered")
    return int(done["refused"])


def _gather(where: Place, wanted: Mapping[str, object], *, dry_run: bool, json: bool) -> dict[str, Any]:
    sums: dict[str, Any] = {"items": [], "recovered": 0, "refused": 0, "dry_run": dry_run}
    for page in _pages(where, wanted, dry_run=dry_run):
        sums["items"] += page["items"]
        sums["recovered"] += page["recovered"]
        sums["refused"] += page["refused"]
        if page["next"] and not json:
            say(f"… {len(sums['items'])} looked at, {sums['recovered']} {'could be stored' if dry_run else 'recovered'}")
    return sums


def _pages(where: Place, wanted: Mapping[str, object], *, dry_run: bool) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = act(where, "quarantine.replay_many", **wanted, limit=PAGE, cursor=cursor, dry_run=dry_run)
        yield page
        cursor = page["next"]
        if cursor is None:
            return


def _show(sums: Mapping[str, Any], *, json: bool, verb: str) -> None:
    if json:
        print_json(sums)
        return
    print_table(sums["items"], ["id", "device", "reason", "recovered", "detail"], empty="Nothing in quarantine fits.")
    if sums["items"]:
        print(f"{sums['recovered']} {verb}, {sums['refused']} still refused.")


def _agreed(count: int) -> bool:
    """What the person at the terminal says; without one nobody has agreed."""
    return sys.stdin.isatty() and typer.confirm(f"{count} can be stored. Store them?")
