"""Files that appear whole or not at all."""

import errno
import os
import subprocess
import sys

import pytest

from pipeline_core.errors import AstepError, NightError
from pipeline_core.io.atomic import atomic_file, explained, remove_stale_parts, write_text


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    final = tmp_path / "new folder" / "a.fits"
    with atomic_file(final) as part:
        part.write_bytes(b"whole")
        assert not final.exists()
        assert part.parent == final.parent
        assert part.name.endswith(".part")
    assert final.read_bytes() == b"whole"
    assert names_in(final.parent) == ["a.fits"]


def test_a_failure_in_the_middle_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    final = tmp_path / "a.fits"
    final.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_file(final) as part:
        part.write_text(f"half {1 / 0}")
    assert final.read_text() == "old"
    assert names_in(tmp_path) == ["a.fits"]


def test_a_block_that_wrote_nothing_is_an_error(tmp_path):
    with pytest.raises(AstepError, match="cannot find"), atomic_file(tmp_path / "a.fits"):
        pass
    assert names_in(tmp_path) == []


def test_a_full_disk_is_said_with_a_hint_and_nothing_remains(tmp_path):
    final = tmp_path / "a.fits"
    with pytest.raises(AstepError, match="disk is full") as told, atomic_file(final):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "free some space" in told.value.hint
    assert names_in(tmp_path) == []


def test_a_really_refused_write_is_said_as_a_full_disk(tmp_path):
    # A file-size limit is the full disk that any user can make; in a process of its own, for it stays.
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from pipeline_core.io.atomic import atomic_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with atomic_file(Path(sys.argv[1])) as part: part.write_bytes(bytes(5000))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.fits"], capture_output=True, text=True, check=False
    )
    assert "disk is full" in ended.stderr
    assert names_in(tmp_path) == []


def test_a_read_only_place_is_said_as_such():
    error = explained(OSError(errno.EROFS, "Read-only file system"), "out/a.fits")
    assert isinstance(error, NightError)
    assert "another output" in error.hint


def test_text_has_the_same_bytes_on_every_system(tmp_path):
    write_text(tmp_path / "list.txt", "a\nb\n")
    assert (tmp_path / "list.txt").read_bytes() == b"a\nb\n"


def test_stale_parts_are_removed_from_the_output_and_its_product_folders_only(tmp_path):
    for name in (
        "top.part",
        "masters/m.fits.1a2b.part",
        "calibrated/deep/c.part",
        "elsewhere/download.part",
        "masters/m.fits",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    removed = remove_stale_parts(tmp_path, ["masters", "calibrated", "missing"])
    assert {path.name for path in removed} == {"top.part", "m.fits.1a2b.part", "c.part"}
    assert (tmp_path / "elsewhere/download.part").exists()
    assert (tmp_path / "masters/m.fits").exists()
