"""What the window remembers is written by a thread: nobody waits for the disk, and a kill takes next to nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PyQt6.QtCore import QByteArray, QSettings

from astep_gui import remembered as subject
from astep_gui.remembered import Remembered


@pytest.fixture
def file(tmp_path):
    return tmp_path / "settings.ini"


@pytest.fixture
def made(qapp, file):
    """What opens the settings, as often as it is asked; all are closed at the end."""
    opened = []

    def make():
        opened.append(Remembered(QSettings(str(file), QSettings.Format.IniFormat)))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def slow_disk(monkeypatch):
    """A disk that each writing waits for until it is told to be quick; the threads that wrote are listed."""
    free, wrote, sync = threading.Event(), [], QSettings.sync

    class Slow(QSettings):
        def sync(self):
            wrote.append(threading.current_thread())
            free.wait(10)
            sync(self)

    monkeypatch.setattr(subject, "QSettings", Slow)
    Slow.free, Slow.wrote = free, wrote
    yield Slow
    free.set()


def test_who_sets_something_does_not_wait_for_the_disk_and_knows_it_at_once(made, slow_disk):
    one = made()
    begun = time.monotonic()
    for k in range(50):
        one.set_word("theme", f"theme {k}")
    assert time.monotonic() - begun < 2
    assert one.word("theme", "") == "theme 49"
    assert one.is_waiting
    slow_disk.free.set()
    one.sync()
    assert not one.is_waiting
    assert threading.current_thread() not in slow_disk.wrote
    assert len(slow_disk.wrote) <= 2, "what is set together is written together"


def test_what_is_set_while_the_disk_is_waited_for_is_written_too(made, slow_disk):
    one = made()
    one.set_word("theme", "dark")
    while not slow_disk.wrote:
        time.sleep(0.01)
    one.set_word("theme", "light")
    one.set_word("levels", "{}")
    slow_disk.free.set()
    one.sync()
    again = made()
    assert (again.word("theme", ""), again.word("levels", "")) == ("light", "{}")
    assert one.word("theme", "") == "light"


def test_all_kinds_of_facts_come_back_as_they_were(made, tmp_path):
    one, night = made(), tmp_path / "a night, 1|2"
    night.mkdir()
    one.opened(night)
    one.set_output(night, tmp_path / "out")
    one.set_frame(night, "x/y.fits")
    one.set_state("layout", QByteArray(b"\x00\xff,;\n"))
    one.set_word("marks", '{"a": [1, 2]}')
    one.set_state("gone", QByteArray(b"1"))
    one.sync()
    one.forget("gone")
    assert one.state("gone").isEmpty()
    one.close()
    again = made()
    assert again.recent() == [night]
    assert again.output(night) == tmp_path / "out"
    assert again.frame(night) == "x/y.fits"
    assert again.state("layout") == QByteArray(b"\x00\xff,;\n")
    assert again.word("marks", "") == '{"a": [1, 2]}'
    assert again.state("gone").isEmpty()
    assert again.word("unknown", "as at first") == "as at first"


def test_what_stays_as_it_is_is_not_written(made, slow_disk):
    slow_disk.free.set()
    one = made()
    one.set_word("theme", "dark")
    one.sync()
    before = len(slow_disk.wrote)
    one.set_word("theme", "dark")
    assert not one.is_waiting
    one.sync()
    assert len(slow_disk.wrote) == before


def test_what_another_window_wrote_stays_and_is_known_after_the_next_writing(made, file):
    one = made()
    one.set_word("mine", "1")
    one.sync()
    words = (
        "from PyQt6.QtCore import QSettings as S; s = S({!r}, S.Format.IniFormat); s.setValue('theirs', '2'); s.sync()"
    )
    subprocess.run([sys.executable, "-c", words.format(str(file))], check=True)
    one.set_word("mine", "3")
    one.sync()
    assert (one.word("mine", ""), one.word("theirs", "")) == ("3", "2")
    text = file.read_text()
    assert "mine=3" in text
    assert "theirs=2" in text


def test_what_a_person_set_survives_a_kill_a_second_later(file):
    words = (
        "import sys, time\n"
        "from PyQt6.QtCore import QCoreApplication, QSettings\n"
        "from astep_gui.remembered import Remembered\n"
        "app = QCoreApplication([])\n"
        "one = Remembered(QSettings(sys.argv[1], QSettings.Format.IniFormat))\n"
        "one.set_word('theme', 'light')\n"
        "print('set', flush=True)\n"
        "time.sleep(60)\n"
    )
    program = subprocess.Popen([sys.executable, "-c", words, str(file)], stdout=subprocess.PIPE)
    assert program.stdout.readline() == b"set\n"
    time.sleep(1.0)
    program.kill()
    program.wait()
    program.stdout.close()
    assert "theme=light" in Path(file).read_text()


def test_its_thread_ends_when_it_is_closed_and_begins_again_when_something_is_set(made):
    before = set(threading.enumerate())
    one = made()
    assert set(threading.enumerate()) == before, "none until something is set"
    one.set_word("theme", "dark")
    assert set(threading.enumerate()) > before
    one.close()
    assert set(threading.enumerate()) == before
    one.set_word("theme", "light")
    one.close()
    assert made().word("theme", "") == "light"


def test_a_fact_that_nobody_can_read_is_as_if_it_were_not_there(made, file):
    python = r"@Variant(\0\0\0\x7f\0\0\0\xePyQt_PyObject\0)"
    file.write_text(f"[General]\na={python}\ntheme=@Variant(spoilt)\nb=kept\n")
    one = made()
    assert (one.word("a", "none"), one.word("theme", "dark"), one.word("b", "")) == ("none", "dark", "kept")
    one.set_word("theme", "light")
    one.sync()
    assert (made().word("theme", ""), made().word("b", "")) == ("light", "kept")
