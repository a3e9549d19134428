from __future__ import annotations

import os
import stat

import pytest

from kouan.core.trust import files
from kouan.core.trust.errors import KeyStoreDamaged, UnsafeKeyFile


def test_a_file_is_written_whole_private_and_over_its_former_self(tmp_path):
    path = tmp_path / "key.pem"
    previous = os.umask(0o777)
    try:
        files.write_private(path, b"one")
    finally:
        os.umask(previous)
    files.write_private(path, b"two")
    assert files.read_private(path, max_bytes=3) == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_former_file_and_nothing_else(tmp_path):
    folder = tmp_path / "key.pem"
    folder.mkdir()
    (folder / "kept").write_bytes(b"")
    with pytest.raises(OSError, match="directory"):
        files.write_private(folder, b"two")
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o601])
def test_a_file_that_others_may_touch_is_refused_with_the_command_that_helps(tmp_path, mode):
    path = tmp_path / "a key.pem"
    files.write_private(path, b"one")
    path.chmod(mode)
    with pytest.raises(UnsafeKeyFile) as caught:
        files.read_private(path, max_bytes=3)
    assert str(path) in str(caught.value)
    assert f"chmod 600 '{path}'" in str(caught.value)


def test_a_folder_that_others_may_enter_is_refused(tmp_path):
    tmp_path.chmod(0o750)
    with pytest.raises(UnsafeKeyFile, match=f"chmod 700 {tmp_path}"):
        files.check_folder(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path):
    path = tmp_path / "key.pem"
    files.write_private(path, b"one")
    os.chown(path, 12345, -1)
    with pytest.raises(UnsafeKeyFile, match=f"chown 0 {path}"):
        files.read_private(path, max_bytes=3)


def test_what_is_no_file_is_refused(tmp_path):
    files.write_private(tmp_path / "real", b"1234")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("absent", "link", "pipe", "."):
        with pytest.raises(KeyStoreDamaged):
            files.read_private(tmp_path / name, max_bytes=10)
    with pytest.raises(KeyStoreDamaged, match="longer than 3 bytes"):
        files.read_private(tmp_path / "real", max_bytes=3)
    for name in ("absent", "real"):
        with pytest.raises(KeyStoreDamaged):
            files.check_folder(tmp_path / name)
