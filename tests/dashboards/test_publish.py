"""Plan and apply against a Grafana that answers as a real one was seen to."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dashboards.difference import MAX_LINES, differences
from dashboards.grafana import Grafana, GrafanaError, GrafanaUnreachableError
from dashboards.publish import Plan, Verdict, Wanted, apply, plan, wanted
from grafana.samples import site
from grafana.server import FakeGrafana

WISH = wanted(site(), folder="IOC", store_url="http://influxdb:8086", bucket="ioc", token="t0ken")  # noqa: S106  no real one
BOARD = "ioc-province-phu-tho"


@pytest.fixture
def server() -> Iterator[FakeGrafana]:
    running = FakeGrafana()
    yield running
    running.stop()


@pytest.fixture
def grafana(server: FakeGrafana) -> Grafana:
    return Grafana(server.url, "admin")


def verdicts(of: Plan) -> list[str]:
    """What happens to data source, folder and board."""
    return [change.verdict.value for change in of.changes]


def test_plan_of_an_empty_grafana_creates_all_and_changes_nothing(server: FakeGrafana, grafana: Grafana) -> None:
    """Data source, folder, board; not a single write."""
    planned = plan(grafana, WISH)
    assert verdicts(planned) == ["create"] * 3
    assert not planned.empty
    assert server.writes == []
    assert str(planned).splitlines()[0] == "create    data source “IOC Phú Thọ” (ioc-phu-tho)"


def test_apply_puts_all_up_and_is_idempotent(server: FakeGrafana, grafana: Grafana) -> None:
    """The second time nothing is left to do, and nothing is written."""
    assert verdicts(apply(grafana, WISH)) == ["create"] * 3
    assert server.boards[BOARD]["folder"] == "ioc-phu-tho"
    assert server.folders["ioc-phu-tho"]["title"] == "IOC"
    source = server.datasources["ioc-phu-tho"]
    assert (source["type"], source["jsonData"]["dbName"], source["secureJsonData"]) == (
        "influxdb",
        "ioc",
        {"httpHeaderValue1": "Token t0ken"},
    )
    before = len(server.writes)
    again = apply(grafana, WISH)
    assert again.empty
    assert len(server.writes) == before
    assert not any(change.details for change in again.changes)


def test_plan_shows_what_changes_on_a_board_by_the_panels_names(grafana: Grafana) -> None:
    """A readable line for each difference."""
    apply(grafana, WISH)
    board = WISH.boards[BOARD]
    panels = [*board["panels"][:1], {**board["panels"][1], "title": "Số thiết bị"}, *board["panels"][2:]]
    changed = replace(WISH, boards={BOARD: {**board, "refresh": "5m", "panels": panels}})
    details = plan(grafana, changed).changes[-1].details
    assert 'refresh: "1m" → "5m"' in details
    assert "panels[“Số thiết bị”]: added “Số thiết bị”" in details
    assert verdicts(apply(grafana, changed))[-1] == "update"
    assert plan(grafana, changed).empty


def test_a_persons_change_is_shown_and_put_right(server: FakeGrafana, grafana: Grafana) -> None:
    """The board in the repository is the truth."""
    apply(grafana, WISH)
    server.boards[BOARD]["dashboard"]["title"] = "Bảng của tôi"
    planned = plan(grafana, WISH)
    assert planned.changes[-1].details == ('title: "Bảng của tôi" → "Toàn cảnh Phú Thọ"',)
    apply(grafana, WISH)
    assert server.boards[BOARD]["dashboard"]["title"] == "Toàn cảnh Phú Thọ"


def test_new_token_of_the_store_updates_the_data_source(server: FakeGrafana, grafana: Grafana) -> None:
    """Grafana hides secrets; the fingerprint beside it tells, and the secret itself is never printed."""
    apply(grafana, WISH)
    changed = replace(WISH, datasource=replace(WISH.datasource, token="n3w"))  # noqa: S106  no real one
    planned = plan(grafana, changed)
    assert verdicts(planned) == ["update", "unchanged", "unchanged"]
    assert "n3w" not in str(planned) + repr(changed.datasource)
    apply(grafana, changed)
    assert server.datasources["ioc-phu-tho"]["secureJsonData"] == {"httpHeaderValue1": "Token n3w"}
    assert plan(grafana, changed).empty


def test_folder_of_that_title_is_taken_as_it_is(server: FakeGrafana, grafana: Grafana) -> None:
    """A person may have made it; a second one of the same name would only confuse."""
    server.folders["abc"] = {"uid": "abc", "title": "IOC"}
    done = apply(grafana, WISH)
    assert verdicts(done) == ["create", "unchanged", "create"]
    assert server.boards[BOARD]["folder"] == "abc"
    assert plan(grafana, WISH).empty


def test_folder_gets_its_new_title(server: FakeGrafana, grafana: Grafana) -> None:
    """The uid keeps it the same folder."""
    apply(grafana, WISH)
    assert verdicts(apply(grafana, replace(WISH, folder_title="Trực ban"))) == ["unchanged", "update", "unchanged"]
    assert server.folders["ioc-phu-tho"]["title"] == "Trực ban"


def test_boards_of_others_are_left_alone(server: FakeGrafana, grafana: Grafana) -> None:
    """Neither another board in our folder nor a board of our uid elsewhere is touched."""
    server.folders["theirs"] = {"uid": "theirs", "title": "Của người khác"}
    server.boards[BOARD] = {"folder": "theirs", "dashboard": {"uid": BOARD, "title": "x", "version": 7}}
    done = apply(grafana, WISH)
    assert verdicts(done) == ["create", "create", "refused"]
    assert "“Của người khác”; move or delete that one" in done.refused[0].details[0]
    assert server.boards[BOARD]["dashboard"]["version"] == 7


@pytest.mark.parametrize("tells_permissions", [True, False])
def test_editors_token_changes_nothing_and_names_the_permission(server: FakeGrafana, *, tells_permissions: bool) -> None:
    """It may not touch data sources; so folder and board wait too."""
    server.tells_permissions = tells_permissions
    done = apply(Grafana(server.url, "editor"), WISH)
    assert verdicts(done)[0] == "refused"
    assert "permission datasources:read, which the role Admin has" in done.refused[0].details[0]
    assert server.writes == []


def test_token_without_folder_rights_changes_nothing(server: FakeGrafana) -> None:
    """What can't be finished is not begun."""
    server.tokens["half"] = frozenset({"datasources:create", "datasources:read", "folders:read", "dashboards:read"})
    done = apply(Grafana(server.url, "half"), WISH)
    assert verdicts(done) == ["create", "refused", "refused"]
    assert "folders:create" in done.refused[0].details[0]
    assert server.writes == []


def test_wrong_token_is_named_as_such(server: FakeGrafana) -> None:
    """One sentence, no changes."""
    with pytest.raises(GrafanaError, match="does not accept the token") as caught:
        apply(Grafana(server.url, "nobody"), WISH)
    assert caught.value.status == 401
    assert server.writes == []


def test_board_saved_by_somebody_meanwhile_is_not_overwritten(server: FakeGrafana, grafana: Grafana) -> None:
    """412: the newer version stays, the sentence says what to do."""
    apply(grafana, WISH)
    changed = replace(WISH, boards={BOARD: {**WISH.boards[BOARD], "refresh": "5m"}})

    def interfere(method: str, path: str) -> None:
        if method == "POST" and path == "/api/dashboards/db":
            server.boards[BOARD]["dashboard"]["version"] += 1

    server.before = interfere
    done = apply(grafana, changed)
    assert done.changes[-1].verdict is Verdict.REFUSED
    assert "somebody has saved it since it was read; plan and apply again" in done.changes[-1].details[0]
    assert server.boards[BOARD]["dashboard"]["refresh"] == "1m"


def test_provisioned_board_is_named_and_the_others_go_on(server: FakeGrafana, grafana: Grafana) -> None:
    """Grafana refuses to save it; a second board is put up all the same."""
    second = {**WISH.boards[BOARD], "uid": "ioc-second", "title": "Thứ hai"}
    wish = replace(WISH, boards={**WISH.boards, "ioc-second": second})
    apply(grafana, WISH)
    server.provisioned[BOARD] = "boards/province.json"
    done = apply(grafana, wish)
    assert verdicts(done)[2:] == ["refused", "create"]
    assert "is provisioned from boards/province.json" in done.refused[0].details[0]
    assert "ioc-second" in server.boards


def test_provisioned_data_source_stays_as_it_is(server: FakeGrafana, grafana: Grafana) -> None:
    """A file manages it; the boards use it."""
    server.datasources["ioc-phu-tho"] = {"uid": "ioc-phu-tho", "name": "x", "type": "influxdb", "readOnly": True}
    done = apply(grafana, WISH)
    assert verdicts(done) == ["unchanged", "create", "create"]
    assert "managed by a file" in done.changes[0].details[0]


def test_broken_board_is_never_sent(server: FakeGrafana, grafana: Grafana) -> None:
    """Grafana would take it; our check doesn't."""
    board: dict[str, Any] = {**WISH.boards[BOARD], "panels": [{"id": 1, "type": "speedometer", "title": "x", "gridPos": {}}]}
    done = apply(grafana, replace(WISH, boards={BOARD: board}))
    assert done.changes[-1].verdict is Verdict.REFUSED
    assert any("no panel type 'speedometer'" in detail for detail in done.changes[-1].details)
    assert server.boards == {}


def test_grafana_below_a_path_is_found() -> None:
    """`root_url` with a sub-path is usual behind a proxy."""
    server = FakeGrafana(prefix="/grafana")
    for url in (server.url, server.url + "/"):
        assert verdicts(plan(Grafana(url, "admin"), WISH)) == ["create"] * 3
    server.stop()


def test_grafana_that_is_away_is_a_sentence(free_port: int) -> None:
    """With the URL, without a traceback's words."""
    with pytest.raises(GrafanaUnreachableError, match=rf"http://127\.0\.0\.1:{free_port} can't be reached"):
        plan(Grafana(f"http://127.0.0.1:{free_port}", "admin"), WISH)


def test_wish_names_all_of_a_site(server: FakeGrafana) -> None:
    """Uids follow from the site's id."""
    assert isinstance(WISH, Wanted)
    assert list(WISH.boards) == [BOARD]
    assert WISH.datasource.uid == WISH.folder_uid == "ioc-phu-tho"
    assert server.boards == {}


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ({"a": 1}, {"a": 1}, ()),
        ({"a": 1}, {"a": True}, ("a: 1 → true",)),
        ({"a": [1, 2]}, {"a": [1]}, ("a[#1]: removed 2",)),
        ({}, {"a": {"b": 1}}, ("a: added an object",)),
        (
            {"p": [{"title": "x", "w": 1}, {"title": "y"}]},
            {"p": [{"title": "y"}, {"title": "x", "w": 2}]},
            ("p[“x”].w: 1 → 2", "p: the order changes"),
        ),
        ({"p": [{"name": "x"}, {"name": "x"}]}, {"p": [{"name": "x"}, {"name": "x", "z": 1}]}, ("p[x#1].z: added 1",)),
    ],
)
def test_differences_are_named_by_path(old: object, new: object, lines: tuple[str, ...]) -> None:
    """Lists of things with titles or names are compared by those."""
    assert differences(old, new) == lines


def test_many_differences_are_cut() -> None:
    """A plan stays readable."""
    assert differences({}, {str(n): n for n in range(100)})[MAX_LINES:] == ("… and more",)
