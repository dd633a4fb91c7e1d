"""Where a night lies and where its products go: full disks, closed folders, equal names, files that are no frames."""

import gzip
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_core.demo.night import make_demo_night
from tests.core.fate_helpers import astep, environment, finish, log, parts, pixels, product, raw_hashes, science

N_SCIENCE = 4


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fate") / "night"
    make_demo_night(folder, size=256, n_science=N_SCIENCE, n_bias=3, n_dark=3, n_flat=3, events=())
    return folder


@pytest.fixture
def mine(night, tmp_path):
    """A copy of the night that a test may add to."""
    shutil.copytree(night, tmp_path / "mine", copy_function=shutil.copy2)
    return tmp_path / "mine"


def reduce(night, out, *words):
    return astep("reduce", night, "-o", out, "--executor", "threads", *words)


# -- room ------------------------------------------------------------------------------------------------

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv[1:] = sys.argv[2:]
from pipeline_core.cli import program
if __name__ == "__main__":
    program()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file")
def test_a_disk_that_takes_no_calibrated_frame_is_explained_and_nothing_is_lost(night, tmp_path):
    """No frame fits (a file-size limit stands for the full disk); with room again the run continues."""
    out, script = tmp_path / "out", tmp_path / "limited.py"
    script.write_text(LIMITED)
    before = raw_hashes(night)
    words = ["reduce", night, "-o", out, "--executor", "threads", "--json"]
    limited = subprocess.Popen(
        [sys.executable, str(script), "500000", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    answer = finish(limited)
    assert answer.code == 1, answer
    assert answer.document["counts"]["failed"] == N_SCIENCE
    assert all("the disk is full" in failed["reason"] for failed in answer.document["failed"])
    assert parts(out) == []
    assert raw_hashes(night) == before
    assert reduce(night, out).document["counts"] == {"done": N_SCIENCE, "cached": 0, "failed": 0, "left_out": 0}


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_products_that_cannot_fit_are_refused_before_any_is_made(night, small_disk):
    answer = reduce(night, small_disk / "out")
    assert answer.code == 2
    assert "do not fit" in answer.error["what"]
    assert "free" in answer.error["why"]
    assert not list((small_disk / "out").rglob("*.fits"))


def test_a_disk_that_is_full_to_the_last_byte_is_explained(night, small_disk):
    with (small_disk / "ballast").open("wb") as ballast:
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        ballast.write(b"\0" * (free - 8192))
    answer = reduce(night, small_disk / "out")
    assert answer.code == 2
    assert "the disk is full" in answer.error["why"]
    assert answer.error["hint"]


# -- places ----------------------------------------------------------------------------------------------


def test_an_output_that_cannot_be_made_is_explained(night, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    answer = reduce(night, tmp_path / "file" / "out")
    assert answer.code == 2
    assert "cannot" in answer.error["what"]
    assert "-o" in answer.error["hint"]


@pytest.fixture
def closed(tmp_path):
    """A folder that takes nothing new: a read-only one, or for root, who may write there, the system's own."""
    if os.geteuid() == 0:
        return Path("/proc")
    (tmp_path / "closed").mkdir(mode=0o500)
    return tmp_path / "closed"


@pytest.mark.skipif(os.name != "posix", reason="Windows closes folders in another way")
def test_an_output_in_a_closed_folder_is_explained_by_every_command_that_writes(night, closed):
    for command in (("reduce", night), ("reject", night, "*_SCIENCE_R*")):
        answer = astep(*command, "-o", closed / "astep_out")
        assert answer.code == 2
        assert "astep_out" in answer.error["what"]
        assert answer.error["hint"]


def test_an_output_inside_the_raw_folder_is_never_taken_for_raw_frames(mine):
    before = raw_hashes(mine)
    out = mine / "results"
    assert reduce(mine, out).document["counts"]["done"] == N_SCIENCE
    assert {name: digest for name, digest in raw_hashes(mine).items() if name in before} == before
    assert len(astep("scan", mine).document["frames"]) == sum(name.endswith(".fits") for name in before)
    assert reduce(mine, out).document["counts"]["cached"] == N_SCIENCE


def test_an_output_that_is_or_holds_the_night_is_refused_and_nothing_is_written(mine):
    before = raw_hashes(mine.parent)
    for out in (mine, mine.parent):
        answer = reduce(mine, out)
        assert answer.code == 2
        assert "raw data is never written to" in answer.error["why"]
    assert raw_hashes(mine.parent) == before


# -- names -----------------------------------------------------------------------------------------------


def test_frames_of_one_name_in_two_folders_and_a_compressed_twin_all_get_their_own_product(mine, tmp_path):
    first, second = science(mine)[:2]
    (mine / "again").mkdir()
    shutil.copy2(second, mine / "again" / first.name)
    with gzip.open(first.with_name(first.name + ".gz"), "wb") as twin:
        twin.write(second.read_bytes())
    answer = reduce(mine, tmp_path / "out")
    assert answer.code == 0
    assert answer.document["counts"]["done"] == N_SCIENCE + 2
    made = [name for name in pixels(tmp_path / "out") if name.startswith("calibrated/")]
    assert len(made) == N_SCIENCE + 2


# -- files that are no frames ----------------------------------------------------------------------------


def spoiled(raw, folder, rng):
    """Write copies of a frame with flipped bits and cut ends."""
    folder.mkdir()
    whole = raw.read_bytes()
    for number in range(6):
        damaged = bytearray(whole)
        for _ in range(20):
            damaged[rng.randrange(5760)] ^= 1 << rng.randrange(8)  # in the header, where it hurts
        (folder / f"flipped_{number}_SCIENCE_R.fits").write_bytes(damaged)
    for number in range(6):
        (folder / f"cut_{number}_SCIENCE_R.fits").write_bytes(whole[: rng.randrange(len(whole))])
    (folder / "empty_SCIENCE_R.fits").write_bytes(b"")
    (folder / "words_DARK.fits").write_text("these are words")
    (folder / "folder_SCIENCE_R.fits").mkdir()


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_copies_of_frames_never_stop_a_night(mine, tmp_path, seed):
    spoiled(science(mine)[0], mine / "damaged", random.Random(seed))
    before = raw_hashes(mine)
    frames = {frame["path"]: frame for frame in astep("scan", mine).document["frames"]}
    assert sum(path.startswith("damaged/cut_") for path in frames) == 6
    assert all(frames[path]["problems"] for path in frames if path.startswith(("damaged/cut_", "damaged/empty")))
    assert astep("plan", mine, "-o", tmp_path / "out").code == 0
    answer = reduce(mine, tmp_path / "out")
    assert answer.code in {0, 1}
    assert sum(answer.document["counts"].values()) >= N_SCIENCE
    assert answer.document["counts"]["done"] >= N_SCIENCE
    assert all(product(tmp_path / "out", raw, mine).is_file() for raw in science(mine) if "damaged" not in str(raw))
    assert all(failed["reason"] for failed in answer.document["failed"])
    assert all(item["reason"] for item in answer.document["left_out"])
    assert raw_hashes(mine) == before
    assert astep("quality", tmp_path / "out").code == 0


# -- several nights --------------------------------------------------------------------------------------


def test_a_broken_night_does_not_stop_the_next_of_a_batch(night, tmp_path):
    broken, empty = tmp_path / "broken", tmp_path / "empty"
    broken.mkdir()
    empty.mkdir()
    (broken / "a.fits").write_text("not a FITS file")
    answer = astep("batch", broken, night, empty, "--into", tmp_path / "out", "--executor", "threads")
    assert answer.code == 1
    first, second, third = answer.document["nights"]
    assert first["error"]["hint"]
    assert second["counts"]["done"] == N_SCIENCE
    assert third["error"]["hint"]
    lines = log(tmp_path / "out" / "night_reduced")
    assert lines[-1]["kind"] == "finished"


def test_a_plan_of_nothing_is_one_error_document(tmp_path):
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "a.fits").write_text("not a FITS file")
    answer = astep("plan", tmp_path / "night")
    assert answer.code == 2
    assert answer.error["hint"]
