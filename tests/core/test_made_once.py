"""What tests share is made once, by one of them, and whole."""

import threading

import pytest

from tests.made_once import made_once


def test_it_is_made_once_and_found_by_its_name(tmp_path):
    made = []

    def make(folder):
        made.append(folder)
        (folder / "a").write_text("whole")

    first = made_once(tmp_path, "one", make)
    assert made_once(tmp_path, "one", make) == first
    assert (first / "a").read_text() == "whole"
    assert made_once(tmp_path, "other", make) != first
    assert made == [tmp_path / "one", tmp_path / "other"]


def test_who_comes_while_it_is_made_waits_until_it_is_whole(tmp_path):
    begun, go_on, found = threading.Event(), threading.Event(), []

    def make(folder):
        begun.set()
        assert go_on.wait(10)
        (folder / "a").touch()

    def ask():
        found.append([path.name for path in made_once(tmp_path, "one", make).iterdir()])

    both = [threading.Thread(target=ask) for _ in range(2)]
    both[0].start()
    assert begun.wait(10)
    both[1].start()
    both[1].join(0.3)
    assert both[1].is_alive()
    go_on.set()
    for one in both:
        one.join(10)
    assert found == [["a"], ["a"]]


def test_what_could_not_be_made_is_made_anew_by_the_next(tmp_path):
    def fail(folder):
        (folder / "half").touch()
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        made_once(tmp_path, "one", fail)
    folder = made_once(tmp_path, "one", lambda made: (made / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]
