"""`ioc config show`: the settings in force, with defaults and environment, without secrets."""

from pathlib import Path
from typing import Any

import typer

from ioc.cli.output import print_json
from ioc.cli.place import ConfigOption, JsonOption, load

config_app = typer.Typer(help="The configuration.", no_args_is_help=True)
MASK = "***"
_DURATIONS = frozenset({"retention", "every"})


@config_app.command("show")
def show(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Print the settings in force: files, environment and defaults together; secrets are masked."""
    from pydantic import BaseModel, SecretStr

    from ioc.domain.duration import format_duration

    def plain(name: str, value: Any) -> Any:  # noqa: ANN401  any setting
        if isinstance(value, BaseModel):
            return {key: plain(key, getattr(value, key)) for key in type(value).model_fields if getattr(value, key) is not None}
        if isinstance(value, SecretStr):
            return MASK
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, tuple):
            return [plain("", part) for part in value]
        if isinstance(value, dict):
            return {key: plain("every", part) for key, part in value.items()}
        return format_duration(value) if name in _DURATIONS else value

    document = plain("", load(config).settings)
    if json:
        print_json(document)
        return
    import yaml

    print(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, default_flow_style=None, width=140), end="")
