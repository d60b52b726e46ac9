"""Nobody makes a channel connect inside, and no text becomes anything but text."""

from pathlib import Path

from harm import forbidden_hosts, hostile_texts


async def test_no_channel_connects_to_a_forbidden_host(tmp_path: Path) -> None:
    """Names that lead inside, disguised addresses, rebinding and redirects: nothing but public addresses was ever connected to."""
    tried = await forbidden_hosts.everything(tmp_path)
    assert len(tried) >= 2 * 30
    assert forbidden_hosts.forbidden(tried) == []
    assert {address for one in tried for address in one.connected} == {forbidden_hosts.PUBLIC}


async def test_no_text_escapes(tmp_path: Path) -> None:
    """Templates, headers, JSON, forms, mails and the page behind a link show hostile texts as what they are."""
    assert await hostile_texts.escaped_from(tmp_path) == []
