"""Ticks of the menus: they say how things are, whoever changed them, or a key would do nothing the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.main_window import MainWindow


class Ticks(QObject):
    """Keeps the checkable actions of a window as what they switch."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._actions = window.actions_by_name
        viewing, table = window.viewing, window.table
        view = viewing.view
        self._is_on: dict[str, Callable[[], bool]] = {
            "grouped": table.grouped.isChecked,
            "pictures": table.pictures.isChecked,
            "log": window.log.fold.isChecked,
            "invert": lambda: viewing.levels.inverted,
            "cross_hair": lambda: view.has_mark("cross_hair"),
            "masks": lambda: bool(view.mask_bits),
        }
        for signal in (
            *(table.grouped.toggled, table.pictures.toggled, window.log.unfolded, viewing.levels.changed),
            *(view.mark_changed, view.overlays.mask_toggled, window.products.changed),
        ):
            signal.connect(self.follow)
        self.follow()

    def follow(self, *_: object) -> None:
        """Tick what is on."""
        for name, is_on in self._is_on.items():
            action = self._actions[name]
            if action.isChecked() != is_on():
                action.blockSignals(True)  # noqa: FBT003 - Qt's own way
                action.setChecked(is_on())
                action.blockSignals(False)  # noqa: FBT003
