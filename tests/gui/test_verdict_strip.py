"""The verdict over the image is read whole, whatever the room, and the image stays where it is from frame to frame."""

import pytest
from PyQt6.QtCore import QPoint, QRect, Qt
from PyQt6.QtWidgets import QApplication

from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from tests.gui.words_seen import unreadable

LEFT = Qt.MouseButton.LeftButton
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
CLOUD = (
    "cloud: depth loss +2.42 mag against the clear reference, patchy (0.29 mag over the field); 1.01 mag fainter than "
    "its neighbours"
)
BRIGHT = "bright sky: 1.67 times what Sun (-17°), Moon (-20°) and air mass explain"
WEAK = (
    "dark 36 % too weak: hot pixels shine through, more under a brighter sky; charge traps do that, and no dark mends "
    "it: mask them, or stack frames that moved against each other"
)
FLAGS = {
    LIGHTS[0]: (Flag("cloud", CLOUD, "bad"), Flag("bright sky", BRIGHT), Flag("dark too weak", WEAK, "note")),
    LIGHTS[1]: (Flag("wind", "wind: ellipticity 0.22, shaking or poor guiding"),),
    LIGHTS[2]: (),
    LIGHTS[3]: (Flag("dark too weak", WEAK, "note"),),
}


@pytest.fixture
def judged(qtbot, opened):
    """The window of a night with a long verdict, a short one, none, and a remark."""
    rows = [QualityRow(path, ScienceMeasures("final", "electron"), flags=flags) for path, flags in FLAGS.items()]
    opened.night._take_rows(rows)
    opened.viewing._show_quality()
    opened.night.select([LIGHTS[0]])
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[0], timeout=8000)
    return opened


def settle():
    for _ in range(6):
        QApplication.processEvents()


def look_at(qtbot, window, path):
    window.night.select([path])
    qtbot.waitUntil(lambda: window.viewing.view.title == path, timeout=8000)
    settle()
    return window.viewing.rail


def place_of(widget):
    return QRect(widget.mapToGlobal(QPoint()), widget.size())


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000), (3840, 2160)])
@pytest.mark.parametrize("right", [0, 620])
def test_every_verdict_is_read_whole_without_its_tip(judged, qtbot, size, right):
    judged.resize(*size)
    if right:
        judged.resizeDocks([judged.docks["levels"]], [right], Qt.Orientation.Horizontal)
    settle()
    for path in (LIGHTS[0], LIGHTS[1], LIGHTS[3]):
        words = look_at(qtbot, judged, path).verdict
        assert words.isVisible()
        assert " ".join(words.text().split()) == words.full_text
        assert words.toolTip() == ""
        assert words.height() >= words.fontMetrics().boundingRect(words.rect(), 0, words.text()).height()
        assert not unreadable(judged.viewing.rail)


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_the_image_and_its_buttons_stay_where_they_are_from_frame_to_frame(judged, qtbot, size):
    judged.resize(*size)
    settle()
    places = set()
    for path in LIGHTS if size[0] > 1280 else LIGHTS[1:]:
        rail = look_at(qtbot, judged, path)
        corner = place_of(rail.compare).bottomRight()
        places.add((place_of(judged.viewing.view).getRect(), corner.x(), abs(corner.y()) // 8))
    assert len(places) == 1


def test_a_night_of_which_nothing_is_said_leaves_the_image_its_room(judged, qtbot):
    rail = look_at(qtbot, judged, LIGHTS[2])
    with_verdicts = rail.sizeHint().height()
    rail.set_longest(())
    settle()
    assert rail.sizeHint().height() < with_verdicts


def test_words_and_answers_lie_beside_each_other_in_a_narrow_window(judged, qtbot):
    judged.resize(1280, 720)
    settle()
    rail = look_at(qtbot, judged, LIGHTS[0])
    boxes = [place_of(w) for w in (rail.verdict, rail.reject, rail.keep, rail.compare)]
    assert not any(one.intersects(other) for k, one in enumerate(boxes) for other in boxes[:k])
    assert all(place_of(rail).contains(box) for box in boxes)
    assert not any(box.intersects(place_of(judged.viewing.view)) for box in boxes)
    qtbot.mouseClick(rail.reject, LEFT)
    assert judged.night.rejected == {LIGHTS[0]: "cloud"}


def test_a_remark_says_that_it_is_one_and_what_to_do_and_asks_for_no_answer(judged, qtbot):
    rail = look_at(qtbot, judged, LIGHTS[3])
    assert rail.verdict.full_text.startswith("· a remark, no reason to reject: dark 36 % too weak")
    assert "mask them, or stack frames" in rail.verdict.full_text
    assert not rail.reject.isVisible()
    tip = judged.table.model.index_of(LIGHTS[3]).data(Qt.ItemDataRole.ToolTipRole).replace("\n", " ")
    assert "a remark, no reason to reject" in tip


def test_beside_what_speaks_against_a_frame_remarks_are_named_and_told_in_the_tip(judged, qtbot):
    rail = look_at(qtbot, judged, LIGHTS[0])
    assert rail.verdict.full_text == f"▲ {CLOUD}; {BRIGHT} · noted besides: dark too weak"
    tip = judged.table.model.index_of(LIGHTS[0]).data(Qt.ItemDataRole.ToolTipRole).replace("\n", " ")
    assert f"noted besides, no reason to reject: {WEAK}" in tip


def test_with_a_step_chosen_the_verdict_stays_whole_and_compare_goes_to_the_step(judged, qtbot):
    judged.resize(1280, 720)
    rail = look_at(qtbot, judged, LIGHTS[0])
    qtbot.mouseClick(rail.buttons["raw"], LEFT)
    qtbot.waitUntil(lambda: judged.viewing.view.title.endswith("· raw"), timeout=60_000)
    settle()
    assert " ".join(rail.verdict.text().split()) == rail.verdict.full_text
    assert place_of(rail.note).bottom() <= place_of(rail).bottom()
    assert abs(place_of(rail.compare).center().y() - place_of(rail.note).center().y()) < 12
    assert not unreadable(rail)
    qtbot.mouseClick(rail.buttons["raw"], LEFT)
    settle()
    assert rail.compare.isVisible()
    assert not rail.note.isVisible()
