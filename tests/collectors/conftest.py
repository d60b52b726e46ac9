"""The shipped families, read as our loader reads them: every scalar is text."""

from importlib.resources import files

import pytest
import yaml

from ioc.domain.family import Family


@pytest.fixture(scope="session")
def families() -> dict[str, Family]:
    """Shipped families by name."""
    found = [entry for entry in files("collectors").joinpath("families").iterdir() if entry.name.endswith(".yaml")]
    loaded = [Family.model_validate(yaml.load(entry.read_text(), Loader=yaml.BaseLoader)) for entry in found]  # noqa: S506  text only
    return {family.family: family for family in loaded}
