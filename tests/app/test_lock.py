"""One server per data folder."""

import os
import stat
from pathlib import Path

import pytest

from ioc.app.lock import DataDirError, data_dir_lock


def test_second_server_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    """With the process to look for; once that one has ended the folder is free again."""
    folder = tmp_path / "data"
    with data_dir_lock(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with pytest.raises(DataDirError, match=rf"process {os.getpid()}\) is running on .*data"), data_dir_lock(folder):
            pytest.fail("both hold the lock")
    with data_dir_lock(folder):
        pass


def test_lock_of_a_server_that_died_is_free(tmp_path: Path) -> None:
    """What it left behind, whatever it says, holds nobody back."""
    (tmp_path / "lock").write_text("99999999\nmore than there should be\n")
    with data_dir_lock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """In one sentence that says what to do."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DataDirError, match=r"cannot write to the data folder .*choose another one"),
        data_dir_lock(tmp_path / "file" / "data"),
    ):
        pytest.fail("there can be no folder below a file")
