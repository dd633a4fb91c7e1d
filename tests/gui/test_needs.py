"""What needs a person: how far a remedy reaches, what its button says that it does, where it leads."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from PyQt6.QtCore import QEvent, QPoint, Qt
from PyQt6.QtGui import QCursor
from PyQt6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton

from astep_gui.models.equal_needs import in_lines
from astep_gui.models.needs import Need, Remedy, needs_of
from astep_gui.models.needs_after import done_about
from pipeline_core.config import Recipe
from pipeline_core.errors import AstepError
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.plan import Choices, LeftOut, build_plan
from pipeline_core.types import Frame, FrameKind, Night

PATIENCE_MS = 30_000


def frame(path, kind=FrameKind.SCIENCE, **more):
    fields = {
        "size_bytes": 1,
        "mtime_ns": 1,
        "shape": (64, 64),
        "exposure_s": 10.0,
        "temperature_c": -20.0,
        "filter": "V",
    } | more
    return Frame(path=path, kind=kind, **fields)


def night_of(tmp_path, *frames):
    return Night(tmp_path, tuple(sorted(frames, key=lambda f: f.path)))


def needs_in(night, rejected=(), rows=None):
    choices = Choices(rejected=dict.fromkeys(rejected, "cloud"))
    plan = build_plan(night, Recipe(), choices)
    return needs_of(night, plan, choices.rejected, rows or {}, {}, frozenset())


def way(needs, title, label):
    need = next(need for need in needs if title in need.title)
    return need, next(way for way in need.remedies if way.label.startswith(label))


FLATS = [frame(f"flat_{k}", FrameKind.FLAT, filter="R", exposure_s=1.0) for k in range(3)]
BIASES = [frame(f"bias_{k}", FrameKind.BIAS, filter=None, exposure_s=0.0) for k in range(3)]


@pytest.mark.parametrize("label", ["Go without", "Use flat_R"])
def test_what_settles_a_missing_flat_holds_for_frames_that_are_rejected_now(tmp_path, label):
    others = [frame("red", filter="R"), frame("long", exposure_s=60.0), frame("big", shape=(64, 128))]
    night = night_of(tmp_path, frame("a"), frame("b"), frame("c"), *others, *FLATS)
    need, remedy = way(needs_in(night, rejected=["b", "big"]), "flat for filter V", label)
    assert sorted(need.paths) == ["a", "c", "long"], "the frames that are shown are those that take part"
    assert sorted(remedy.paths) == ["a", "b", "c", "long"]


def test_a_missing_dark_is_settled_for_rejected_frames_of_the_same_exposure_and_temperature_only(tmp_path):
    rejected = [frame("b"), frame("long", exposure_s=60.0), frame("warm", temperature_c=-5.0)]
    night = night_of(tmp_path, frame("a"), *rejected, *BIASES)
    need, remedy = way(needs_in(night, [f.path for f in rejected]), "No dark", "Go without")
    assert need.paths == ("a",)
    assert remedy.paths == ("a", "b")


def test_flats_that_go_without_a_dark_take_their_rejected_ones_along(tmp_path):
    night = night_of(tmp_path, frame("a", filter="R"), *FLATS, *BIASES)
    _need, remedy = way(needs_in(night, ["flat_1"]), "flat_R: No dark", "Go without")
    assert remedy.paths == ("flat_0", "flat_2", "flat_1")


def test_an_accepted_frame_finds_the_flat_that_was_chosen_while_it_was_rejected(qtbot, opened):
    lights = [f"light_{k:03d}.fits" for k in range(4)]
    opened.decisions.set_field(lights[:3], "filter", "V")
    opened.decisions.reject(lights[:2], "cloud")

    def flats():
        plan = opened.night.plan
        return {s.path: s.flat for s in plan.science} if plan is not None else {}

    def need():
        return next((n for n in opened.night.needs if "flat for filter V" in n.title and n.paths == (lights[2],)), None)

    qtbot.waitUntil(lambda: need() is not None, timeout=PATIENCE_MS)
    opened.deeds.remedy(need(), next(way for way in need().remedies if way.label == "Use flat_R"))
    opened.decisions.accept([lights[0]])
    qtbot.waitUntil(lambda: flats().get(lights[0]) == "flat_R", timeout=PATIENCE_MS)


def test_buttons_say_what_they_do_and_do_not_repeat_the_need(qtbot, opened):
    opened.decisions.set_field(["light_000.fits"], "filter", "V")
    qtbot.waitUntil(lambda: any("flat for filter V" in n.title for n in opened.night.needs), timeout=PATIENCE_MS)
    QApplication.processEvents()
    tips = {b.text(): " ".join(b.toolTip().split()) for b in opened.needs.findChildren(QPushButton) if b.isVisible()}
    assert "dust and vignetting stay" in tips["Go without"]
    for need in opened.night.needs:
        for remedy in need.remedies:
            assert remedy.tip, f"{remedy.label} of {need.title} says nothing"
            assert need.why not in remedy.tip


def test_going_without_a_dark_says_whether_the_bias_comes_off(tmp_path):
    _need, remedy = way(needs_in(night_of(tmp_path, frame("a"), *BIASES)), "No dark", "Go without")
    assert "bias still comes off" in remedy.tip
    _need, remedy = way(needs_in(night_of(tmp_path, frame("a"), *FLATS)), "No dark", "Go without")
    assert "bias still comes off" not in remedy.tip
    assert "zero level" in remedy.tip


def test_using_the_flat_of_another_filter_says_what_it_costs(tmp_path):
    _need, remedy = way(
        needs_in(night_of(tmp_path, frame("a"), frame("r", filter="R"), *FLATS)), "flat for", "Use flat_R"
    )
    assert "though its filter is R" in remedy.tip
    assert "colours may differ" in remedy.tip


def test_rejecting_and_keeping_suspects_say_what_follows(tmp_path):
    measures = ScienceMeasures("quick", "ADU")
    row = QualityRow("a", measures, flags=(Flag("cloud", "stars are 0.8 mag fainter"),))
    needs = needs_in(night_of(tmp_path, frame("a"), *BIASES), rows={"a": row})
    assert "it is not calibrated" in way(needs, "cloud", "Reject")[1].tip
    assert "nothing more is asked" in way(needs, "cloud", "Keep")[1].tip


def test_a_night_is_not_called_ready_while_its_frames_are_judged(qtbot, opened):
    opened.night.needs = []
    opened.night.looks_quickly = True
    opened.night.look_quickly()
    assert opened.night.looking.is_on
    opened.needs._say_how_many()
    assert opened.needs.heading.full_text.startswith("No question so far · judging the frames")
    assert opened.needs.heading.property("role") == "heading"
    qtbot.waitUntil(lambda: not opened.night.looking.is_on, timeout=30_000)
    QApplication.processEvents()
    assert not opened.needs.heading.full_text.startswith("No question so far")


def test_the_heading_says_that_frames_were_judged_by_a_first_look(opened):
    rows = {f"light_{k:03d}.fits": QualityRow(f"light_{k:03d}.fits", ScienceMeasures("quick", "ADU")) for k in range(4)}
    opened.night._take_rows(rows.values())
    opened.needs.show_needs()
    assert opened.needs.heading.full_text.endswith("· first look")
    final = [QualityRow(path, ScienceMeasures("final", "electron")) for path in rows]
    opened.night._take_rows(final)
    opened.needs.show_needs()
    assert "first look" not in opened.needs.heading.full_text


def test_what_is_left_after_a_run_is_said_to_be_looked_at_rather_than_to_be_waited_for(qtbot, opened, monkeypatch):
    qtbot.waitUntil(lambda: opened.night.survey is not None, timeout=20_000)  # none that is on replaces ours
    number = len(in_lines(opened.night.needs, ()))
    count = f" · {number} question{'' if number == 1 else 's'}"
    assert number
    assert opened.needs.heading.full_text.startswith(f"Needs you{count}")
    monkeypatch.setattr(opened.night, "survey", survey_of(is_up_to_date=True))
    opened.needs.show_needs()
    assert opened.needs.heading.full_text.startswith(f"Left to look at{count}")
    monkeypatch.setattr(opened.night, "survey", survey_of(is_up_to_date=False))
    opened.needs.show_needs()
    assert opened.needs.heading.full_text.startswith(f"Needs you{count}")


def test_the_line_says_after_a_run_what_the_run_did_about_it(qtbot, opened, monkeypatch):
    qtbot.waitUntil(lambda: opened.night.survey is not None, timeout=20_000)  # none that is on replaces ours
    path = "light_000.fits"
    other = "light_001.fits"
    need = Need("No flat for filter V", "why", (path, other), (), lacks="flat")
    known = survey_of(is_up_to_date=True)
    without = {"bias": "", "dark": "there is none", "flat": "there is none"}
    known.steps, known.calibrated = {path: without, other: without}, {path: "a", other: "b"}
    assert done_about(need, opened.night) == "", "no run has come by"
    monkeypatch.setattr(opened.night, "survey", known)
    assert done_about(need, opened.night) == "reduced without a flat"
    monkeypatch.setattr(opened.night, "needs", [need])
    opened.needs.show_needs()
    assert opened.needs._line(0).findChildren(QLabel)[1].text() == "No flat for filter V · reduced without a flat"
    known.stale = {path: "its filter is another"}
    assert done_about(need, opened.night) == "1 of 2 reduced without a flat, 1 waits for the next run"
    dark = replace(need, title="No dark of 20 s", paths=(other,), lacks="dark")
    assert done_about(dark, opened.night) == "reduced with the bias alone"
    known.steps[other] = without | {"bias": "there is none"}
    assert done_about(dark, opened.night) == "reduced without a dark"
    known.steps[other] = without | {"dark": ""}
    assert done_about(dark, opened.night) == "reduced with a scaled dark"
    assert done_about(replace(dark, lacks="", title="No dark clouds"), opened.night) == "reduced like the others"
    known.steps = {}
    assert done_about(dark, opened.night) == "reduced like the others", "with what is not known"
    known.calibrated = {path: "a"}
    assert done_about(dark, opened.night) == "left out of the run"


def survey_of(*, is_up_to_date):
    return SimpleNamespace(
        is_reduced=True, is_up_to_date=is_up_to_date, calibrated={}, stale={}, masters=(), realigned={}
    )


def test_neither_a_notice_nor_the_name_of_a_product_moves_the_frames_under_the_pointer(opened, qtbot):
    opened.show()
    qtbot.waitExposed(opened)
    opened.log.say("something")
    qtbot.wait(50)

    def place():
        return opened.table.tree.mapTo(opened, QPoint(0, 0)), opened.table.tree.size()

    before = place()
    opened.show_problem(AstepError("the report cannot be written", "the disk is full", "make room"))
    opened.products.bar.show()
    qtbot.wait(50)
    assert opened.notice.isVisible()
    assert place() == before


def test_plan_beside_a_need_unfolds_and_marks_the_lines_it_speaks_of(qtbot, opened):
    opened.decisions.set_field(["light_000.fits"], "filter", "V")
    qtbot.waitUntil(lambda: any("flat for filter V" in n.title for n in opened.night.needs), timeout=PATIENCE_MS)
    need = next(n for n in opened.night.needs if "flat for filter V" in n.title)
    tree = opened.plan_panel.tree
    tree.collapseAll()
    opened.deeds.remedy(need, next(way for way in need.remedies if way.label == "Plan"))
    (line,) = tree.selectedItems()
    assert line.text(0) == f"▲ {need.why}"
    assert line.parent().isExpanded()
    assert line.parent().parent().isExpanded()
    assert tree.viewport().rect().intersects(tree.visualItemRect(line))


LONG = "a need of which the words take more than one line in the narrow list at the left of the window"


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
@pytest.mark.parametrize("many", [1, 5, 30])
def test_needs_are_shown_in_whole_lines_and_what_lies_below_is_counted(opened, qtbot, size, many):
    opened.resize(*size)
    qtbot.wait(50)
    height_before = opened.needs.height()
    opened.night.needs = [
        Need(LONG if k % 3 == 1 else f"need {k}", "why", (), (Remedy("Show", "show"),)) for k in range(many)
    ]
    opened.needs.show_needs()
    qtbot.wait(50)
    area = opened.needs._area
    lines = [opened.needs._line(k) for k in range(many)]
    ends = [line.mapTo(area.viewport(), line.rect().bottomLeft()).y() for line in lines]
    starts = [line.mapTo(area.viewport(), line.rect().topLeft()).y() for line in lines]
    height = area.viewport().height()
    shown = [k for k in range(many) if starts[k] < height]
    assert all(ends[k] <= height for k in shown), "the last line that is seen is cut"
    assert opened.needs.height() == height_before
    assert opened.needs.more.isVisible() == (len(shown) < many)
    assert area.verticalScrollBar().isVisible() == (len(shown) < many)
    if len(shown) < many:
        assert opened.needs.more.text() == f"▾ {many - len(shown)} more below"
        while "below" in opened.needs.more.text():
            qtbot.mouseClick(opened.needs.more, Qt.MouseButton.LeftButton)
            qtbot.wait(50)
            height = area.viewport().height()
            ends = [line.mapTo(area.viewport(), line.rect().bottomLeft()).y() for line in lines]
            starts = [line.mapTo(area.viewport(), line.rect().topLeft()).y() for line in lines]
            seen = [k for k in range(many) if ends[k] > 0 and starts[k] < height]
            assert all(starts[k] >= 0 and ends[k] <= height for k in seen), "each page has whole lines only"
        assert seen[-1] == many - 1, "the last one cannot be reached"


def test_the_needs_of_five_thousand_frames_are_found_in_a_moment(tmp_path):
    """They are looked for after every decision: comparing each frame with all others took a second and a half."""
    night = night_of(tmp_path, *[frame(f"light_{k:04d}") for k in range(5000)], *BIASES)
    plan = build_plan(night, Recipe(), Choices())
    begun = time.process_time()
    assert way(needs_of(night, plan, {}, {}, {}, frozenset()), "No dark", "Go without")
    assert time.process_time() - begun < 0.4


@pytest.fixture
def crowded(qtbot, opened):
    """A night with so many needs that settling them changes the room of the list."""
    qtbot.waitUntil(lambda: bool(opened.night.needs), timeout=PATIENCE_MS)
    science = [f.path for f in opened.night.frames if f.kind is FrameKind.SCIENCE]
    causes = dict(zip(science, ("cloud", "frost", "wind"), strict=False))
    opened.night._take_rows(
        QualityRow(path, ScienceMeasures("quick", "ADU"), flags=(Flag(cause, f"there is {cause}", "bad"),))
        for path, cause in causes.items()
    )
    opened.night._ask_needs()
    QApplication.processEvents()
    yield opened
    QCursor.setPos(0, 0)


@pytest.mark.parametrize("is_over", [True, False])
def test_the_list_of_frames_stays_where_it_is_wherever_the_pointer_goes(qtbot, crowded, is_over):
    tree, image = crowded.table.tree.viewport(), crowded.viewing.view
    QCursor.setPos(tree.mapToGlobal(tree.rect().center()) if is_over else image.mapToGlobal(QPoint(5, 5)))
    before = tree.mapToGlobal(QPoint(0, 0))
    needs = len(crowded.night.needs)
    crowded.decisions.reject([path for need in crowded.night.needs for path in need.paths], "cloud")
    qtbot.waitUntil(lambda: len(crowded.night.needs) < needs, timeout=PATIENCE_MS)
    qtbot.wait(50)
    assert tree.mapToGlobal(QPoint(0, 0)) == before
    QCursor.setPos(image.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(crowded.needs.parentWidget(), QEvent(QEvent.Type.Leave))
    qtbot.wait(50)
    assert tree.mapToGlobal(QPoint(0, 0)) == before


def test_rejecting_what_is_suggested_leaves_out_what_was_accepted_a_moment_before(qtbot, crowded):
    first = next(b for b in crowded.needs.findChildren(QPushButton) if b.text().startswith("Reject") and b.isVisible())
    frames = [n.paths[0] for n in crowded.night.needs if any(r.deed == "reject" for r in n.remedies)]
    crowded.decisions.accept(frames)
    qtbot.mouseClick(first, Qt.MouseButton.LeftButton)  # the list has not heard of it yet
    assert not set(frames) & set(crowded.night.rejected)
    assert set(frames) <= crowded.night.choices.kept


def test_a_file_that_cannot_be_used_is_not_asked_about_once_it_was_accepted(tmp_path):
    broken = frame("broken", unusable="it is cut off")
    night = night_of(tmp_path, broken, frame("a"))
    titles = [need.title for need in needs_of(night, None, {}, {}, {}, frozenset({"broken"}))]
    assert not any("cannot be used" in title for title in titles)
    assert any("cannot be used" in need.title for need in needs_of(night, None, {}, {}, {}, frozenset()))


# -- equal needs ---------------------------------------------------------------------------------------------------


def plain(words):
    """A number is not parted from its unit at the end of a line."""
    return words.replace("\N{NO-BREAK SPACE}", " ")


def test_equal_needs_share_a_line_and_one_click_settles_all_of_them(tmp_path):
    long = [frame(f"l{k}", exposure_s=10.0 * k) for k in range(1, 7)]
    lines = in_lines(needs_in(night_of(tmp_path, frame("v"), *long, *BIASES)), ())
    (line,) = [line for line in lines if "dark" in line.need.title.lower()]
    assert plain(line.need.title) == "No dark for 6 exposures: 10 s, 20 s, 30 s, 40 s and 2 more"
    assert len(line.parts) == 6
    settle = next(way for way in line.need.remedies if way.label == "Go without")
    assert sorted(settle.paths) == ["l1", "l2", "l3", "l4", "l5", "l6", "v"]
    assert [way.label for way in line.need.remedies] == ["Go without", "Show", "Plan"]


def test_needs_that_differ_in_their_ways_out_share_only_the_common_ones(tmp_path):
    greens = [frame(f"flat_g{k}", FrameKind.FLAT, filter="G", exposure_s=1.0) for k in range(3)]
    night = night_of(tmp_path, frame("v"), frame("b", filter="B"), frame("g", filter="G"), *FLATS, *greens, *BIASES)
    lines = in_lines(needs_in(night), {"No flat for {n} filters"})
    (line,) = [line for line in lines if line.need.title == "No flat for 2 filters: B, V"]
    below = lines[lines.index(line) + 1 :][:2]
    assert [one.need.title for one in below] == ["No flat for filter B", "No flat for filter V"]
    assert all(one.is_part and not one.parts for one in below)
    without = next(way for way in line.need.remedies if way.label == "Go without")
    assert sorted(without.paths) == ["b", "v"]


@pytest.fixture
def many_darks(qtbot, crowded):
    """A night of four exposures without a dark, whose suggestions are asked about too."""
    lights = [f"light_{k:03d}.fits" for k in range(4)]
    for k, path in enumerate(lights):
        crowded.decisions.set_field([path], "exposure_s", 20.0 + k)
    qtbot.waitUntil(
        lambda: sum(n.title.startswith("No dark of") for n in crowded.night.needs) == 4, timeout=PATIENCE_MS
    )
    QCursor.setPos(crowded.viewing.view.mapToGlobal(QPoint(5, 5)))
    crowded.resize(1280, 720)
    crowded.needs._place = None  # as a night that is opened so: else what is new stands below what there was
    crowded.needs.show_needs()
    qtbot.wait(50)
    return crowded


def seen_titles(window):
    needs = window.needs
    room = needs._area.viewport()
    lines = [line for k in range(needs._list.count()) if (line := needs._line(k)) is not None]
    seen = [line for line in lines if line.mapTo(room, line.rect().bottomLeft()).y() <= room.height()]
    return [plain(line.findChildren(QLabel)[1].text()) for line in seen]


def fold(qtbot, window):
    """Click what unfolds equal needs, or folds them again."""

    def buttons():
        return [button for button in window.needs.findChildren(QToolButton) if button.isVisible()]

    qtbot.waitUntil(lambda: len(buttons()) == 1, timeout=PATIENCE_MS)
    qtbot.mouseClick(buttons()[0], Qt.MouseButton.LeftButton)
    qtbot.wait(50)


def test_suggestions_are_a_click_away_though_many_exposures_have_no_dark(qtbot, many_darks):
    assert [title for title in seen_titles(many_darks) if "dark" in title] == [
        "No dark for 4 exposures: 20 s, 21 s, 22 s, 23 s"
    ]
    seen = set(seen_titles(many_darks))
    if many_darks.needs.more.isVisible():
        qtbot.mouseClick(many_darks.needs.more, Qt.MouseButton.LeftButton)
        seen |= set(seen_titles(many_darks))
    assert sum(" bad frame" in title for title in seen) == 3


def test_a_line_of_equal_needs_unfolds_and_each_has_its_ways_out(qtbot, many_darks):
    frames, needs = many_darks.table.pos(), many_darks.needs.height()
    fold(qtbot, many_darks)
    assert (many_darks.table.pos(), many_darks.needs.height()) == (frames, needs), "they unfold inside"
    many_darks.needs._area.verticalScrollBar().setValue(many_darks.needs._line(2).y())
    assert [t for t in seen_titles(many_darks) if t.startswith("No dark of")][:2] == [
        "No dark of 20 s",
        "No dark of 21 s",
    ]
    line = next(
        many_darks.needs._line(k) for k in range(9) if many_darks.needs._line(k)._need.title == "No dark of 21 s"
    )
    qtbot.wait(QApplication.doubleClickInterval() + 50)
    qtbot.mouseClick(
        next(b for b in line.findChildren(QPushButton) if b.text() == "Go without"), Qt.MouseButton.LeftButton
    )
    qtbot.waitUntil(
        lambda: sum(n.title.startswith("No dark of") for n in many_darks.night.needs) == 3, timeout=PATIENCE_MS
    )
    many_darks.needs._area.verticalScrollBar().setValue(0)
    fold(qtbot, many_darks)
    assert [title for title in seen_titles(many_darks) if "dark" in title] == [
        "No dark for 3 exposures: 20 s, 22 s, 23 s"
    ]


def test_the_plan_beside_equal_needs_marks_the_lines_of_all_of_them(qtbot, many_darks):
    line = next(one for one in in_lines(many_darks.night.needs, ()) if one.parts)
    many_darks.deeds.remedy(line.need, next(way for way in line.need.remedies if way.label == "Plan"))
    assert len(many_darks.plan_panel.tree.selectedItems()) == 4


# -- two clicks --------------------------------------------------------------------------------------------------


def click_at(qtbot, window, place):
    """Press and release where the pointer is, on whatever lies there; tell its words."""
    under = window.childAt(window.mapFromGlobal(place))
    qtbot.mouseClick(under, Qt.MouseButton.LeftButton, pos=under.mapFromGlobal(place))
    return under.text()


@pytest.fixture
def first_reject(qtbot, crowded):
    """Where the first button "Reject" of the list lies; the pointer is over it."""
    crowded.resize(1600, 1000)
    qtbot.wait(100)  # until all is laid out
    button = next(b for b in crowded.needs.findChildren(QPushButton) if b.text().startswith("Reject") and b.isVisible())
    place = button.mapToGlobal(button.rect().center())
    QCursor.setPos(place)
    return place


def settled(window):
    return {path: why for path, why in window.night.rejected.items() if why in {"cloud", "frost", "wind"}}


def test_a_line_that_is_settled_keeps_its_place_until_the_pointer_leaves(qtbot, crowded, first_reject):
    needs, titles = len(crowded.night.needs), seen_titles(crowded)
    click_at(qtbot, crowded, first_reject)
    qtbot.waitUntil(lambda: len(crowded.night.needs) == needs - 1, timeout=PATIENCE_MS)
    QApplication.processEvents()
    assert all(topic(before) in now for now, before in zip(seen_titles(crowded), titles, strict=True))
    qtbot.wait(QApplication.doubleClickInterval() + 50)
    click_at(qtbot, crowded, first_reject)
    assert len(settled(crowded)) == 1, "no other need's button came under the pointer"
    QCursor.setPos(crowded.mapToGlobal(crowded.rect().bottomRight()))
    QApplication.sendEvent(crowded.needs, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: len(seen_titles(crowded)) == len(titles) - 1, timeout=PATIENCE_MS)


def test_a_decision_changes_the_place_of_no_line(qtbot, opened):
    def flagged(causes):
        science = [f.path for f in opened.night.frames if f.kind is FrameKind.SCIENCE]
        opened.night._take_rows(
            QualityRow(path, ScienceMeasures("quick", "ADU"), flags=(Flag(cause, f"{cause}: so", "bad"),))
            for path, cause in zip(science, causes, strict=True)
        )
        opened.night._ask_needs()

    def asked_causes():
        return [topic(line.need.title) for line in opened.needs._shown[0] if line.need.severity]

    flagged(["cloud", "cloud", "trailed", "cloud"])
    assert asked_causes() == ["cloud", "trailed"]
    flagged(["trailed", "cloud", "trailed", "trailed"])
    assert asked_causes() == ["cloud", "trailed"]
    flagged(["trailed", "frost", "frost", "cloud"])
    assert asked_causes() == ["cloud", "trailed", "frost"]


def topic(title):
    return title.rpartition(" · ")[2]


def test_a_remedy_leaves_the_focus_where_it_was(qtbot, crowded, first_reject):
    crowded.table.tree.setFocus()
    click_at(qtbot, crowded, first_reject)
    QApplication.processEvents()
    assert QApplication.focusWidget() is crowded.table.tree


def test_a_line_that_stays_where_it_is_hears_a_click_at_once(qtbot, crowded, first_reject):
    lines = [crowded.needs._line(k) for k in range(len(crowded.night.needs))]
    last = next(line for line in reversed(lines) if "wind" in line._need.title)
    before = lines.index(last)
    crowded.night.needs = [*crowded.night.needs, Need("one more", "why", (), (Remedy("Show", "show"),))]
    crowded.needs.show_needs()
    QApplication.processEvents()
    stays = crowded.needs._line(before)
    button = next(b for b in stays.findChildren(QPushButton) if b.text().startswith("Reject"))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert list(settled(crowded).values()) == ["wind"]


def test_the_second_half_of_a_double_click_comes_before_the_list_is_told_again(qtbot, crowded, first_reject):
    under = crowded.childAt(crowded.mapFromGlobal(first_reject))
    qtbot.mouseClick(under, Qt.MouseButton.LeftButton)
    click_at(qtbot, crowded, first_reject)
    assert len(settled(crowded)) == 1
    assert crowded.decisions.stack.count() == 1, "and stands once in what can be undone"


# -- words -------------------------------------------------------------------------------------------------------


def test_needs_and_plan_name_the_ways_of_the_window_and_no_commands(qtbot, opened):
    words = "`astep set OUT kind=dark` settles it: no master has that name"
    qtbot.waitUntil(lambda: opened.night.plan is not None, timeout=PATIENCE_MS)
    science, other = opened.night.plan.science[0], opened.night.plan.science[1:]
    opened.night.plan = replace(
        opened.night.plan,
        science=(replace(science, warnings=(words,)), *other),
        warnings=("run `astep reduce` again",),
        left_out=(LeftOut("x.fits", "an existing master: `astep set NIGHT kind=dark 'x.fits'` makes it serve"),),
    )
    opened.night._ask_needs()
    opened.plan_panel.follow()
    QApplication.processEvents()
    lines = [line.text(0) for line in opened.plan_panel._lines()]
    tips = [line.toolTip(0) for line in opened.plan_panel._lines()]
    needs = [opened.needs._line(k) for k in range(len(opened.night.needs))]
    shown = [
        *lines,
        *tips,
        *(label.text() for n in needs for label in n.findChildren(QLabel)),
        *(n.toolTip() for n in needs),
    ]
    assert not [said for said in shown if "astep" in said]
    assert "▲ “Set kind…” (K) settles it: no master has that name" in lines
    assert "“Reduce night” (Ctrl+R)" in " ".join(lines)
    need = next(need for need in opened.night.needs if need.why == words)
    opened.deeds.remedy(need, next(one for one in need.remedies if one.label == "Plan"))
    assert [line.text(0) for line in opened.plan_panel.tree.selectedItems()] == [
        "▲ “Set kind…” (K) settles it: no master has that name"
    ]
