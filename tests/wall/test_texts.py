"""The one catalogue of the wall's words."""

import json
import re
from pathlib import Path

import pytest

from ioc.api.pages import WALL

CATALOGUE = json.loads((WALL / "texts.json").read_text(encoding="utf-8"))
SCRIPTS = sorted((WALL / "js").glob("*.js"))
VIETNAMESE = re.compile("[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.IGNORECASE)


def test_says_everything_in_both_languages() -> None:
    """Same keys, same placeholders, nothing empty."""
    assert CATALOGUE["vi"].keys() == CATALOGUE["en"].keys()
    for key, text in CATALOGUE["vi"].items():
        assert text.strip()
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", CATALOGUE["en"][key])), key


def test_uses_the_words_of_the_trade() -> None:
    """A bare "cảnh báo" is a disaster warning, and "tắt tiếng" mutes loudspeakers: neither stands for our alarms."""
    for text in CATALOGUE["vi"].values():
        assert "tắt tiếng" not in text.lower()
        assert "cảnh báo" not in text.lower().replace("cảnh báo kỹ thuật", "")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_keeps_words_out_of_the_scripts(script: Path) -> None:
    """Texts stand in the catalogue, and each that a script names is there."""
    source = re.sub(r"//.*|/\*.*?\*/", "", script.read_text(encoding="utf-8"))
    assert not VIETNAMESE.search(source)
    for key in re.findall(r"""\.text\(["'](\w+)["']""", source):
        assert key in CATALOGUE["vi"], key


def test_names_no_outside_address() -> None:
    """Nothing on the wall comes from elsewhere, and nothing is written into the page as markup."""
    for path in WALL.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://", text), path.name
            assert "innerHTML" not in text
