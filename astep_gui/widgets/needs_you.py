"""What needs a person, each with its remedy one click away."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCursor
from PyQt6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.equal_needs import in_lines
from astep_gui.models.needs import Remedy
from astep_gui.models.needs_after import done_about
from astep_gui.models.needs_answers import Answer, Answers, answer_words
from astep_gui.models.needs_order import in_their_places, key_of
from astep_gui.models.needs_words import heading_of, next_of
from astep_gui.models.tip_words import wrapped
from astep_gui.theme import restyle
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.need_row import NeedRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QResizeEvent

    from astep_gui.models.equal_needs import NeedLine
    from astep_gui.models.needs import Need
    from astep_gui.models.needs_answers import Step
    from astep_gui.models.night_model import NightModel

_FIRST_LOOK = wrapped(
    "Frames were judged by a first look at the raw ones: the reduction measures and judges them anew."
)
_NARROW_PX = 400
"""Below this width a need shows one way out, and the others behind "more"."""
_BESIDE_PX = 500
"""From this width on, three ways out with numbers in them have room beside the words; else they stand below."""
LEAST_PX = 84
"""Heading, a line of a need, and how many lie below."""
_ABOVE_PX, _HEAD_PX, _BELOW_HEADING_PX, _BELOW_PX = 4, 26, 4, 4
_RIGHT_PX = 6


class NeedsYou(QWidget):
    """The list. Empty, it says that the night is ready."""

    remedy_chosen = pyqtSignal(object, object)
    """Need, Remedy."""

    def __init__(self, night: NightModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._room = (False, False)
        """Whether there is room for two ways out, and for three long ones beside the words."""
        self._answers = Answers()
        self._shown: tuple[list[NeedLine], tuple[bool, bool], tuple[str, ...], tuple[Remedy | None, ...]] | None = None
        self._heights: list[int] = []
        """Of the lines with the gaps below them, pixels."""
        self._first = 0
        """Number of the line that is to be seen at the top."""
        self._place: object = None
        """The night whose lines are shown."""
        self._unfolded: set[str] = set()
        """Kins of equal needs that stand one by one."""
        self.heading = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.heading.setProperty("role", "heading")
        self._list = QVBoxLayout()
        self._list.setContentsMargins(10, 0, _RIGHT_PX, _BELOW_PX)
        self._list.setSpacing(6)
        inside = QWidget()
        inside.setLayout(self._list)
        self._area = QScrollArea()
        self._area.setWidget(inside)
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click on a button of it leaves the focus where it was
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._lay_out()
        night.needs_changed.connect(self.show_needs)
        night.looking.failed.connect(self.show_needs)
        night.looking.progressed.connect(self._say_how_many)
        night.survey_changed.connect(self.show_needs)
        self.show_needs()

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, _ABOVE_PX, 0, 0)
        box.setSpacing(_BELOW_HEADING_PX)
        self.heading.setContentsMargins(10, 0, 8, 0)
        self.next = QLabel()
        self.next.setProperty("role", "dim")
        self.next.setTextFormat(Qt.TextFormat.PlainText)
        self.next.setWordWrap(True)
        self.next.setContentsMargins(10, 0, 8, 0)
        self.next.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.next.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.more = QPushButton()
        self.more.setProperty("small", "true")
        self.more.setFlat(True)
        self.more.setToolTip("Scroll on")
        self.more.clicked.connect(self._scroll_on)
        head = QWidget()
        head.setFixedHeight(_HEAD_PX)  # whether the button is there or not
        top = QHBoxLayout(head)
        top.setContentsMargins(0, 0, 6, 0)
        top.addWidget(self.heading, 1)
        top.addWidget(self.more)
        box.addWidget(head)
        box.addWidget(self._area)
        box.addWidget(self.next, 1)
        box.addStretch()
        bar = self._area.verticalScrollBar()
        assert bar is not None, "every scroll area has one"
        bar.valueChanged.connect(self._say_more)
        bar.actionTriggered.connect(lambda _action: QTimer.singleShot(0, self._fit_height))  # once it has moved
        bar.sliderReleased.connect(self._fit_height)
        self.setMinimumHeight(LEAST_PX)

    def show_needs(self) -> None:
        """Show what the night needs now."""
        lines = self._in_their_places(in_lines(self._night.needs, self._unfolded))
        self._say_how_many(has_lines=bool(lines))
        done = tuple(self._done_words(line) for line in lines)
        back = tuple(self._way_back(line) for line in lines)
        wanted_lines = (lines, self._room, done, back)
        if wanted_lines == self._shown:
            return  # nothing moves under the cursor while nothing changed
        came, first = self._when_they_came(lines, self._scroll()), self._first_again(lines)
        self._shown = wanted_lines
        while (item := self._list.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for line, came_s, words, way in zip(lines, came, done, back, strict=True):
            shown = NeedRow(line, self.remedy_chosen.emit, self._room, came_s, words, way)
            shown.set_unfolded(line.kin in self._unfolded)
            shown.fold_asked.connect(self._fold)
            self._list.addWidget(shown)
            shown.show()  # Qt shows it a moment later: until then it has no height, and the list no place to scroll to
        self._list.addStretch(1)  # where there is more room than they take, no line moves for it
        self._fit_height(first)

    def _in_their_places(self, lines: list[NeedLine]) -> list[NeedLine]:
        """Keep the order once the night is known, and under the pointer whatever comes: see the function."""
        place, night = self._place, self._night
        self._place = night.place.night if night.place is not None else None
        before = self._shown[0] if self._shown is not None and place == self._place else []
        is_pointed_at = self.isVisible() and self.rect().contains(self.mapFromGlobal(QCursor.pos()))
        if place != self._place:
            self._answers.forget()

        def keeps(line: NeedLine) -> bool:
            answer = self._answers.of(line.need)
            return is_pointed_at or (answer is not None and answer.stays)

        placed = in_their_places(lines, before, keeps)
        if is_pointed_at:
            return placed
        # What is settled is told below what is not; while frames are judged, those come in the most pressing first.
        settled = [replace(line, kin="", is_part=False) for line in placed if line.is_done]
        return [*(lines if night.looking.is_on else (line for line in placed if not line.is_done)), *settled]

    def take_answer(self, need: Need, way: Remedy, step: Step) -> None:
        """Tell in the line of a need how it was answered, once it is settled.

        Parameters
        ----------
        need, way : Need, Remedy
        step : Step
            Of the logbook, that it became.
        """
        self._answers.give(Answer(need, way, step))
        self.show_needs()

    def follow_steps(self, last: Step) -> None:
        """Know which step an undo would take back; what was taken back is no answer any more."""
        self._answers.follow(last)
        self.show_needs()

    def forget_answers(self) -> None:
        """Tell of no answer any more: a run has followed them."""
        self._answers.forget()
        self.show_needs()

    def _done_words(self, line: NeedLine) -> str:
        answer = self._answers.of(line.need) if line.is_done else None
        return answer_words(answer, self._night) if answer is not None else done_about(line.need, self._night)

    def _way_back(self, line: NeedLine) -> Remedy | None:
        """Return what takes the answer of a settled line back; none that is not the last step."""
        answer = self._answers.of(line.need) if line.is_done else None
        if answer is None:
            return None
        if self._answers.can_take_back(answer):
            return Remedy("Undo", "undo", tip=f"Take it back: {answer.step[1]} (Ctrl+Z)")
        return Remedy("Undo", "show", tip="Other decisions came after it: Ctrl+Z takes them back first")

    def leaveEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Close the gaps of what is done: no button comes under the pointer any more."""
        super().leaveEvent(event)
        if self._shown is not None and any(line.is_done for line in self._shown[0]):
            QTimer.singleShot(0, self.show_needs)

    def _fold(self, kin: str) -> None:
        """Show the needs of a kin one by one, or together again; what has no room is scrolled to."""
        self._unfolded ^= {kin}
        self.show_needs()
        QTimer.singleShot(0, self._fit_height)

    def _when_they_came(self, needs: Sequence[NeedLine], scrolled: int) -> list[float]:
        """Return for each line when it took the place of another one (s of a clock); 0 where none stood there."""
        before = [] if self._shown is None else self._shown[0]
        now_s, came = time.monotonic(), []
        stays = not scrolled  # a shorter list may not stay as far down as it was
        for k, need in enumerate(needs):
            line = self._line(k)
            if k >= len(before) or line is None:
                came.append(0.0)
                continue
            stays = stays and need == before[k]  # below a line that changed all may lie elsewhere
            came.append(line.came_s if stays else now_s)
        return came

    def _fit_height(self, first: int | None = None) -> None:
        """Show as many lines as are seen whole. The list's own height is the person's: what lies below never moves.

        Parameters
        ----------
        first : int, optional
            Number of the line to be seen at the top; by default the nearest to where it is scrolled to.
        """
        self._area.setVisible(self._shown is not None and bool(self._shown[0]))
        bar = self._area.verticalScrollBar()
        assert bar is not None, "every scroll area has one"
        sides = self._list.contentsMargins()
        beside, gap = bar.sizeHint().width(), self._list.spacing()
        # The bar has its room whether it is there or not: no button moves when it comes.
        room = self.width() - sides.left() - _RIGHT_PX - beside
        lines = [line for k in range(self._list.count()) if (line := self._line(k)) is not None]
        heights = [line.height_at(room) + gap for line in lines]
        most = self.height() - _ABOVE_PX - _HEAD_PX - _BELOW_HEADING_PX
        is_whole = sum(heights) - gap <= most
        self._list.setContentsMargins(sides.left(), 0, _RIGHT_PX + (beside if is_whole else 0), _BELOW_PX)
        self._heights = list(heights)
        first = self._first_seen(most + gap, self._nearest() if first is None else first)
        heights = heights[first:]
        while sum(heights) - gap > most and len(heights) > 1:
            heights.pop()
        # The gap below the last line that is whole is none of the next one's.
        self._area.setFixedHeight(min(max(sum(heights) + (_BELOW_PX if is_whole else -1), 0), max(most, 1)))
        self.more.setHidden(is_whole)
        if heights:
            bar.setSingleStep(heights[0])  # the wheel too stops at whole lines
        always, never = Qt.ScrollBarPolicy.ScrollBarAlwaysOn, Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self._area.setVerticalScrollBarPolicy(never if is_whole else always)
        if not bar.isSliderDown() and (layout := self.layout()) is not None:
            layout.activate()  # the bar ends where the last page does
            QApplication.sendPostedEvents(
                self._area.widget(), QEvent.Type.LayoutRequest.value
            )  # of the lines there are
            bar.setValue(sum(self._heights[:first]))
            self._first = first
            QTimer.singleShot(0, self._put_first)  # a method of its own: Qt forgets it with the widget
        self._say_more()

    def _put_first(self) -> None:
        """Scroll to where that line is, once Qt has laid all of them out: lines that grew meanwhile push it down."""
        bar, line = self._area.verticalScrollBar(), self._line(self._first)
        if bar is not None and line is not None and not bar.isSliderDown():
            bar.setValue(line.y())

    def _first_seen(self, room: int, first: int) -> int:
        """Return the number of the line at the top: as many lines are seen whole as there is room for, pixels."""
        while first and sum(self._heights[first - 1 :]) <= room:
            first -= 1  # the last page is full
        return first

    def _nearest(self) -> int:
        """Return the number of the line that begins nearest to where the list is scrolled to."""
        scrolled, tops = self._scroll(), [0, *accumulate(self._heights)][:-1]
        return min(range(len(tops)), key=lambda k: abs(tops[k] - scrolled), default=0)

    def _first_again(self, lines: Sequence[NeedLine]) -> int:
        """Return the number of the line that is to be seen first: the one that is, or what stands below it."""
        before = [] if self._shown is None else self._shown[0]
        at = self._nearest()
        if not at:
            return 0  # at the beginning what is new is seen
        if at < len(lines) and key_of(lines[at]) == key_of(before[at]):
            return at
        keys = [None if line.is_done else key_of(line) for line in lines]
        return next((keys.index(key) for line in before[at:] if (key := key_of(line)) in keys), at)

    def _say_more(self, *_: object) -> None:
        """Say how many lines lie below those that are seen."""
        edge = self._scroll() + self._area.maximumHeight()
        below = sum(end - self._list.spacing() > edge for end in accumulate(self._heights))
        more, first = ("more below", "back to the first") if self._room[0] else ("more", "first")
        self.more.setText(f"▾ {below} {more}" if below else f"▴ {first}")

    def _scroll_on(self) -> None:
        """Bring the next lines into sight, or the first again after the last."""
        bar = self._area.verticalScrollBar()
        assert bar is not None, "every scroll area has one"
        edge = bar.value() + self._area.maximumHeight()
        ends = enumerate(accumulate(self._heights))
        below = (k for k, end in ends if end - self._list.spacing() > edge)
        self._fit_height(next(below, 0))

    def _say_how_many(self, *_: object, has_lines: bool | None = None) -> None:
        if has_lines is None:
            has_lines = self._shown is not None and bool(self._shown[0])
        place = self._night.place
        is_known = place is None or not place.has_logbook or self._night.rows
        does = "judging the frames" if is_known else "reading what is known"
        looks = self._night.looking.counted or f"{does} …"
        still = f" · {looks}" if self._night.looking.is_on else ""
        rests_on_first = any(
            row.measures.state == "quick" and path not in self._night.rejected for path, row in self._night.rows.items()
        )
        if rests_on_first and not still:
            still = " · first look"
        heading = heading_of(self._night)
        self.heading.say(heading + still, heading)
        if rests_on_first:
            self.heading.setToolTip(_FIRST_LOOK)
        self.next.setText(next_of(self._night))
        self.next.setHidden(has_lines)
        is_ready = heading.startswith("✓")
        self.heading.setProperty("role", "good" if is_ready else "heading")
        restyle(self.heading)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Show fewer ways out where there is little room."""
        super().resizeEvent(event)
        if (room := (self.width() >= _NARROW_PX, self.width() >= _BESIDE_PX)) != self._room:
            self._room = room
            QTimer.singleShot(0, self.show_needs)  # not while it is being laid out
        else:
            QTimer.singleShot(0, self._fit_height)
        self._say_how_many()  # a heading that is cut at this width has its words in its tip

    def _line(self, number: int) -> NeedRow | None:
        item = self._list.itemAt(number)
        line = item.widget() if item is not None else None
        return line if isinstance(line, NeedRow) else None

    def _scroll(self) -> int:
        bar = self._area.verticalScrollBar()
        return bar.value() if bar is not None else 0
