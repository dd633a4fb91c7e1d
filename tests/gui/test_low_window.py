"""In a low window, 1280×720 with its frame, every panel is inside of its place, and the image keeps its room."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QRect, Qt
from PyQt6.QtWidgets import QApplication, QPushButton, QTabBar

from astep_gui.main_window import MainWindow
from astep_gui.models.frame_images import Loaded, shown_image
from astep_gui.models.reduction_model import StageProgress
from astep_gui.remembered import Remembered
from astep_gui.theme import apply_theme
from pipeline_core.errors import NightError
from pipeline_core.measures import QualityRow, ScienceMeasures
from tests.gui.conftest import star_field
from tests.gui.words_seen import unreadable

LOW = (1280, 698)
"""What a window's frame leaves of 1280×720."""
LEFT = Qt.MouseButton.LeftButton
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


@pytest.fixture
def low(qtbot, opened, qapp):
    """A low window in the real look, with widths to be plotted."""
    apply_theme(qapp, "dark")
    opened.resize(*LOW)
    qtbot.waitUntil(lambda: opened.viewing.view.shown is not None, timeout=8000)
    for k, name in enumerate(LIGHTS):
        opened.night.judgements.take_rows([QualityRow(name, ScienceMeasures("quick", "ADU", fwhm_px=2.5 + 0.2 * k))])
    opened.night.quality_changed.emit()
    qtbot.waitUntil(lambda: opened.viewing.timeline.tabs.count() > 0, timeout=8000)
    qtbot.wait(50)
    return opened


def turn_to(qtbot, window, name):
    key = {"Night": Qt.Key.Key_1, "Judge": Qt.Key.Key_2, "Results": Qt.Key.Key_4}[name]
    qtbot.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
    qtbot.wait(60)


def place(widget, window):
    return QRect(widget.mapTo(window, QPoint()), widget.size())


def over_the_edge(window):
    """Return panels that lie over the status bar, the tabs of panels, or each other."""
    docks = {name: place(dock, window) for name, dock in window.docks.items() if not dock.visibleRegion().isEmpty()}
    bars = [bar for bar in window.findChildren(QTabBar) if bar.isVisible() and bar.parentWidget() is window]
    others = {"status": place(window.statusBar(), window), "tabs": place(bars[0], window)}
    found = [(a, b) for a in docks for b in others if docks[a].intersects(others[b])]
    found += [(a, b) for a in docks for b in docks if a < b and docks[a].intersects(docks[b])]
    for name in docks:
        inside = window.docks[name].widget()
        if inside.minimumSizeHint().height() > inside.height():
            found.append((name, "needs more than it has"))
    return found


def measure_star(qtbot, window):
    shown = shown_image("a", Loaded(image=star_field(), unit="ADU", title="a.fits"))
    panel = window.viewing.inspect_panel
    panel.show_image(shown)
    panel.clicked(300.0, 200.0)
    qtbot.waitUntil(panel.night.isVisible, timeout=20_000)
    qtbot.wait(60)
    return panel


def image_part(window):
    return window.viewing.view.canvas.height() / window.centralWidget().height()


@pytest.mark.parametrize("size", [LOW, (1366, 746), (1600, 978), (1280, 698)])
def test_the_profile_of_a_star_lies_over_nothing(qtbot, low, size):
    low.resize(*size)
    turn_to(qtbot, low, "Judge")
    panel = measure_star(qtbot, low)
    assert not over_the_edge(low)
    assert not unreadable(low)
    view = panel.plot.getPlotItem().getViewBox()
    words = panel._upwards
    assert words.text == "above the sky (ADU)"
    assert view.sceneBoundingRect().contains(words.sceneBoundingRect()), "what is plotted upwards is read whole"


def test_an_invitation_to_measure_is_whole(qtbot, low):
    turn_to(qtbot, low, "Judge")
    panel = low.viewing.inspect_panel
    panel.show_image(shown_image("a", Loaded(image=star_field(), unit="ADU", title="a.fits")))
    panel.clicked(500.0, 500.0)
    qtbot.waitUntil(lambda: panel.says.text().startswith("No star"), timeout=20_000)
    qtbot.wait(60)
    assert not unreadable(low)
    assert panel.invitation.height() >= panel.invitation.heightForWidth(panel.invitation.width())


def test_a_low_window_opened_again_at_results_has_room_for_them(qtbot, low, remembered, night_folder):
    turn_to(qtbot, low, "Results")
    assert not over_the_edge(low)
    low.close()
    again = MainWindow(Remembered(remembered._settings))
    again.night.looks_quickly = False
    again.show()
    again.open_night(night_folder)
    qtbot.waitUntil(lambda: again.night.plan is not None, timeout=8000)
    qtbot.wait(60)
    try:
        assert again.height() == LOW[1]
        assert again.tabs.name == "Results"
        assert again.docks["levels"].isHidden()
        assert not over_the_edge(again)
        turn_to(qtbot, again, "Night")
        assert not again.docks["levels"].isHidden(), "they only made room"
    finally:
        again.close()
        again.deleteLater()


def test_judging_has_a_plot_with_a_scale_and_the_image_its_room(qtbot, low):
    viewing = low.viewing
    night = viewing.timeline.plot.area().height()
    assert image_part(low) >= 0.5
    turn_to(qtbot, low, "Judge")
    assert viewing.timeline.plot.area().height() >= 103
    assert viewing.timeline.plot.area().height() > night + 30
    assert image_part(low) >= 0.42
    low.resize(1600, 978)
    qtbot.wait(60)
    assert viewing.timeline.plot.area().height() >= 200
    assert image_part(low) >= 0.42


def test_a_strip_made_large_in_a_high_window_leaves_the_image_its_room_in_a_low_one(qtbot, low, remembered):
    low.resize(1600, 978)
    turn_to(qtbot, low, "Judge")
    splitter = low.viewing.splitter
    handle = splitter.handle(1)
    qtbot.mousePress(handle, LEFT, pos=handle.rect().center())
    qtbot.mouseMove(handle, handle.rect().center() - QPoint(0, 150))
    qtbot.mouseRelease(handle, LEFT, pos=handle.rect().center())
    assert splitter.by_hand()
    low.resize(*LOW)
    qtbot.wait(60)
    assert image_part(low) >= 0.42
    low.keeper.keep()
    low.remembered.sync()
    again = MainWindow(Remembered(remembered._settings))
    try:
        assert again.viewing.splitter.by_hand() == pytest.approx(splitter.by_hand())
    finally:
        again.close()
        again.deleteLater()


def test_a_threshold_goes_where_it_is_dragged_and_its_axis_stays(qtbot, low):
    turn_to(qtbot, low, "Judge")
    timeline = low.viewing.timeline
    least = timeline.plot.height()
    qtbot.mouseClick(timeline.threshold, LEFT)
    qtbot.wait(60)
    plot, model = timeline.plot, low.viewing.timeline_model
    assert plot.height() >= least - 1, "what it costs takes nothing of the plot"
    before, span, height = model.threshold, plot._span(), plot.height()
    x, y = int(plot.area().right()) - 3, round(plot.threshold_y())
    scale = (span[1] - span[0]) / plot.area().height()
    qtbot.mousePress(plot, LEFT, pos=QPoint(x, y))
    for step in range(1, 11):
        qtbot.mouseMove(plot, QPoint(x, y - step))
    assert plot._span() == span
    assert plot.height() == height
    assert image_part(low) >= 0.31
    assert model.threshold == pytest.approx(before + 10 * scale, abs=1.5 * scale)
    qtbot.mouseRelease(plot, LEFT, pos=QPoint(x, y - 10))
    assert plot._span() != span, "let go at the rim the axis holds it with room around"


@pytest.mark.parametrize("words", ["Reject 1 of 16", "Reject 137 of 1785: stack 0.03 mag shallower, " * 4])
def test_the_times_below_the_plot_stay_whatever_a_threshold_costs(qtbot, low, words, monkeypatch):
    turn_to(qtbot, low, "Judge")
    timeline = low.viewing.timeline
    found = low.viewing.timeline_model
    qtbot.mouseClick(timeline.threshold, LEFT)
    proposal = found.proposal()
    monkeypatch.setattr(type(proposal), "words", words, raising=False)
    found.threshold_changed.emit()
    qtbot.wait(80)
    # Under load the shares are divided later.
    qtbot.waitUntil(lambda: timeline.plot.geometry().bottom() < timeline.height(), timeout=5000)
    assert timeline.plot.height() >= timeline.plot.minimumHeight()
    assert not unreadable(low)
    timeline.drop.click()
    qtbot.wait(80)
    assert image_part(low) >= 0.42


LONG = "/a/folder/with/a/name/that/is/longer" * 6
NOTICES = [
    NightError(
        "cannot open the file /data/nights/jason_reduced/report.html",
        "no program of this system opened it: no program for .html files answered",
        "“Copy the path” puts it on the clipboard; open the file in a program of your choice",
    ),
    NightError(f"cannot open the file {LONG}", f"it is none: {LONG}", f"choose another: {LONG}"),
]


@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize("tab", ["Night", "Judge"])
def test_a_notice_takes_no_more_than_a_sixth_of_the_window(qtbot, low, notice, tab):
    turn_to(qtbot, low, tab)
    low.show_problem(notice, "/some/path")
    qtbot.wait(80)
    assert low.notice.height() <= 0.2 * low.height()
    assert image_part(low) >= 0.31
    assert not unreadable(low)
    said = low.notice.what.toolTip() or low.notice.what.text()
    assert "".join(notice.what.split()) in "".join(said.replace("\u200b", "").split()), "all of it can be read"
    copy = [b for b in low.notice.findChildren(QPushButton) if b.text() == "Copy the words"]
    qtbot.mouseClick(copy[0], LEFT)
    assert notice.hint in QApplication.clipboard().text()


def test_beyond_the_last_column_of_the_list_stripes_and_selection_go_on_to_the_edge(qtbot, low):
    low.resize(1600, 978)
    tree = low.table.tree
    tree.setColumnWidth(0, 60)
    low.night.select([LIGHTS[0]])
    qtbot.wait(60)
    picture = tree.viewport().grab().toImage()
    scale = picture.devicePixelRatio()
    end = tree.header().length()
    assert end < tree.viewport().width() - 4
    rows = [tree.visualRect(low.table.model.index_of(name)).center().y() for name in LIGHTS]
    seen = {picture.pixelColor(round((end + 3) * scale), round(y * scale)).name() for y in rows}
    assert len(seen) == 3, "selected, plain, striped"
    assert tree.palette().highlight().color().name() in seen


@pytest.mark.parametrize("name", ["dark_000.fits", "flat_000.fits", "light_000.fits"])
def test_only_a_frame_with_sky_has_it_marked_in_its_histogram(qtbot, low, name):
    low.night.select([name])
    qtbot.waitUntil(lambda: low.viewing.view.title.startswith(name), timeout=8000)
    qtbot.wait(60)
    label = low.viewing.levels_panel._sky.label.toPlainText()
    assert label == ("sky" if name.startswith("light") else "level")


def test_the_image_alone_has_nearly_all_of_the_height(qtbot, low):
    qtbot.keyClick(low, Qt.Key.Key_F11)
    qtbot.wait(80)
    assert not low.toolbar.isVisible()
    assert low.viewing.view.canvas.height() >= 0.66 * low.height()
    qtbot.keyClick(low, Qt.Key.Key_F11)
    qtbot.wait(80)
    assert low.toolbar.isVisible()


def test_bars_of_a_run_stand_on_the_lines_of_their_words(qtbot, low):
    panel = low.run_panel
    low.resize(1600, 978)
    low.bring_up("run")
    panel._show_stage(StageProgress("master dark", 1, 1, state="finished"))
    qtbot.wait(60)
    _mark, name, bar, count = panel._lines["master dark"]
    for words in (name, count):
        assert abs(bar.geometry().center().y() - words.geometry().center().y()) <= 1
    assert bar.height() >= bar.minimumSizeHint().height()


def test_a_low_histogram_gives_its_name_to_its_bars(qtbot, low):
    turn_to(qtbot, low, "Judge")
    measure_star(qtbot, low)
    axis = low.viewing.levels_panel.plot.getPlotItem().getAxis("bottom")
    box = low.viewing.levels_panel.plot.getPlotItem().getViewBox()
    assert box.sceneBoundingRect().height() >= 40
    low.resize(1600, 978)
    qtbot.wait(80)
    assert axis.label.isVisible()
    assert np.isfinite(box.sceneBoundingRect().height())


def test_levels_that_made_room_are_one_click_away_and_the_button_is_there_no_longer_than_it_is_of_use(qtbot, low):
    button, dock = low.viewing.view.head.levels, low.docks["levels"]
    assert not button.isVisible()
    turn_to(qtbot, low, "Results")
    assert dock.isHidden()
    assert button.isVisible()
    qtbot.mouseClick(button, LEFT)
    qtbot.waitUntil(lambda: not dock.visibleRegion().isEmpty(), timeout=2000)
    assert not button.isVisible()
    turn_to(qtbot, low, "Night")
    assert not dock.isHidden()
    assert not button.isVisible()
    turn_to(qtbot, low, "Results")
    assert button.isVisible()
    turn_to(qtbot, low, "Judge")
    assert not button.isVisible()
