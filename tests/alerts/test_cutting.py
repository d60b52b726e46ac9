"""Texts made to fit: cut at whole characters, links kept, accents taken off, parts counted."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.cutting import boundary, fit
from alerts.sms import parts, unaccented

LINK = "https://ioc.example.gov.vn/a/sms.0123456789abcdef"
TEXT = st.text(
    alphabet=st.one_of(st.sampled_from("ăđệỗữ ê\u0301 \u0309🇻🇳👩\u200d🚒👍🏽{}[]€…"), st.characters(codec="utf-8")), max_size=300
)


def test_text_that_fits_is_left_alone() -> None:
    """With its link after a blank."""
    assert fit("Cụm loa mất kết nối.", LINK, 200) == f"Cụm loa mất kết nối. {LINK}"
    assert fit("Cụm loa", "", 7) == "Cụm loa"


def test_long_text_is_cut_before_its_link() -> None:
    """The link stands whole at the end; a sign says that something is missing."""
    text = fit("mất kết nối " * 50, LINK, 100)
    assert len(text) <= 100
    assert text.endswith(f"… {LINK}")


def test_link_that_does_not_fit_is_left_out_rather_than_torn() -> None:
    """Half a link helps nobody; the room goes to the text."""
    assert fit("mất kết nối nhiều nơi", LINK, 12) == "mất kết nối…"


@given(TEXT, st.sampled_from(["", LINK]), st.integers(1, 200))
def test_cut_text_keeps_its_length_and_its_link(text: str, link: str, most: int) -> None:
    """Never longer than asked; the link is whole wherever it fits."""
    cut = fit(text, link, most)
    assert len(cut) <= most
    if link and len(link) <= most:
        assert cut.endswith(link)


@given(TEXT, st.integers(1, 6))
def test_cut_short_message_keeps_its_parts(text: str, most: int) -> None:
    """Measured in parts, without accents; a second cut changes nothing."""
    cut = fit(unaccented(text), LINK, most, measure=parts, more="...")
    assert parts(cut) <= most
    assert cut.endswith(LINK)
    assert len(cut) <= 153 * most + 7


@given(TEXT, st.integers(0, 300))
def test_boundary_tears_no_character(text: str, length: int) -> None:
    """No mark loses its base, no joined sequence or flag is split, and nothing beyond the length is taken."""
    at = boundary(text, length)
    assert 0 <= at <= min(length, len(text))
    if 0 < at < len(text):
        assert unicodedata.category(text[at]) not in {"Mn", "Me", "Mc"}
        assert "\u200d" not in {text[at], text[at - 1]}


@pytest.mark.parametrize(
    ("text", "length", "kept"), [("ê\u0301x", 1, ""), ("🇻🇳🇻🇳", 3, "🇻🇳"), ("a👩\u200d🚒", 2, "a"), ("👍🏽!", 1, ""), ("abc", 2, "ab")]
)
def test_boundary_is_where_people_see_it(text: str, length: int, kept: str) -> None:
    """A decomposed letter, flags, a joined sign, a tone, and plain letters."""
    assert text[: boundary(text, length)] == kept


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Đường Nguyễn Huệ, phường Việt Trì", "Duong Nguyen Hue, phuong Viet Tri"),
        ("đã khắc phục lúc 23:14 – “tốt” …", 'da khac phuc luc 23:14 - "tot" ...'),
        ("ắằẳẵặ ĂÂĐÊÔƠƯ ăâđêôơư", "aaaaa AADEOOU aadeoou"),
        ("Xo\u0301m Tha\u0301p 35 °C", "Xom Thap 35  C"),
        ("日", "?"),
    ],
)
def test_vietnamese_is_written_without_accents(text: str, bare: str) -> None:
    """As people type it, composed or decomposed."""
    assert unaccented(text) == bare


@given(TEXT)
def test_unaccented_text_needs_no_ucs2(text: str) -> None:
    """Only the alphabet of ordinary short messages remains, and doing it again changes nothing."""
    bare = unaccented(text)
    assert bare.isascii()
    assert unaccented(bare) == bare
    assert parts(bare) <= -(-2 * max(1, len(bare)) // 152)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("ệ" * 70, 1),
        ("ệ" * 71, 2),
        ("ệ" * 134, 2),
        ("ệ" * 135, 3),
        ("[" * 80, 1),
        ("[" * 81, 2),
        ("a" * 152 + "[" + "a" * 152, 3),
        ("a" * 152 + "[" + "a" * 151, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_parts_are_counted_as_gateways_bill_them(text: str, count: int) -> None:
    """160 septets alone and 153 a part, 70 and 67 in UCS-2; an escape is not split over two parts."""
    assert parts(text) == count
