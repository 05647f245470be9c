"""A build directory appears whole or not at all."""

import errno

import pytest

from bitwright.errors import CompileError
from bitwright.store import build_directory, write_json


def good(folder, text="new"):
    (folder / "rtl").mkdir()
    (folder / "rtl" / "a.v").write_text(text)
    write_json(folder / "manifest.json", {"bitwright": "0"})


def test_it_replaces_a_build_of_ours(tmp_path):
    for text in ("old", "new"):
        with build_directory(tmp_path / "d") as folder:
            good(folder, text)
    assert (tmp_path / "d" / "rtl" / "a.v").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


@pytest.mark.parametrize(
    "error", [CompileError("E000", "no"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")]
)
def test_an_error_leaves_the_old_build_whole(tmp_path, error):
    with build_directory(tmp_path / "d") as folder:
        good(folder, "old")
    with pytest.raises((CompileError, KeyboardInterrupt)) as raised, build_directory(tmp_path / "d") as folder:
        good(folder)
        raise error
    assert (tmp_path / "d" / "rtl" / "a.v").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["d"]
    if isinstance(error, OSError):
        assert (
            str(raised.value) == f"E502: cannot write the build directory '{tmp_path / 'd'}': No space left on device"
        )


@pytest.mark.parametrize(
    "make", [lambda p: p.write_text("x"), lambda p: p.symlink_to("/nowhere"), lambda p: (p.mkdir(), (p / "x").touch())]
)
def test_what_is_not_ours_is_refused(tmp_path, make):
    make(tmp_path / "d")
    with pytest.raises(CompileError, match="E501"), build_directory(tmp_path / "d"):
        pass


def test_an_empty_folder_will_do(tmp_path):
    (tmp_path / "d").mkdir()
    with build_directory(tmp_path / "d") as folder:
        good(folder)
    assert (tmp_path / "d" / "manifest.json").is_file()
