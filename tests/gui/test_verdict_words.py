"""The verdict over the image: whole sentences, all of them one click away; the image stays where it is meanwhile."""

import re

import pytest
from PyQt6.QtCore import QPoint, QRect, Qt
from PyQt6.QtWidgets import QApplication, QMenu

from astep_gui.widgets.timeline_points import BAD, SUSPECT, signs_of
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from tests.gui.words_seen import unreadable

LEFT = Qt.MouseButton.LeftButton
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
CLOUD = (
    "cloud: depth loss +2.42 mag against the clear reference, patchy, by 0.29 mag over the field; 1.01 mag fainter "
    "than its neighbours"
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


def places_of_buttons(rail):
    """Return where the deeds stand that are always there, by their names."""
    buttons = {"reject": rail.reject, "keep": rail.keep, "all": rail.all, "compare": rail.compare}
    return {name: place_of(button).getRect() for name, button in buttons.items() if button.isVisible()}


def sentences(words):
    """Return what is said one by one: whole findings, however many halves each has."""
    return words.split(" · ")


def plain(words):
    return re.sub(r" \([^()]*\)", "", words)


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000), (3840, 2160)])
@pytest.mark.parametrize("right", [0, 620])
def test_no_sentence_is_cut_and_those_without_room_are_counted(judged, qtbot, size, right):
    judged.resize(*size)
    if right:
        judged.resizeDocks([judged.docks["levels"]], [right], Qt.Orientation.Horizontal)
    settle()
    for path in (LIGHTS[0], LIGHTS[1], LIGHTS[3]):
        rail = look_at(qtbot, judged, path)
        words = rail.verdict
        assert words.isVisible()
        said, whole = sentences(" ".join(words.text().split())), sentences(words.full_text)
        assert rail.all.isEnabled() == (said != whole)
        if said == whole:
            continue
        *said, rest = said
        if rest == "more":  # not even the first sentence has room: without its aside, or as far as there is room
            assert plain(whole[0]).startswith(plain(said[0].removesuffix(" …")))
            assert len(said[0].split()) > 2, "a cause alone is no reason"
        else:  # the last that is said may end early, at a clause
            *before, last = said
            assert before == whole[: len(before)]
            assert plain(whole[len(before)]).startswith(plain(last))
            assert rest == f"{len(whole) - len(said)} more"
        assert words.height() >= words.fontMetrics().boundingRect(words.rect(), 0, words.text()).height()
        assert not unreadable(judged.viewing.rail)


def test_all_that_is_said_is_read_below_with_one_click_until_another_frame_or_esc(judged, qtbot):
    judged.resize(1280, 720)
    settle()
    rail = look_at(qtbot, judged, LIGHTS[0])
    qtbot.mouseClick(rail.all, LEFT)
    assert rail.page.isVisible()
    assert rail.page.words.text().split("\n") == sentences(rail.verdict.full_text)
    assert place_of(rail.page).top() >= place_of(rail).bottom()
    assert rail.page.words.heightForWidth(rail.page.words.width()) <= rail.page.words.height()
    look_at(qtbot, judged, LIGHTS[1])
    assert not rail.page.isVisible()
    rail = look_at(qtbot, judged, LIGHTS[0])
    assert not rail.all.isChecked()
    qtbot.mouseClick(rail.all, LEFT)
    qtbot.keyClick(judged, Qt.Key.Key_Escape)
    assert not rail.page.isVisible()
    qtbot.mouseClick(rail.all, LEFT)
    qtbot.mouseClick(rail.page, LEFT)
    assert not rail.page.isVisible()
    qtbot.mouseClick(rail.all, LEFT)
    judged.resize(1300, 720)
    settle()
    assert not rail.page.isVisible()


def test_each_finding_has_a_line_of_its_own_and_is_counted_once_though_it_has_two_halves(judged, qtbot):
    """It broke at every ";": "1.01 mag fainter than its neighbours" was a line of which nobody knew what it is."""
    judged.resize(1280, 720)
    settle()
    rail = look_at(qtbot, judged, LIGHTS[0])
    said, _, rest = " ".join(rail.verdict.text().split()).rpartition(" · ")
    assert rest in {"2 more", "1 more"}
    assert said.count(" · ") + 1 + int(rest.split()[0]) == 3
    qtbot.mouseClick(rail.all, LEFT)
    assert rail.page.words.text().split("\n") == [f"▲ {CLOUD}", BRIGHT, "noted besides: dark 36 % too weak"]
    rail = look_at(qtbot, judged, LIGHTS[3])
    qtbot.mouseClick(rail.all, LEFT)
    assert rail.page.words.text() == f"· {WEAK.replace(':', ' (remark):', 1)}"


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
@pytest.mark.parametrize("step", [None, "raw"])
def test_the_image_stays_where_it_is_from_frame_to_frame(judged, qtbot, size, step):
    judged.resize(*size)
    settle()
    if step:
        qtbot.mouseClick(judged.viewing.rail.buttons[step], LEFT)
    places = set()
    for path in LIGHTS:
        judged.night.select([path])
        qtbot.waitUntil(lambda path=path: judged.viewing.view.title.startswith(path), timeout=60_000)
        settle()
        places.add(place_of(judged.viewing.view).getRect())
    assert len(places) == 1


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_whoever_clicks_through_frames_finds_each_button_where_it_was(judged, qtbot, size):
    judged.resize(*size)
    settle()
    seen = [places_of_buttons(look_at(qtbot, judged, path)) for path in LIGHTS]
    judged.decisions.reject([LIGHTS[1]], "cloud")
    seen.append(places_of_buttons(look_at(qtbot, judged, LIGHTS[1])))
    judged.night.select(LIGHTS, LIGHTS[0])
    settle()
    seen.append(places_of_buttons(judged.viewing.rail))
    assert len(seen[0]) == 4
    assert seen == [seen[0]] * len(seen)


def test_words_and_answers_lie_beside_each_other_in_a_narrow_window(judged, qtbot):
    judged.resize(1280, 720)
    settle()
    rail = look_at(qtbot, judged, LIGHTS[0])
    boxes = [place_of(w) for w in (rail.verdict, rail.reject, rail.keep, rail.all, rail.compare)]
    assert not any(one.intersects(other) for k, one in enumerate(boxes) for other in boxes[:k])
    assert all(place_of(rail).contains(box) for box in boxes)
    assert not any(box.intersects(place_of(judged.viewing.view)) for box in boxes)
    qtbot.mouseClick(rail.reject, LEFT)
    assert judged.night.rejected == {LIGHTS[0]: "cloud"}


def test_a_remark_says_that_it_is_one_and_what_to_do(judged, qtbot):
    rail = look_at(qtbot, judged, LIGHTS[3])
    assert rail.verdict.full_text.startswith("· dark 36 % too weak (remark): hot pixels")
    assert "mask them, or stack frames" in rail.verdict.full_text
    tip = judged.table.model.index_of(LIGHTS[3]).data(Qt.ItemDataRole.ToolTipRole).replace("\n", " ")
    assert "a remark, no reason to reject" in tip


@pytest.mark.parametrize("width", [1280, 1600])
@pytest.mark.parametrize("step", [None, "raw"])
def test_of_a_remark_the_cause_and_its_figure_are_seen_however_little_room_there_is(judged, qtbot, width, step):
    """It said "· a remark · 1 more": not even of what."""
    judged.resize(width, 720)
    rail = look_at(qtbot, judged, LIGHTS[3])
    if step:
        qtbot.mouseClick(rail.buttons[step], LEFT)
        qtbot.waitUntil(lambda: judged.viewing.view.title.endswith("· raw"), timeout=60_000)
        settle()
    assert " ".join(rail.verdict.text().split()).startswith("· dark 36 % too weak")
    assert not unreadable(rail)


def test_all_that_is_said_is_verdict_and_step_though_only_one_of_them_was_cut(judged, qtbot, monkeypatch):
    judged.resize(1280, 720)
    words = "Overscan level of 1,000.0 ADU subtracted; a second sentence that has no room at all, a third one; a fourth"
    rail = look_at(qtbot, judged, LIGHTS[1])
    monkeypatch.setattr(type(rail.model), "words", words)
    monkeypatch.setattr(type(rail.model), "missing", None)
    qtbot.mouseClick(rail.buttons["raw"], LEFT)
    qtbot.waitUntil(lambda: judged.viewing.view.title.endswith("· raw"), timeout=60_000)
    settle()
    assert " ".join(rail.verdict.text().split()) == rail.verdict.full_text, "it is seen whole"
    assert " ".join(rail.note.text().split()) != words
    qtbot.mouseClick(rail.all, LEFT)
    assert rail.page.words.text().split("\n") == sentences(f"{rail.verdict.full_text} · {words}")


def test_beside_what_speaks_against_a_frame_remarks_are_named_and_told_in_the_tip(judged, qtbot):
    rail = look_at(qtbot, judged, LIGHTS[0])
    assert rail.verdict.full_text == f"▲ {CLOUD} · {BRIGHT} · noted besides: dark 36 % too weak"
    tip = judged.table.model.index_of(LIGHTS[0]).data(Qt.ItemDataRole.ToolTipRole).replace("\n", " ")
    assert f"· dark too weak: {WEAK}" in tip


TRAILED = (
    "trailed: ellipticity 0.45 along 162° all over the field, judged against the 0.30 that optics and seeing make at "
    "most, for the clear reference is long itself: 0.43; the telescope moved evenly by 3.6 px"
)


def test_all_lines_are_used_before_a_reason_is_left_out(judged, qtbot):
    judged.resize(1280, 720)
    rows = [QualityRow(LIGHTS[1], ScienceMeasures("final", "electron"), flags=(Flag("trailed", TRAILED, "bad"),))]
    judged.night._take_rows(rows)
    judged.viewing._show_quality()
    rail = look_at(qtbot, judged, LIGHTS[1])
    said = rail.verdict.text()
    assert "trailed: ellipticity 0.45 along 162°" in said.replace("\n", " ")
    assert said.endswith("more")
    assert "…" not in said, "it ends with a clause"
    assert said.count("\n") >= 1
    assert not unreadable(rail)


@pytest.mark.parametrize("width", [1280, 1600])
@pytest.mark.parametrize(
    "words",
    [
        "Dark took off 916 ADU (median, hottest 1 % above 1,007) · dark_90s_-10C subtracted",
        "Dark took off 1,916 ADU (median, hottest 1 % above 11,007) · dark_9s_-10C subtracted, its dark current × 0.66",
    ],
)
def test_the_numbers_of_a_step_are_read_whole_or_with_one_click(judged, qtbot, monkeypatch, width, words):
    judged.resize(width, 720)
    rail = look_at(qtbot, judged, LIGHTS[0])
    height = rail.height()
    monkeypatch.setattr(type(rail.model), "words", words)
    monkeypatch.setattr(type(rail.model), "missing", None)
    qtbot.mouseClick(rail.buttons["raw"], LEFT)
    qtbot.waitUntil(lambda: judged.viewing.view.title.endswith("· raw"), timeout=60_000)
    settle()
    assert rail.note.full_text == words
    assert rail.note.text().startswith(words.partition(" (")[0]), "whose number it is, at least; the rest gives way"
    if rail.note.text().replace("\n", " ") != words:
        qtbot.mouseClick(rail.all, LEFT)
        assert rail.page.words.text().replace("\n", " · ").endswith(words)
    assert rail.height() == height
    assert not unreadable(rail)


@pytest.mark.parametrize("width", [1280, 1600])
def test_with_a_step_chosen_the_verdict_stays_with_its_reason_and_its_answers(judged, qtbot, width):
    judged.resize(width, 720)
    rail = look_at(qtbot, judged, LIGHTS[0])
    height, places = rail.height(), places_of_buttons(rail)
    qtbot.mouseClick(rail.buttons["raw"], LEFT)
    qtbot.waitUntil(lambda: judged.viewing.view.title.endswith("· raw"), timeout=60_000)
    settle()
    assert rail.height() == height
    assert places_of_buttons(rail) == places
    assert rail.verdict.full_text.startswith(f"▲ {CLOUD}")
    assert " ".join(rail.verdict.text().split()).startswith("▲ cloud: depth loss +2.42 mag")
    assert rail.note.isVisible()
    # The masters are missing too: where that is more than there is room for, the rest is one click away.
    qtbot.mouseClick(rail.all, LEFT)
    assert rail.page.words.text().startswith(
        "▲ cloud: depth loss +2.42 mag against the clear reference, patchy, by 0.29 mag"
    )
    rail.page.hide()
    assert not unreadable(rail)
    qtbot.mouseClick(rail.keep, LEFT)
    assert judged.night.choices.kept == {LIGHTS[0]}


def test_all_that_is_said_does_not_stay_over_the_image_when_a_step_is_chosen_or_panels_move(judged, qtbot):
    judged.resize(1280, 720)
    settle()
    rail = look_at(qtbot, judged, LIGHTS[0])
    qtbot.mouseClick(rail.all, LEFT)
    judged.docks["frames"].hide()
    settle()
    assert not rail.page.isVisible() or place_of(rail.page).left() == place_of(rail).left()
    judged.docks["frames"].show()
    settle()
    rail.all.setChecked(True)
    qtbot.mouseClick(rail.buttons["raw"], LEFT)
    assert not rail.page.isVisible()


def test_what_is_bad_and_what_is_suspect_have_the_colour_of_their_marks_in_the_list(judged, qtbot):
    for path, tone in ((LIGHTS[0], "bad"), (LIGHTS[1], "warn")):
        rail = look_at(qtbot, judged, path)
        assert judged.night.state_of(path).tone == tone
        assert rail.verdict.property("role") == tone
    assert signs_of(judged.viewing.timeline_model).tolist()[:2] == [BAD, SUSPECT]


def test_which_dark_does_not_fit_is_one_click_away(qtbot, judged):
    rail = look_at(qtbot, judged, LIGHTS[1])
    assert not rail.dark.isVisible(), "nothing is said of its dark"
    assert look_at(qtbot, judged, LIGHTS[0]).dark.isVisible(), "beside what weighs more too"
    look_at(qtbot, judged, LIGHTS[3])
    assert rail.dark.isVisible()
    qtbot.waitUntil(lambda: judged.night.plan is not None, timeout=60_000)
    menu = asked_which_dark(qtbot, rail)
    answer, *ways = [action.text() for action in menu.actions() if action.text()]
    assert answer == "dark_10s_-20C (3 frames of 10 s at -20 °C) is subtracted"
    assert ways[:2] == ["Look at it", "Show it in the plan, with its frames"]
    choose(menu, "Show it in the plan, with its frames")
    (line,) = judged.plan_panel.tree.selectedItems()
    assert line.text(0).startswith("dark_10s_-20C · ")
    assert line.isExpanded()
    assert not judged.docks["plan"].visibleRegion().isEmpty()
    assert not judged.plan_panel.point_out_master("dark_of_no_plan")


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_buttons_of_the_second_line_are_whole_and_do_not_touch_the_first(judged, qtbot, size):
    """Their lower edges were cut, and their upper ones lay on those of "Reject"."""
    judged.resize(*size)
    rail = look_at(qtbot, judged, LIGHTS[3])
    assert rail.dark.isVisible()
    for button in (rail.dark, rail.compare):
        assert place_of(button).top() - place_of(rail.reject).bottom() > 2
        assert button.visibleRegion().boundingRect() == button.rect()
        assert button.height() >= button.minimumSizeHint().height(), "or the style draws beyond its edge"
    assert place_of(rail.page.parentWidget()).contains(place_of(rail.dark))


def asked_which_dark(qtbot, rail):
    qtbot.mouseClick(rail.dark, LEFT)
    settle()
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def choose(menu, words):
    action = next(one for one in menu.actions() if one.text() == words)
    assert action.isEnabled()
    action.trigger()
    menu.close()
    settle()


def test_which_dark_is_asked_and_another_is_chosen_in_one_place_and_taken_back(qtbot, judged):
    """It only pointed at a line of the plan: there was nowhere to choose."""
    look_at(qtbot, judged, LIGHTS[3])
    rail = judged.viewing.rail

    def dark():
        plan = judged.night.plan
        return next(one.dark for one in plan.science if one.path == LIGHTS[3]) if plan is not None else ""

    qtbot.waitUntil(lambda: dark() == "dark_10s_-20C", timeout=60_000)
    menu = asked_which_dark(qtbot, rail)
    said = [action.text() for action in menu.actions() if action.text()]
    assert said[-1] == "No other dark of this night fits its frames' size: add some to its folder"
    choose(menu, "Subtract no dark for 4 frames of 10 s")
    qtbot.waitUntil(lambda: dark() is None, timeout=60_000)
    menu = asked_which_dark(qtbot, rail)
    said = [action.text() for action in menu.actions() if action.text()]
    assert said[0] == "No dark is subtracted: so it was chosen"
    assert "Use dark_10s_-20C (3 frames of 10 s at -20 °C), as it is, for 4 frames of 10 s" in said
    choose(menu, "Leave it to the plan again for 4 frames of 10 s")
    qtbot.waitUntil(lambda: dark() == "dark_10s_-20C", timeout=60_000)
    assert judged.decisions.stack.undoText() == "dark as planned for 4 frames"


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_which_dark_is_asked_at_the_step_dark_before_any_master_is_made(opened, qtbot, size):
    """Only once a reduced frame's dark did not fit was there a way to another one."""
    opened.resize(*size)
    rail = look_at(qtbot, opened, LIGHTS[1])
    assert not rail.dark.isVisible()
    qtbot.mouseClick(rail.buttons["dark"], LEFT)
    qtbot.waitUntil(lambda: opened.viewing.steps.missing is not None, timeout=60_000)
    settle()
    assert rail.dark.isVisible()
    assert rail.make.isVisible()
    for button in (rail.dark, rail.make, rail.compare):
        assert place_of(rail).contains(place_of(button))
        assert button.visibleRegion().boundingRect() == button.rect()
    assert rail.note.width() > 150, "the step's own words are still read"
    menu = asked_which_dark(qtbot, rail)
    answer = menu.actions()[0].text()
    assert answer == "dark_10s_-20C (3 frames of 10 s at -20 °C) is subtracted"
    choose(menu, "Subtract no dark for 4 frames of 10 s")
    assert opened.decisions.stack.undoText() == "dark = none for 4 frames"
    qtbot.mouseClick(rail.buttons["flat"], LEFT)
    settle()
    assert not rail.dark.isVisible()


def test_no_dark_is_offered_at_the_step_dark_of_a_flat(opened, qtbot):
    rail = look_at(qtbot, opened, next(f.path for f in opened.night.frames if f.kind.value == "flat"))
    qtbot.mouseClick(rail.buttons["dark"], LEFT)
    settle()
    assert not rail.dark.isVisible()


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_the_button_of_the_dark_takes_no_room_from_what_the_step_did_and_moves_no_other(opened_reduced, qtbot, size):
    """In a narrow window it stands where "Peek" is, which has a key."""
    opened_reduced.resize(*size)
    rail = look_at(qtbot, opened_reduced, LIGHTS[1])

    def places():
        settle()
        return {b.text(): place_of(b).getRect() for b in (rail.difference, rail.compare, rail.reject, rail.keep)}

    qtbot.mouseClick(rail.buttons["flat"], LEFT)
    qtbot.waitUntil(lambda: "flat" in rail.note.full_text, timeout=60_000)
    before, room = places(), rail.note.width()
    qtbot.mouseClick(rail.buttons["dark"], LEFT)
    qtbot.waitUntil(lambda: rail.note.full_text.startswith("Dark took off"), timeout=60_000)
    assert places() == before
    assert rail.dark.isVisible()
    assert rail.dark.visibleRegion().boundingRect() == rail.dark.rect()
    if size[0] == 1280:
        assert rail.note.width() >= room
    assert not unreadable(opened_reduced)
    qtbot.mouseClick(rail.buttons["flat"], LEFT)
    assert places() == before
    assert rail.peek.isVisible()
    assert not rail.dark.isVisible()
