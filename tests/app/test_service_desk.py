"""Out of service in a whole server: journal, counts, sentences, and a restart."""

from pathlib import Path

import pytest

from ioc.api.ports import ConflictError
from ioc.app.clock import now_ms
from ioc.app.front import Front
from ioc.app.server import Server, open_server
from ioc.config.load import Config, load_config
from ioc.domain.alarm import Step
from ioc.domain.held import Hold
from ioc.domain.registry import Device
from ruling.stage import sample

RULES = """rules:
  - id: hot
    family: speaker
    when: {kind: threshold, metric: amp_temp_c, above: 80}
    severity: major
    summary: {vi: quá nóng, en: too hot}
    action: {vi: kiểm tra, en: check it}
"""


@pytest.fixture
def config(tmp_path: Path, free_port: int) -> Config:
    """A site with one rule."""
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "data").mkdir()
    file = tmp_path / "ioc.yaml"
    file.write_text(
        "site: {id: s, name: S, language: vi, timezone: Asia/Ho_Chi_Minh}\n"
        f'broker: {{url: "mqtt://127.0.0.1:{free_port}", client_id: ioc-1}}\n'
        "store: {kind: embedded}\ndata_dir: ./data\napi: {port: 0}\nshipped_rules: false\nrules: [./rules.yaml]\n"
    )
    return load_config(file, {})


async def heat(server: Server) -> str:
    """A device is too hot; the alarm's id."""
    device = Device(device="d1", family="speaker", unit="u1")
    await server.files.state.import_devices([device])
    await server.desk.register([device])
    await server.desk.decide("ioc-1", [sample(now_ms(), "d1", amp_temp_c=90.0)])
    [alarm] = server.engine.alarms_of("d1")
    return alarm.id


async def sentences(server: Server, alarm: str) -> str:
    """What `ioc why` says."""
    return "\n".join(one.text for one in await Front(server)._why().alarm(alarm) or ())


async def test_is_out_of_service_over_a_restart_until_it_is_given_back(config: Config) -> None:
    """The device is counted as nothing else, the alarm is held, and the sentences say who and why; assignments and remarks too."""
    async with open_server(config) as server:
        alarm = await heat(server)
        acts = Front(server)._acts()
        await acts.assign(alarm, by="Lan", to="Minh")
        await acts.comment(alarm, by="Minh", comment="đang tới")
        order = await Front(server)._service.take_out(device="d1", unit=None, until=None, reason="thay loa", by="Lan")
        assert (await acts.comment(alarm, by="Minh", comment="xong")).out_of_service == order.id
    async with open_server(config) as server:
        assert [(one.hold, one.by) for one in server.notifier.held()] == [(Hold.OUT_OF_SERVICE, order.id)]
        counts = (await server.province.totals())["speaker"]
        assert (counts.devices, counts.out_of_service, counts.major) == (0, 1, 0)
        view = await server.province.device("d1")
        assert view is not None
        assert (view.out_of_service, view.working) == (order.id, None)
        service = Front(server)._service
        await service.give_back(order.id, by="Minh", reason="đã xong")
        assert [one.hold for one in server.notifier.held()] == [Hold.UNMATCHED]
        with pytest.raises(ConflictError):
            await service.give_back(order.id, by="Minh", reason="")
        told = await sentences(server, alarm)
        for words in ("Lan giao việc: Minh", "Minh ghi chú: đang tới", "Lan đưa thiết bị", "thay loa", "Minh đưa thiết bị", "đã xong"):
            assert words in told
        journal = [(entry.step, entry.by) for entry in await server.files.state.journal(alarm)]
    assert journal[1:] == [
        (Step.ASSIGNED, "person:Lan"),
        (Step.COMMENTED, "person:Minh"),
        (Step.OUT_OF_SERVICE, "person:Lan"),
        (Step.COMMENTED, "person:Minh"),
        (Step.IN_SERVICE, "person:Minh"),
    ]
