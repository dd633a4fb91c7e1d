"""The header of a frame: what matters pinned on top, every card below, searchable."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFormLayout, QLabel, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from astep_gui.models.latest import LatestWork
from astep_gui.models.tip_words import as_written
from astep_gui.theme import mono_font
from pipeline_core.errors import AstepError

if TYPE_CHECKING:
    from pathlib import Path

    from astep_gui.models.night_model import NightModel
    from pipeline_core.types import Frame

    Cards = list[tuple[str, str, str]]


class HeaderPanel(QWidget):
    """Follows the current frame."""

    def __init__(self, night: NightModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        # One thread for all frames: to start one takes the window's thread until the machine has a core for it.
        self._reading = LatestWork(self, "read the header")
        self._reading.done.connect(lambda told: self._show(*told))
        self._reading.failed.connect(lambda error: self._show(self._wanted, [("", str(error), "")]))
        self._wanted: str | None = None
        self._known: Cards = []
        self._form = QFormLayout()
        self._form.setContentsMargins(10, 8, 10, 6)
        self._form.setVerticalSpacing(3)
        self._form.setHorizontalSpacing(14)
        self.pinned: dict[str, QLabel] = {}
        for name in ("Object", "Mid UTC", "Exposure", "Filter", "Temperature", "Airmass", "Gain"):
            value, label = QLabel(), QLabel(name)
            label.setProperty("role", "dim")
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._form.addRow(label, value)
            self.pinned[name] = value
        # Under the form, not in it: a form gives a wrapped line the height of one.
        self.pinned["State"] = state = QLabel()
        state.setWordWrap(True)
        state.setContentsMargins(10, 0, 10, 6)
        state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for value in self.pinned.values():
            value.setTextFormat(Qt.TextFormat.PlainText)  # a header's words are anybody's
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search cards")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.cards = QTreeWidget()
        self.cards.setHeaderLabels(["Keyword", "Value", "Comment"])
        self.cards.setRootIsDecorated(False)
        self.cards.setUniformRowHeights(True)
        self.cards.setAlternatingRowColors(True)
        self.cards.setColumnWidth(0, 92)
        self.cards.setColumnWidth(1, 150)
        self.cards.setFont(mono_font(11))
        self.cards.setFrameShape(QTreeWidget.Shape.NoFrame)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(self._form)
        box.addWidget(state)
        box.addWidget(self.search)
        box.addWidget(self.cards, 1)
        night.selection_changed.connect(self.follow)
        night.frames_changed.connect(lambda paths: self._pin() if night.current in paths else None)

    def follow(self) -> None:
        """Show the current frame's header, read off the window's thread."""
        if self._night.current == self._wanted:
            return
        self._wanted = path = self._night.current
        self._known = []
        self._pin()
        self.cards.clear()
        if path is None or self._night.night is None:
            self._reading.forget()
            return
        file = self._night.night.file(path)
        self._reading.run(lambda: (path, _cards(file)))

    def stop(self) -> None:
        """Read no more, and wait for the thread."""
        self._reading.close()

    def _pin(self) -> None:
        frame = self._night.frame(self._night.current)
        for name, words in (_pinned(frame) if frame is not None else {}).items():
            self.pinned[name].setText(words or "–")
        if frame is not None:
            state = self._night.state_of(frame.path)
            self.pinned["State"].setText(state.words)
            self.pinned["Airmass"].setText(self._airmass(frame) or "–")
        else:
            for label in self.pinned.values():
                label.clear()

    def _airmass(self, frame: Frame) -> str:
        """Return the airmass as the header has it, else as it was computed from pointing, time and site."""
        for keyword, value, _ in self._known:
            if keyword in _AIRMASS:
                with suppress(ValueError):
                    return f"{float(value):.3f}"
        row = self._night.rows.get(frame.path)
        computed = row.extra.get("airmass") if row is not None else None
        return f"{computed:.3f}, computed" if isinstance(computed, float) else ""

    def _show(self, path: str | None, cards: Cards) -> None:
        if path == self._wanted:
            self._known = cards
            self._pin()
            rows = [QTreeWidgetItem(list(card)) for card in cards]
            for row, card in zip(rows, cards, strict=True):
                row.setToolTip(1, as_written(f"{card[1]}\n{card[2]}".strip()))
            self.cards.addTopLevelItems(rows)
            self._filter(self.search.text())

    def _filter(self, words: str) -> None:
        sought = words.lower().split()
        for k in range(self.cards.topLevelItemCount()):
            row = self.cards.topLevelItem(k)
            if row is not None:
                text = " ".join(row.text(column) for column in range(3)).lower()
                row.setHidden(not all(word in text for word in sought))


def _pinned(frame: Frame) -> dict[str, str]:
    gain = "" if frame.gain_e_per_adu is None else f"{frame.gain_e_per_adu:g} e⁻/ADU from {frame.gain_source}"
    return {
        "Object": frame.object or "",
        "Mid UTC": f"{frame.mid_utc:%Y-%m-%d %H:%M:%S}" if frame.mid_utc else "",
        "Exposure": "" if frame.exposure_s is None else f"{frame.exposure_s:g} s",
        "Filter": frame.filter or "",
        "Temperature": "" if frame.temperature_c is None else f"{frame.temperature_c:.1f} °C".replace("-", "−"),
        "Gain": gain,
    }


def _cards(file: Path) -> Cards:
    """Read all cards of a file: those an observer knows first, remarks then, the bookkeeping of the format last."""
    from astep_gui.models.header_facts import header_facts  # noqa: PLC0415 - astropy after the first paint
    from pipeline_core.io.fits_file import read_layout  # noqa: PLC0415

    try:
        cards = list(header_facts(read_layout(file)[0]).cards)
    except AstepError as error:
        return [("", str(error), "")]
    return sorted(cards, key=lambda card: _place(card[0]))


def _place(keyword: str) -> int:
    if keyword in _BOOKKEEPING or keyword.startswith("NAXIS"):
        return 2
    return int(keyword in {"COMMENT", "HISTORY"})


_AIRMASS = frozenset({"AIRMASS", "SECZ"})
_BOOKKEEPING = frozenset(
    {
        *("SIMPLE", "BITPIX", "EXTEND", "BZERO", "BSCALE", "PCOUNT", "GCOUNT", "XTENSION", "TFIELDS"),
        *("EXTNAME", "EXTVER", "INHERIT", "CHECKSUM", "DATASUM", "BLANK", "LONGSTRN"),
    }
)
