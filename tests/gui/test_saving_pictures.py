"""Ctrl+S as a person uses it: the whole frame in its own pixels, a name that tells what it shows, and where it lies."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QFileDialog

from astep_gui.picture_deeds import AS_SEEN, WHOLE, WITH_OVERLAYS
from tests.gui.test_workflow import LIGHTS

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def shown(qtbot, opened_reduced):
    opened_reduced.night.select([LIGHTS[1]])
    qtbot.waitUntil(lambda: opened_reduced.viewing.view.shown is not None, timeout=8000)
    return opened_reduced


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What the dialog was told; it answers with a file of the kind that is set here."""

    class Asked:
        kind = WHOLE
        file = tmp_path / "saved picture.png"
        suggested = kinds = ""

        def answer(self, _window, _title, suggested, kinds):
            self.suggested, self.kinds = suggested, kinds
            return str(self.file), self.kind

    told = Asked()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", told.answer)
    return told


def save(qtbot, window, asked):
    qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    picture = QImage(str(asked.file))
    assert not picture.isNull()
    return picture.convertToFormat(QImage.Format.Format_RGB32)


def grey(picture):
    bits = picture.constBits()
    bits.setsize(picture.sizeInBytes())
    return np.frombuffer(bytes(bits), np.uint8).reshape(picture.height(), picture.bytesPerLine() // 4, 4)[..., :3]


def test_the_whole_frame_is_saved_a_pixel_for_a_pixel_though_a_part_of_it_is_seen(qtbot, shown, asked):
    shown.viewing.view.zoom_to(9.0)
    picture = save(qtbot, shown, asked)
    ny, nx = shown.viewing.view.shown.shape
    assert (picture.width(), picture.height()) == (nx, ny)
    table = shown.viewing.levels.table(shown.viewing.view.shown.zero, shown.viewing.view.shown.scale, None)
    wanted = np.take(table, shown.viewing.view.shown.codes[0][::-1])
    assert np.array_equal(grey(picture)[..., 0], wanted & 0xFF)


def test_it_has_the_levels_and_colours_that_are_shown(qtbot, shown, asked):
    before = grey(save(qtbot, shown, asked))
    shown.viewing.levels.set_colormap("viridis")
    after = grey(save(qtbot, shown, asked))
    assert not np.array_equal(before, after)
    assert (after[..., 0] != after[..., 2]).any()


def test_a_rejected_frame_is_saved_without_the_badge_and_the_red_frame(qtbot, shown, asked):
    plain = grey(save(qtbot, shown, asked))
    shown.decisions.reject([LIGHTS[1]], "cloud")
    shown.night.select([LIGHTS[1]])  # whoever rejects the shown frame goes on to the next
    qtbot.waitUntil(lambda: shown.viewing.view.badge is not None, timeout=8000)
    assert np.array_equal(grey(save(qtbot, shown, asked)), plain)


def test_what_is_laid_over_comes_with_the_frame_only_where_that_is_chosen(qtbot, shown, asked):
    shown.viewing.view.set_stars(np.array([[30.0, 20.0]]))
    shown.viewing.view.set_mark("stars", on=True)
    plain = grey(save(qtbot, shown, asked))
    asked.kind = WITH_OVERLAYS
    over = grey(save(qtbot, shown, asked))
    assert over.shape == plain.shape
    differs = (over != plain).any(axis=2)
    assert differs.any()
    ny = over.shape[0]
    assert differs[ny - 1 - 20, 22:40].any()  # the ring lies around the star, y upwards


def test_the_view_of_the_window_can_be_saved_as_it_is_seen(qtbot, shown, asked):
    asked.kind = AS_SEEN
    picture = save(qtbot, shown, asked)
    canvas = shown.viewing.view.canvas
    assert picture.size() == canvas.size() * picture.devicePixelRatio()


def test_it_is_said_where_the_picture_lies_and_one_click_shows_it(qtbot, shown, asked, monkeypatch):
    opened = []
    monkeypatch.setattr("astep_gui.outside.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile()))
    save(qtbot, shown, asked)
    assert f"saved: {asked.file} (raw, " in shown.log.text.toPlainText()
    assert shown.log.deed.isVisible()
    qtbot.mouseClick(shown.log.deed, LEFT)
    assert opened == [str(asked.file)]
    shown.log.say("something else")
    assert not shown.log.deed.isVisible()


def test_the_proposed_name_tells_raw_from_calibrated(qtbot, shown, asked):
    save(qtbot, shown, asked)
    assert asked.suggested.endswith("light_001_raw.png")
    assert asked.kinds.split(";;") == [WHOLE, WITH_OVERLAYS, AS_SEEN]
    qtbot.keyClick(shown, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: shown.products.calibrated == LIGHTS[1], timeout=8000)
    save(qtbot, shown, asked)
    assert asked.suggested.endswith("light_001_calibrated.png")


def test_a_place_that_cannot_be_written_to_is_named(qtbot, shown, asked, tmp_path):
    asked.file = tmp_path / "nowhere" / "x.png"
    qtbot.keyClick(shown, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert "cannot save" in shown.notice.what.text().replace("\N{ZERO WIDTH SPACE}", "")
    assert not shown.log.deed.isVisible()


@pytest.mark.parametrize("name", ["Jason.00000055", "M 5", "étoile.v2"])
def test_a_name_without_the_ending_of_a_picture_gets_one(qtbot, shown, asked, tmp_path, name):
    asked.file = tmp_path / name
    qtbot.keyClick(shown, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert not shown.notice.isVisible()
    assert not QImage(str(tmp_path / f"{name}.png")).isNull()


def test_a_picture_that_the_dialog_did_not_ask_about_is_not_replaced(qtbot, shown, asked, tmp_path):
    (tmp_path / "M 5.png").write_text("of another night")
    asked.file = tmp_path / "M 5"
    qtbot.keyClick(shown, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert (tmp_path / "M 5.png").read_text() == "of another night"
    assert "it is there already" in shown.notice.why.text()


def test_while_frames_go_by_the_one_that_is_seen_is_saved_under_its_own_name(qtbot, shown, asked):
    blink = shown.viewing.blink
    blink.rate = 1.0
    shown.night.select(LIGHTS)
    qtbot.keyClick(shown, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: blink.loaded == len(LIGHTS) and blink.is_playing, timeout=8000)
    first = shown.night.current
    qtbot.waitUntil(lambda: blink.current is not None and blink.current.key[1] != first, timeout=8000)
    seen = blink.current.key[1]
    save(qtbot, shown, asked)
    assert asked.suggested.endswith(f"/{seen.rpartition('/')[2].removesuffix('.fits')}_raw.png")
    assert not blink.is_playing
