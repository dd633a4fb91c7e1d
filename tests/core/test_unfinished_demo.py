"""Two programs that make one demo night at once keep apart, and one of them has it."""

import subprocess
import sys

import pytest

from pipeline_core.cli import main
from pipeline_core.demo.unfinished import under_its_name_when_whole
from pipeline_core.errors import NightError


def test_two_programs_write_into_folders_of_their_own_and_the_later_one_is_told(tmp_path):
    night = tmp_path / "night"

    def both():
        with under_its_name_when_whole(night) as second:
            with under_its_name_when_whole(night) as first:
                assert first != second
                for mine, words in ((first, "first"), (second, "second")):
                    mine.mkdir()
                    (mine / "frame.fits").write_text(words)
            assert (second / "frame.fits").is_file(), "the other one's end removes nothing of it"

    with pytest.raises(NightError, match="another program put something there"):
        both()
    assert (night / "frame.fits").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["night"], "nothing hidden stays"


def test_an_empty_folder_becomes_the_night(tmp_path):
    night = tmp_path / "night"
    night.mkdir()
    with under_its_name_when_whole(night) as mine:
        mine.mkdir()
        (mine / "frame.fits").touch()
    assert (night / "frame.fits").is_file()


def test_the_folder_that_one_is_in_is_refused_before_anything_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", ".", "--size", "256", "--frames", "2"]) == 2
    assert "name a new folder in it" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_night_that_was_stopped_leaves_nothing(tmp_path):
    def stopped():
        with under_its_name_when_whole(tmp_path / "night") as mine:
            mine.mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_program_left_is_removed_by_the_next_and_that_of_a_living_one_stays(tmp_path):
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from pipeline_core.demo.unfinished import under_its_name_when_whole\n"
        "with under_its_name_when_whole(Path(sys.argv[1])) as mine:\n"
        "    mine.mkdir(); (mine / 'frame.fits').touch(); os.kill(os.getpid(), getattr(signal, 'SIGKILL', 9))\n"
    )
    night, other = tmp_path / "night", tmp_path / "other"
    for place in (night, other):
        subprocess.run([sys.executable, "-c", program, str(place)], check=False)
    killed, of_other = sorted(tmp_path.iterdir())
    assert killed.name.startswith(".night.")
    elsewhere = tmp_path / ".night.1-00000000@another-machine.unfinished"
    elsewhere.mkdir()
    with under_its_name_when_whole(night) as mine:
        mine.mkdir()
        assert not killed.exists()
        with under_its_name_when_whole(night) as second:
            assert mine.is_dir(), "its maker lives"
            second.mkdir()
        night.rmdir()
    assert of_other.is_dir(), "another night's is left to the next who makes that one"
    assert elsewhere.is_dir(), "nobody knows here whether its maker lives"
