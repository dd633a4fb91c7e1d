"""The controls of blinking: play, step, rate, to and fro, aligned."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, Qt, pyqtSignal
from PyQt6.QtGui import QActionGroup
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSlider, QSpinBox, QToolButton, QVBoxLayout, QWidget

from astep_gui.models.blink import FASTEST, SLOWEST
from astep_gui.models.blink_levels import MODES
from astep_gui.theme import icon, mono_font
from astep_gui.widgets.blink_choice import BlinkChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PyQt6.QtGui import QResizeEvent

    from astep_gui.models.blink import BlinkModel
    from astep_gui.models.blink_levels import BlinkLevels, LevelsMode

FAST = 3.0
"""Frames a second above which nobody rejects the very frame that is shown when the key is pressed."""

ROOMY_PX = 960
"""Width from which all stands on one line."""
SPACING_PX = 6
PLAY_PX = 86
"""The same for both of its words."""
ICON_MARGIN_PX = 18
"""Around the picture of a toggle without words."""
LEVELS_WORDS: dict[LevelsMode, tuple[str, str]] = {
    "contrast": ("Same contrast", "each frame from its own sky, as wide as the middle frame of its kind"),
    "same": ("Same levels", "equal values look alike: a sky much brighter or darker than most is white or black"),
    "own": ("Own levels", "each frame chosen anew: brightness says nothing from frame to frame"),
}
"""What the levels of a blink may be, in a few words and in more."""


class BlinkBar(QWidget):
    """Drives a :class:`BlinkModel`; one line under the image, two where there is little room."""

    reject_asked = pyqtSignal(object)
    """Key of the frame."""
    asking_changed = pyqtSignal()
    """The person is asked which frame was meant, or no more."""
    closed = pyqtSignal()
    """The person is done blinking, and wants to be where it was begun."""
    stay_asked = pyqtSignal()
    """The person is done blinking, and wants to see more of the frame that is seen."""

    _said = ("", "")
    """The notes in full, and in so few words that the toggles may keep theirs."""

    def __init__(self, blink: BlinkModel, levels: BlinkLevels, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._blink = blink
        self._levels = levels
        self.choice: BlinkChoice | None = None
        self.is_asking = False
        self.back = self._button("previous", "", "The frame before (←)", lambda: blink.step(-1))
        self.play = self._button("play", "Play", "Blink (B or Space)", blink.toggle)
        self.forth = self._button("next", "", "The next frame (→)", lambda: blink.step(1))
        self.play.setMinimumWidth(PLAY_PX)
        self.place = QSlider(Qt.Orientation.Horizontal)
        self.place.setAccessibleName("Frame")
        self.place.valueChanged.connect(self._slide)
        self.count = QLabel()
        self.count.setFont(mono_font())
        self.rate = QSpinBox()
        self.rate.setRange(int(SLOWEST), int(FASTEST))
        self.rate.setSuffix(" fps")
        self.rate.setKeyboardTracking(False)
        self.rate.setToolTip("Frames a second (slower ,  faster .)")
        self.rate.valueChanged.connect(lambda value: blink.set_rate(float(value)))
        self.reached = QLabel()
        self.reached.setFont(mono_font())
        self.reached.setProperty("role", "dim")
        self.reached.setToolTip("The rate that is reached, how small the frames are kept, and how many are loaded")
        self.notes = QLabel()
        """What is not as it should be: frames without a place, or without a calibrated file."""
        self.notes.setFont(mono_font())
        self.notes.setProperty("role", "warn")
        self.notes.setContentsMargins(8, 0, 8, 0)
        self._left_out: tuple[str, ...] = ()
        self._rejected: tuple[str, ...] = ()
        self._wide: dict[tuple[str, str], int] = {}
        """Width of a toggle with its words, by words and font."""
        self.ping_pong = self._toggle("ping_pong", "To and fro", blink.set_ping_pong)
        self.ping_pong.setToolTip("To and fro: at the end it turns round (H)")
        self.aligned = self._toggle("align", "Aligned", blink.set_aligned)
        self.aligned.setToolTip("Aligned: stars stay where they are, by the measured places of the frames (J)")
        self.skip = self._toggle("without_rejected", "No rejected", blink.set_without_rejected)
        self.skip.setToolTip("No rejected: leave out frames that are rejected, or are rejected meanwhile (Ctrl+H)")
        self.looks = self._levels_button()
        words = "End blinking, and stay on the frame that is seen (Enter)"
        self.stay = self._button("image", "", words, self.stay_asked.emit)
        words = "End blinking, and go back to what was seen before it (Esc)"
        self.close_button = self._button("reject", "", words, self.closed.emit)
        self._lay_out()
        blink.state_changed.connect(self._follow)
        blink.progress_changed.connect(self._follow_progress)
        blink.frame_due.connect(lambda *_: self._follow_place())
        levels.changed.connect(self._follow_levels)
        self._follow()

    def _lay_out(self) -> None:
        self._upper, self._lower = QHBoxLayout(), QHBoxLayout()
        for row in (self._upper, self._lower):
            row.setSpacing(SPACING_PX)
        for widget in (self.back, self.play, self.forth):
            self._upper.addWidget(widget)
        self._upper.addWidget(self.place, 1)
        for widget in (self.count, self.rate):
            self._upper.addWidget(widget)
        self._toggles = (self.ping_pong, self.aligned, self.skip, self.looks)
        """The first ones do without their words first."""
        self._upper.addWidget(self.stay)
        self._upper.addWidget(self.close_button)
        for label in (self.reached, self.notes):
            self._lower.addWidget(label)
        self._lower.addStretch(1)
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 4, 8, 4)
        box.setSpacing(2)
        box.addLayout(self._upper)
        box.addLayout(self._lower)
        self._is_roomy = False
        for toggle in self._toggles:
            self._lower.addWidget(toggle)
        self.stay.hide()
        self.place.setMinimumWidth(60)
        self.setMinimumWidth(430)

    def event(self, event: QEvent | None) -> bool:
        """Give the words their room anew whenever one of them is longer or shorter than before."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._fit_words()
        return super().event(event)

    def _fit_words(self) -> None:
        """Keep what is said whole: toggles do with their pictures, and the reached rate goes, before a time is cut."""
        self._fit_notes()
        margins = self.contentsMargins().left() + self.contentsMargins().right() + 16
        said: list[QWidget] = [label for label in (self.notes,) if not label.isHidden()]
        if self._is_roomy:
            said += [self.back, self.play, self.forth, self.count, self.rate, self.stay, self.close_button]
        needed = sum(max(widget.sizeHint().width(), widget.minimumWidth()) for widget in said)
        needed += (self.place.minimumWidth() if self._is_roomy else 0) + SPACING_PX * (len(said) + len(self._toggles))
        room = self.width() - margins - needed
        wide = [self._width_with_words(toggle) for toggle in self._toggles]
        narrow = [toggle.iconSize().width() + ICON_MARGIN_PX for toggle in self._toggles]
        for k, toggle in enumerate(self._toggles):
            has_words = sum(wide) <= room
            style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if has_words else Qt.ToolButtonStyle.ToolButtonIconOnly
            toggle.setToolButtonStyle(style)
            wide[k] = wide[k] if has_words else narrow[k]
        left = self.width() - margins - needed - sum(wide) - SPACING_PX
        self.reached.setVisible(bool(self.reached.text()) and self.reached.sizeHint().width() <= left)
        self._fit_play()
        if (layout := self.layout()) is not None:
            layout.activate()  # at once: Qt has laid out already what it was asked for

    def _fit_notes(self) -> None:
        """Say how many frames go by otherwise in fewer words, the rest in the tip, before toggles lose theirs."""
        full, short = self._said
        if not short or self.notes.text() not in self._said:
            return
        others = [self.back, self.play, self.forth, self.count, self.rate, self.stay, self.close_button]
        taken = [max(widget.sizeHint().width(), widget.minimumWidth()) for widget in others if self._is_roomy]
        taken += [self.place.minimumWidth()] if self._is_roomy else []
        taken += [self._width_with_words(toggle) for toggle in self._toggles]
        notes = self.notes.contentsMargins().left() + self.notes.contentsMargins().right()
        notes += self.notes.fontMetrics().horizontalAdvance(full)
        has_room = sum(taken) + notes + SPACING_PX * (len(taken) + 1) + 16 <= self.width()
        if self.notes.text() != (words := full if has_room else short):
            self.notes.setText(words)

    def _fit_play(self) -> None:
        """Do without the word of the first button where the time would be cut."""
        others = [self.back, self.forth, self.count, self.rate, self.close_button]
        others += [self.stay] if self._is_roomy else []
        room = self.width() - 16 - self.place.minimumWidth() - sum(widget.sizeHint().width() for widget in others)
        has_words = room - SPACING_PX * (len(others) + 1) >= PLAY_PX
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if has_words else Qt.ToolButtonStyle.ToolButtonIconOnly
        self.play.setToolButtonStyle(style)
        self.play.setMinimumWidth(PLAY_PX if has_words else 0)

    def _width_with_words(self, toggle: QToolButton) -> int:
        """Return the width that a toggle has, or would have, with its words."""
        toggle.ensurePolished()
        key = (toggle.text(), toggle.font().key())
        if key not in self._wide:
            was = toggle.toolButtonStyle()
            toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            self._wide[key] = toggle.sizeHint().width()
            toggle.setToolButtonStyle(was)
        return self._wide[key]

    def say_left_out(self, names: Sequence[str], rejected: Sequence[str] = ()) -> None:
        """Say which frames do not go by: they have no calibrated file yet, or need none, because they are rejected."""
        self._left_out, self._rejected = tuple(names), tuple(rejected)
        self._follow_notes()

    def ask_reject(self) -> None:
        """Reject the frame that is shown; when it went by fast, stop and ask which was meant."""
        blink = self._blink
        if blink.is_playing and blink.rate > FAST:
            frames, likely = blink.recent()
            self._ask(is_asking=bool(frames))
            blink.pause()
            if frames:
                self.choice = BlinkChoice(frames, likely, self._levels, self.window())
                self.choice.chosen.connect(self.reject_asked)
                self.choice.closed.connect(lambda: self._ask(is_asking=False))
                self.choice.show_over(self)
            return
        if blink.current is not None:
            self.reject_asked.emit(blink.current.key)

    def _ask(self, *, is_asking: bool) -> None:
        self.is_asking = is_asking
        self.asking_changed.emit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Put the toggles beside the rest where there is room for their words, else under it."""
        super().resizeEvent(event)
        is_roomy = self.width() >= ROOMY_PX
        if is_roomy == self._is_roomy:
            self._fit_words()
            return
        self._is_roomy = is_roomy
        self.stay.setVisible(is_roomy)  # in a narrow bar the rail says that Enter does it
        for toggle in self._toggles:
            (self._lower if is_roomy else self._upper).removeWidget(toggle)
            if is_roomy:
                self._upper.insertWidget(self._upper.indexOf(self.stay), toggle)
            else:
                self._lower.addWidget(toggle)
        for number, label in enumerate((self.reached, self.notes)):
            (self._lower if is_roomy else self._upper).removeWidget(label)
            if is_roomy:
                self._upper.insertWidget(self._upper.indexOf(self.rate) + 1 + number, label)
            else:
                self._lower.insertWidget(number, label)
        self._follow_place()
        self._fit_words()
        self.updateGeometry()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Measure the words anew in another theme, when Qt lays out for it: what stands around them differs."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self._wide.clear()

    def _button(self, name: str, words: str, tip: str, deed: Callable[[], object]) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name))
        button.setText(words)
        button.setToolTip(tip)
        button.setAccessibleName(words or tip)
        if words:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.clicked.connect(lambda _checked: deed())
        return button

    def _toggle(self, name: str, words: str, deed: Callable[[bool], None]) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name))
        button.setText(words)
        button.setToolTip(words)
        button.setAccessibleName(words)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setCheckable(True)
        button.toggled.connect(deed)
        return button

    def _levels_button(self) -> QToolButton:
        """Say which levels are used, and offer the others."""
        button = QToolButton()
        button.setIcon(icon("freeze"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu, group = QMenu(button), QActionGroup(button)
        menu.setToolTipsVisible(True)
        self.levels_actions = {}
        for mode in MODES:
            words, more = LEVELS_WORDS[mode]
            action = menu.addAction(f"{words}: {more}")
            assert action is not None
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _on, mode=mode: self._levels.set_mode(mode))
            self.levels_actions[mode] = action
        button.setMenu(menu)
        return button

    def _follow_levels(self) -> None:
        mode, kins = self._levels.mode, self._levels.kins
        words, more = LEVELS_WORDS[mode]
        self.levels_actions[mode].setChecked(True)
        is_mixed = kins > 1 and mode != "own"
        said = f"{words} · {kins} kinds" if is_mixed else words
        self.looks.setText(f"{said} ▾")
        several = f"\n{kins} kinds, filters or exposures go by: each has levels of its own" if is_mixed else ""
        self.looks.setToolTip(f"Levels (Shift+B). {words}: {more}{several}")
        self.looks.setAccessibleName(f"Levels: {said}")

    def _slide(self, value: int) -> None:
        going = self._blink.going
        if value < len(going) and going[value] != self._blink.index:
            self._blink.pause()
            self._blink.go(going[value])

    def _follow(self) -> None:
        blink = self._blink
        enough = len(blink.frames) > 1
        self.play.setText("Pause" if blink.is_playing else "Play")
        self.play.setIcon(icon("pause" if blink.is_playing else "play"))
        for widget in (self.play, self.back, self.forth, self.place):
            widget.setEnabled(enough)
        self.rate.blockSignals(True)  # noqa: FBT003 - Qt's own way
        self.rate.setValue(round(blink.rate))
        self.rate.blockSignals(False)  # noqa: FBT003
        self._check(self.ping_pong, blink.ping_pong)
        self._check(self.aligned, blink.aligned)
        self._check(self.skip, blink.without_rejected)
        self.aligned.setEnabled(blink.has_shifts)
        self._follow_levels()
        self._follow_notes()
        self._follow_place()
        self._follow_progress()

    def _follow_notes(self) -> None:
        unplaced, n = self._blink.unplaced, len(self._blink.going)
        words, tips = [], []
        if unplaced:
            words.append(f"{len(unplaced)} of {n} not aligned")
            tips.append("\n".join(("Shown as they were taken, their places are not known:", *unplaced)))
        if alone := self._blink.alone:
            words.append(f"{len(alone)} alone")
            tips.append("\n".join(("Shown as they were taken, no other frame is of their field:", *alone)))
        if self._left_out:
            words.append(f"{len(self._left_out)} not calibrated yet")
            tips.append("\n".join(("Left out, they have no calibrated file:", *self._left_out)))
        if self._rejected:
            tips.append("\n".join(("Left out, they are rejected and have no calibrated file:", *self._rejected)))
        passed = self._blink.passed_over
        if both := len(self._rejected) + len(passed):
            without = "not calibrated" if not passed else f"{len(self._rejected)} of them not calibrated"
            why = f", {without}" if self._rejected else ""
            words.append(f"{both} rejected left out{why}")
        if passed:
            tips.append("\n".join(("Passed over, they are rejected (Ctrl+H shows them again):", *passed)))
        out = len(self._left_out) + both
        short = f"{len(unplaced)} not aligned · {out} left out" if unplaced and out else ""
        if (said := (" · ".join(words), short)) != self._said or self.notes.text() not in said:
            self._said = said
            self.notes.setText(said[0])
        self._fit_notes()
        self.notes.setToolTip("\n\n".join(tips))
        self.notes.setVisible(bool(words))

    def _follow_place(self) -> None:
        blink = self._blink
        going = blink.going
        n, index = len(going), bisect_left(going, blink.index)
        goes_by = index < n and going[index] == blink.index  # the frame that is seen may just have been rejected
        self.place.blockSignals(True)  # noqa: FBT003
        self.place.setRange(0, max(0, n - 1))
        self.place.setValue(index)
        self.place.blockSignals(False)  # noqa: FBT003
        when = blink.current.when if blink.current is not None else ""
        place = f"{index + 1 if goes_by else '–' if n else 0:>{len(str(n))}}/{n}"
        if not self._is_roomy:
            when = when.removesuffix(" UTC")
        self.count.setText(f"{place} · {when}" if when else place)

    def _follow_progress(self) -> None:
        blink = self._blink
        words = []
        if blink.is_playing and blink.reached_rate:
            words.append(f"{blink.reached_rate:4.1f} fps")
        if blink.reduction > 1:
            words.append(f"1:{blink.reduction}")
        if blink.loaded < len(blink.going):
            words.append(f"loaded {blink.loaded}")
        self.reached.setText(" · ".join(words))
        self.rate.setToolTip(" · ".join(("Frames a second", *words)))  # where the label has no room

    @staticmethod
    def _check(button: QToolButton, on: bool) -> None:  # noqa: FBT001
        button.blockSignals(True)  # noqa: FBT003
        button.setChecked(on)
        button.blockSignals(False)  # noqa: FBT003
