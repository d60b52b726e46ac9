"""Reading YAML: text stays text, and every mistake names its line and the next step."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.config import document as reader
from ioc.config.document import MAX_BYTES, parse_document, read_document
from ioc.config.problem import ConfigError

BROKEN = {
    "tab": ("a:\n\tb: 1\n", 2, "a tab stands where YAML wants spaces; indent with spaces"),
    "second colon": ("a: 1\nb: c: d\n", 2, "quote a text that holds a colon"),
    "list open": ("x: 1\na: [1, 2\nb: 3\n", 2, "add the ] or the comma"),
    "mapping open": ("x: 1\na: {b: 1\nc: 2\n", 2, "add the } or the comma"),
    "quote open": ("x: 1\na: 'b\nc: 1\n", 2, "add the closing quote"),
    "indentation": ("a: |\n  x\n y\n", 3, "align the keys of one mapping"),
    "key without colon": ("a: 1\nb\nc: 1\n", 3, "a key lacks its colon"),
    "item behind key": ("key: - a\n", 1, "start the item on its own line"),
    "reserved sign": ("a: 1\nb: @x\n", 2, "put the text in quotes"),
    "escape": ('a: "\\q"\n', 1, "use single quotes"),
    "duplicate key": ("a: 1\nb: 2\na: 3\n", 3, "the key `a` stands twice in the same mapping, first in line 1"),
    "duplicate key below": ("s:\n  - {k: 1, k: 2}\n", 2, "the key `k` stands twice"),
    "second document": ("a: 1\n---\nb: 2\n", 2, "keep one document in a file"),
    "tag": ("a: 1\nb: !!python/object:os.system x\n", 2, "remove it"),
    "complex key": ("? [a]\n: b\n", 1, "a key must be plain text"),
    "merge key": ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "write the keys out"),
    "unknown alias": ("a: *nowhere\n", 1, 'quote the text if it is meant to start with *: "*nowhere"'),
    "endless alias": ("a: &x\n  - *x\n", 2, "stands inside its own anchor"),
    "deep": ("[" * 100_000, 1, "nested deeper than 64 levels"),
    "control character": ("a: 1\nb: \x07\n", 2, "U+0007"),
}


@pytest.fixture(params=["libyaml", "python"])
def _each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.setattr(reader, "_LOADER", reader.yaml.SafeLoader)


@pytest.mark.usefixtures("_each_parser")
@pytest.mark.parametrize(("text", "line", "said"), BROKEN.values(), ids=BROKEN)
def test_says_line_and_next_step_for_broken_text(text: str, line: int, said: str) -> None:
    """A text that is not YAML is one problem with file, line and what to do, whichever parser is installed."""
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "f.yaml")
    [problem] = caught.value.problems
    assert (problem.file, problem.line) == ("f.yaml", line)
    assert said in str(problem)
    assert problem.do


@pytest.mark.usefixtures("_each_parser")
def test_keeps_scalars_as_text() -> None:
    """`off`, `05347`, `22:00`, `1e3`, `null` and dates mean what they say; an empty value is None."""
    text = "a: off\nb: 05347\nc: 22:00\nd: 1e3\ne: null\nf: 2025-07-01\ng:\nh: ''\ni: [yes, 0x1F, {k: ~}]\n"
    assert parse_document(text, "f").plain == {
        "a": "off",
        "b": "05347",
        "c": "22:00",
        "d": "1e3",
        "e": "null",
        "f": "2025-07-01",
        "g": None,
        "h": "",
        "i": ["yes", "0x1F", {"k": "~"}],
    }


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_reads_empty_file_as_empty_mapping(text: str) -> None:
    """A file without content declares nothing."""
    assert parse_document(text, "f").plain == {}


def test_follows_aliases() -> None:
    """An anchor's value appears wherever its alias stands."""
    assert parse_document("a: &x [1, 2]\nb: *x\n", "f").plain == {"a": ["1", "2"], "b": ["1", "2"]}


def test_refuses_aliases_that_multiply() -> None:
    """Nested aliases end at the bound, with the line where it is passed."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match=r"f\.yaml:6: more than 200000 values"):
        parse_document("\n".join(lines), "f.yaml")


def test_knows_the_line_of_every_value() -> None:
    """A key's value stands at the key's line, a list's item at its own."""
    document = parse_document("a:\n  b:\n    - 1\n    - c: x\n", "f")
    assert [document.node(path).line for path in [("a",), ("a", "b"), ("a", "b", 1), ("a", "b", 1, "c"), ("a", "gone")]] == [1, 2, 4, 4, 1]


FILES = {
    "latin-1": ("a: 1\nb: Phú".encode("latin-1"), r":2: not UTF-8: byte 0xfa; save the file in the encoding UTF-8"),
    "utf-16": ("a: 1".encode("utf-16"), r":1: not UTF-8"),
    "too large": (b"#" * (MAX_BYTES + 1), "larger than 4 MiB; split it"),
}


@pytest.mark.parametrize(("raw", "said"), FILES.values(), ids=FILES)
def test_says_what_is_wrong_with_bytes(tmp_path: Path, raw: bytes, said: str) -> None:
    """Encodings and sizes that don't fit are named."""
    (tmp_path / "f.yaml").write_bytes(raw)
    with pytest.raises(ConfigError, match=said):
        read_document(tmp_path / "f.yaml")


def test_says_what_is_wrong_with_missing_file_and_folder(tmp_path: Path) -> None:
    """A path that is no file is a problem, not a traceback."""
    with pytest.raises(ConfigError, match=r"gone\.yaml: does not exist; check the path"):
        read_document(tmp_path / "gone.yaml")
    with pytest.raises(ConfigError, match="is a folder; name a file"):
        read_document(tmp_path)


def test_takes_byte_order_mark(tmp_path: Path) -> None:
    """Files saved by Windows editors are read."""
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_document(tmp_path / "f.yaml").plain == {"a": "1", "b": "2"}


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="ab:-[]{}&*!|>'\"%@`#,? \n\t", max_size=60)))
def test_never_fails_otherwise(raw: bytes | str) -> None:
    """Whatever the bytes, the outcome is a document or a ConfigError."""
    with contextlib.suppress(ConfigError):
        assert parse_document(raw, "f").root.size >= 1
