"""Two programs that make one demo night at once keep apart, and one of them has it."""

import pytest

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


def test_a_night_that_was_stopped_leaves_nothing(tmp_path):
    def stopped():
        with under_its_name_when_whole(tmp_path / "night") as mine:
            mine.mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert not list(tmp_path.iterdir())
