"""Ways out of what needs a person, as buttons: the first ones at once, the rest behind "more"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QMenu, QPushButton

from astep_gui.models.tip_words import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astep_gui.models.needs import Remedy


def remedy_buttons(
    shown: Sequence[Remedy], rest: Sequence[Remedy], choose: Callable[[Remedy], object]
) -> list[QPushButton]:
    """Make a button for each way out.

    Parameters
    ----------
    shown, rest : sequence of Remedy
        With a button of its own, and behind "more".
    choose : callable
        Takes the way out that was chosen.
    """
    buttons = []
    for remedy in shown:
        button = QPushButton(remedy.label)
        button.setToolTip(wrapped(remedy.tip))
        button.clicked.connect(lambda _on, way=remedy: choose(way))
        buttons.append(button)
    if rest:
        more = QPushButton("more")
        more.setToolTip("other ways out")
        menu = QMenu(more)
        menu.setToolTipsVisible(True)
        for remedy in rest:
            action = menu.addAction(remedy.label)
            assert action is not None, "Qt makes one"
            action.setToolTip(wrapped(remedy.tip))
            action.triggered.connect(lambda _on, way=remedy: choose(way))
        more.setMenu(menu)
        buttons.append(more)
    for button in buttons:
        button.setProperty("small", "true")
        # A click that takes the button away would throw the focus elsewhere, to a step of the rail that looks chosen.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return buttons
