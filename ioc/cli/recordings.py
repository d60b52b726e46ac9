"""`ioc record` and `ioc replay`: what a server's rules and routes were told, and whether they would decide the same again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import errors_only, print_json, printable
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, place

if TYPE_CHECKING:
    from alerts.proving.replay import Deviation, Replay
    from ioc.domain.alarm import OutboxMessage, Transition

_SHOWN = 10


def record(
    out: Annotated[Path | None, typer.Option("--out", metavar="F", help="A new file, written by the server.")] = None,
    lasts: Annotated[str, typer.Option("--for", metavar="D", help="For so long at most.")] = "24h",
    size: Annotated[str, typer.Option("--size", metavar="SIZE", help="Until the file is so large.")] = "1GB",
    stop: Annotated[bool, typer.Option("--stop", help="End the recording that goes on.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Let the running server record what its rules and routes are told, over restarts too; without options say how far it is."""
    from ioc.cli.action import act

    where = place(config, data_dir)
    if out is not None and not stop:
        args = {"path": str(out.absolute()), "lasts": _duration(lasts), "limit": _size(size)}
        state = act(where, "record.start", **args)
    elif stop:
        state = act(where, "record.stop")
    else:
        state = act(where, "record.state")
    if json:
        print_json(state)
    else:
        print(_sentence(state))


def replay(
    file: Annotated[Path, typer.Argument(metavar="F", help="A recording.")],
    check: Annotated[bool, typer.Option("--check", help="Compare with what was decided live; 1 where anything differs.")] = False,
    json: JsonOption = False,
) -> None:
    """Play a recording through rules and routes again: its alarms and messages, byte by byte as they were recorded, or where not."""
    with errors_only():
        played = _played(file)
    wrong = check and played.deviating > 0
    if json:
        print_json(_document(played, check=check))
    else:
        for line in _lines(played, check=check):
            print(printable(line))
    raise typer.Exit(Exit.WRONG if wrong else Exit.FINE)


def _played(file: Path) -> "Replay":
    from alerts.proving.chronicle import TooMuchError
    from alerts.proving.replay import Replay
    from alerts.proving.tape import TapeError, read_entries
    from ioc.config.recorded_site import recorded_site

    played = Replay(recorded_site)
    try:
        with file.open("rb") as stream:
            for entry in read_entries(stream):
                played.take(entry)
    except OSError as error:
        msg = f"{file}: can't be read: {error.strerror}; check the path"
        raise Failure(msg) from None
    except (TapeError, TooMuchError) as error:
        msg = f"{file}: {error}"
        raise Failure(msg) from None
    played.finish()
    return played


def _document(played: "Replay", *, check: bool) -> dict[str, Any]:
    document = {
        "from": _time(played.first),
        "to": _time(played.last),
        "ended": played.ended or None,
        "steps": played.steps,
        "restarts": max(0, played.starts - 1),
        "faults": played.faults,
        "journal": [_entry(one) for one in played.chronicle.transitions],
        "messages": [_message(one) for one in played.chronicle.messages],
    }
    if check:
        document["same"] = played.deviating == 0
        document["deviating"] = played.deviating
        document["deviations"] = [_deviation(one) for one in played.deviations]
    return document


def _lines(played: "Replay", *, check: bool) -> list[str]:
    restarts = max(0, played.starts - 1)
    came_to = f"{len(played.chronicle.transitions)} journal entries, {len(played.chronicle.messages)} messages"
    lines = [f"{_time(played.first)} – {_time(played.last)}: {played.steps} steps, {restarts} restarts, {came_to}."]
    if not played.ended:
        lines.append("The recording breaks off: it goes on still, or the server was killed.")
    if not check:
        return [*lines, *(_line(one) for one in played.chronicle.transitions), *(_said(one) for one in played.chronicle.messages)]
    if not played.deviating:
        return [*lines, "The replay decides the same, byte by byte."]
    lines.append(f"The replay decides otherwise {played.deviating} times:")
    for one in played.deviations[:_SHOWN]:
        lines.append(f"  at {_time(one.now)}")
        for title, decided in (("recorded", one.recorded), ("replayed", one.replayed)):
            found = [] if decided is None else [*map(_line, decided.transitions), *map(_said, decided.messages)]
            lines += [f"    {title}: {line}" for line in found or ["nothing"]]
    return lines


def _deviation(one: "Deviation") -> dict[str, Any]:
    sides = {}
    for name, decided in (("recorded", one.recorded), ("replayed", one.replayed)):
        journal, messages = ((), ()) if decided is None else (decided.transitions, decided.messages)
        sides[name] = {"journal": [_entry(entry) for entry in journal], "messages": [_message(message) for message in messages]}
    return {"at": _time(one.now), **sides}


def _entry(entry: "Transition") -> dict[str, Any]:
    import msgspec

    times = {"at": _time(entry.at), "recorded": _time(entry.recorded)}
    return {**msgspec.to_builtins(entry), **times}


def _message(message: "OutboxMessage") -> dict[str, Any]:
    import msgspec

    return {"channel": message.channel, "at": _time(message.at), **msgspec.json.decode(message.body)}


def _line(entry: "Transition") -> str:
    return f"{_time(entry.recorded)} {entry.step.value} {entry.rule} {entry.device or '-'} by {entry.by}"


def _said(message: "OutboxMessage") -> str:
    import msgspec

    return f"{_time(message.at)} {message.event} to {message.channel}: {msgspec.json.decode(message.body)['text']}"


def _sentence(state: dict[str, Any]) -> str:
    written = f"{state['written'] / 1e6:.1f} MB"
    if state["path"] is not None:
        return f"Recording to {state['path']} until {_time(state['until'])} or {state['limit'] / 1e6:.0f} MB; {written} so far."
    return f"No recording goes on; the last one had {written} and ended: {state['ended']}." if state["ended"] else "No recording goes on."


def _duration(text: str) -> int:
    from ioc.domain.duration import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        msg = f"--for: {error}"
        raise Failure(msg, Exit.USAGE) from None


def _size(text: str) -> int:
    from ioc.config.settings import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        msg = f"--size: {error}"
        raise Failure(msg, Exit.USAGE) from None


def _time(at: int | None) -> str | None:
    from ioc.domain.rfc3339 import to_rfc3339

    return None if at is None else to_rfc3339(at)
