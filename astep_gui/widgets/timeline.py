"""The timeline strip: which quantity, against what, and the threshold that proposes rejections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.held_together import held_together
from astep_gui.models.timeline_model import TIME
from astep_gui.widgets.timeline_plot import LEAST_PX, TimelinePlot
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent

    from astep_gui.models.timeline_model import TimelineModel


HELD_PX = 140
"""Height of the plot that a threshold's cost leaves to it, if it had as much."""
FEWEST_TABS = 3
"""Where fewer have room, all quantities stand in one list: a single tab looks as if there were no others."""
BESIDE_PX = 680
"""Width from which the cost of a threshold stands between its buttons, and not below them."""


class Timeline(QWidget):
    """Shows a :class:`TimelineModel` with its choices above the plot."""

    def __init__(self, model: TimelineModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.tabs = QTabBar(self)
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self.tabs.setToolTip("What is plotted upwards")
        self.more = QToolButton(self)
        self.more.setText("More ▾")
        self.more.setToolTip("Quantities for which there is no room here")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setMenu(QMenu(self.more))
        self.what = self._list("What is plotted upwards (Q: the next)")
        """The quantities, in the place of their tabs where there is little room."""
        self.against = self._list("What is plotted to the right")
        self.threshold = QToolButton(self)
        self.threshold.setText("Threshold")
        self.threshold.setCheckable(True)
        self.threshold.setToolTip(
            "Lay a line: frames beyond it are proposed for rejection (a red ring; ✕ are rejected already), with the "
            "cost shown first"
        )
        self.side = QToolButton(self)
        self.side.setToolTip("Reject above the line, or below it")
        self.cost = QLabel(self)
        self.cost.setWordWrap(True)  # in a narrow window too the whole cost is read before it is paid
        self.cost.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.apply = QPushButton("Reject", self)
        self.apply.setToolTip("Reject these frames, as one step of undo (Enter)")
        self.drop = QPushButton("Cancel", self)
        self.drop.setToolTip("Take the line away (Esc)")
        self.plot = TimelinePlot(model, self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._fit)
        self._lay_out()
        self.tabs.currentChanged.connect(self._quantity_chosen)
        self.what.activated.connect(lambda: model.set_quantity(self.what.currentData()))
        self.against.activated.connect(lambda: model.set_against(self.against.currentData()))
        self.threshold.clicked.connect(self._threshold_clicked)
        self.side.clicked.connect(lambda: model.set_side("low" if model.side == "high" else "high"))
        self.apply.clicked.connect(model.apply_threshold)
        self.drop.clicked.connect(lambda: model.set_threshold(None))
        model.changed.connect(self._follow)
        model.threshold_changed.connect(self._follow_threshold)
        self._follow()
        self._follow_threshold()

    def _list(self, tip: str) -> QComboBox:
        box = QComboBox(self)
        box.setToolTip(tip)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(9)
        return box

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(8, 0, 12, 0)
        head.setSpacing(8)
        head.addWidget(self.what)
        head.addWidget(self.tabs, 1)
        head.addWidget(self.more)
        self._against_label = QLabel("against", self)
        head.addWidget(self._against_label)
        head.addWidget(self.against)
        head.addStretch(0)  # takes the room of the tabs where they are not shown
        head.addWidget(self.threshold)
        self._offer = QWidget(self)
        self._offered = QVBoxLayout(self._offer)
        self._offered.setContentsMargins(12, 2, 12, 4)
        self._offered.setSpacing(3)
        self._answers = QHBoxLayout()
        self._answers.setSpacing(8)
        self._answers.addWidget(self.side)
        self._answers.addStretch(0)
        self._answers.addWidget(self.apply)
        self._answers.addWidget(self.drop)
        self._offered.addLayout(self._answers)
        self._offered.addWidget(self.cost)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._offer)
        layout.addWidget(self.plot, 1)

    @property
    def offered_px(self) -> int:
        """Height of what is said and asked of a threshold; 0 while there is none."""
        return 0 if self._offer.isHidden() else self._offer.sizeHint().height()

    def _follow(self) -> None:
        """Show the quantities that were measured; keep the choice."""
        known = self.model.quantities()
        names = [q.name for q in known]
        if [self.tabs.tabData(k) for k in range(self.tabs.count())] != names:
            self.tabs.blockSignals(True)  # noqa: FBT003 - Qt has no names
            while self.tabs.count():
                self.tabs.removeTab(0)
            for q in known:
                self.tabs.setTabData(self.tabs.addTab(q.label), q.name)
            self.tabs.blockSignals(False)  # noqa: FBT003
            for box in (self.what, self.against):
                box.clear()
            self.against.addItem("Time", TIME)
            for q in known:
                for box in (self.what, self.against):
                    box.addItem(q.label, q.name)
        if self.model.what.name in names:
            self.tabs.setCurrentIndex(names.index(self.model.what.name))
            self.what.setCurrentIndex(names.index(self.model.what.name))
        self._fit()
        self.against.setCurrentIndex(max(0, self.against.findData(self.model.against)))
        for widget in (self.against, self._against_label, self.threshold):
            widget.setVisible(bool(known))

    def _fit(self) -> None:
        """Show as many quantities as there is room for, the chosen one always; the rest are under "More".

        Where they are few, all of them stand in a list instead.
        """
        beside = (self.more, self._against_label, self.against, self.threshold)
        room = self.width() - sum(widget.sizeHint().width() + 8 for widget in beside) - 28
        widths = [
            self.tabs.fontMetrics().horizontalAdvance(self.tabs.tabText(k)) + 30 for k in range(self.tabs.count())
        ]
        chosen = self.tabs.currentIndex()
        room -= widths[chosen] if chosen >= 0 else 0
        menu = self.more.menu()
        assert menu is not None, "it was given one"
        menu.clear()
        for k, width in enumerate(widths):
            room -= width if k != chosen else 0
            fits = k == chosen or room >= 0
            self.tabs.setTabVisible(k, fits)
            if not fits:
                name = self.tabs.tabData(k)
                entry = menu.addAction(self.tabs.tabText(k))
                assert entry is not None, "Qt makes one"
                entry.triggered.connect(lambda _=False, name=name: self.model.set_quantity(name))
        # Qt lays tabs that come back into view out only when something else asks it to.
        self.tabs.setExpanding(True)
        self.tabs.setExpanding(False)
        hidden = len(menu.actions())
        is_list = hidden > 0 and len(widths) - hidden < FEWEST_TABS
        self.what.setVisible(is_list)
        self.tabs.setVisible(not is_list)
        self.more.setVisible(hidden > 0 and not is_list)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Fit the quantities into the new width, once the tab bar has it: else it lays out none of the new ones."""
        super().resizeEvent(event)
        self._soon.start()
        beside = self.width() >= BESIDE_PX
        if beside != (self._answers.indexOf(self.cost) >= 0):
            self._answers.insertWidget(1, self.cost, 1) if beside else self._offered.addWidget(self.cost)
        self.cost.setMinimumHeight(0)
        self._hold_cost()

    def _hold_cost(self) -> None:
        """Give the cost the lines it needs, and none back before all is over: the plot must not move under a drag."""
        sides = self._offered.contentsMargins().left() + self._offered.contentsMargins().right()
        others = sum(one.sizeHint().width() + 8 for one in (self.side, self.apply, self.drop))
        room = self.width() - sides - (others if self._answers.indexOf(self.cost) >= 0 else 0)
        self.cost.setMinimumHeight(max(self.cost.minimumHeight(), self.cost.heightForWidth(max(room, 40))))

    def _follow_threshold(self) -> None:
        found = self.model.proposal()
        if found is None:
            self.plot.setMinimumHeight(LEAST_PX)
        elif self._offer.isHidden():  # the image gives way: just now the plot is what is looked at
            self.plot.setMinimumHeight(max(LEAST_PX, min(self.plot.height(), HELD_PX)))
        self._offer.setVisible(found is not None)
        self.threshold.setChecked(found is not None)
        if found is None:
            self.cost.setMinimumHeight(0)
            return
        self.side.setText("↑ above" if self.model.side == "high" else "↓ below")
        words = found.words
        self.cost.setText(held_together(words[0].upper() + words[1:]))
        count = len(found.paths)
        self.apply.setText(f"Reject {counted(count, 'frame')}" if count else "Reject")
        self.apply.setEnabled(bool(found.paths))
        self._hold_cost()

    def _quantity_chosen(self, index: int) -> None:
        if index >= 0:
            self.model.set_quantity(self.tabs.tabData(index))

    def _threshold_clicked(self, checked: bool) -> None:  # noqa: FBT001 - Qt's signature
        if checked:
            self.model.start_threshold()
            self.plot.setFocus()
        else:
            self.model.set_threshold(None)
        self._follow_threshold()
