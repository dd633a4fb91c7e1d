"""What the actions of looking do: enlarge, bend levels, walk the steps, take a tool, bring panels and menus forward."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QPoint, Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMenu, QWidget

from astep_gui.actions import PANELS, TOOL_WORDS
from astep_gui.models.blink_levels import MODES
from astep_gui.models.levels import STRETCH_WORDS
from astep_gui.models.timeline_model import TIME
from astep_gui.models.tip_words import on_button
from astep_gui.widgets.blink_bar import LEVELS_WORDS
from astep_gui.widgets.compare_view import MODES as COMPARE_MODES
from pipeline_core.science.colormaps import COLORMAPS
from pipeline_core.types import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PyQt6.QtWidgets import QToolButton

    from astep_gui.main_window import MainWindow

RATES = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 16.0, 20.0, 25.0, 30.0)
"""Frames a second that the keys choose among: each is told from the next by eye."""

ROOM_PX = 24
"""By so much a key moves a handle: a row of the list."""

_OWN = (
    "zoom_in", "zoom_out", "zscale", "next_stretch", "next_colours", "overlays", "compare_with", "save_cutout",
    "columns", "next_quantity", "next_against", "threshold", "recent", "blink_slower", "blink_faster", "blink_back",
    "blink_without_rejected", "blink_aligned", "blink_levels", "compare_mode", "compare_swap", "difference",
    "blink_stay",
)  # fmt: skip
"""Actions that are methods here."""


class ViewDeeds(QObject):
    """The slots of the actions that change how the night is seen, and nothing of the night."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._viewing = window.viewing

    def slots(self) -> dict[str, Callable[..., object]]:
        """Return what each action does."""
        viewing = self._viewing
        slots: dict[str, Callable[..., object]] = {name: getattr(self, name) for name in _OWN}
        slots |= {f"panel_{name}": partial(self.show_panel, name) for name in PANELS}
        slots |= {f"tool_{name}": partial(self.take_tool, name) for name in TOOL_WORDS}
        slots |= {
            "room_for_needs": lambda: self._window.panels.lists.move_by(ROOM_PX),
            "room_for_frames": lambda: self._window.panels.lists.move_by(-ROOM_PX),
            "room_for_image": partial(viewing.splitter.move_by, ROOM_PX),
            "room_for_plots": partial(viewing.splitter.move_by, -ROOM_PX),
        }
        slots["next_step"] = partial(viewing.steps.step_by, 1)
        slots["previous_step"] = partial(viewing.steps.step_by, -1)
        # What has a button is done by it: it knows when it can be.
        slots["same_levels"] = viewing.levels_panel.frozen.click
        slots["keogram_mode"] = viewing.keogram.mode.click
        return slots

    # -- the image -------------------------------------------------------------------------------------------

    def zoom_in(self) -> None:
        """Enlarge to twice the size."""
        self._viewing.seen.zoom_in()

    def zoom_out(self) -> None:
        """Make it half as large."""
        self._viewing.seen.zoom_to(0.5 * self._viewing.seen.zoom)

    def zscale(self) -> None:
        """Take levels as IRAF and DS9 choose them."""
        self._viewing.levels.use_preset("zscale")

    def next_stretch(self) -> None:
        """Bend the values between black and white in the next way."""
        levels = self._viewing.levels
        levels.set_stretch(_after(levels.stretch, list(STRETCH_WORDS)))
        self._window.log.say(f"stretch: {STRETCH_WORDS[levels.stretch]}")

    def next_colours(self) -> None:
        """Show the image in the next colours."""
        levels = self._viewing.levels
        levels.set_colormap(_after(levels.colormap, list(COLORMAPS)))
        self._window.log.say(f"colours: {levels.colormap}")

    def difference(self) -> None:
        """Show what the chosen step changed, or say why that cannot be; what is on can always be switched off."""
        steps, rail = self._viewing.steps, self._viewing.rail
        if steps.why_no_difference and not steps.difference:
            self._window.log.say_passing(f"no difference to the step before: {steps.why_no_difference}")
        else:
            rail.difference.click()

    def overlays(self) -> None:
        """Offer what can be laid over the image."""
        _pop_up(self._viewing.view.overlays)

    def compare_with(self) -> None:
        """Offer what the shown frame or step can be compared with."""
        _pop_up(self._viewing.rail.compare)

    def take_tool(self, name: str) -> None:
        """Let a click or a drag on the image measure this."""
        self.show_panel("inspect")
        self._viewing.inspect_panel.tools[name].click()
        self._viewing.view.canvas.setFocus()

    def save_cutout(self) -> None:
        """Save the box that was drawn, or lies around the circle, as FITS, or what is seen where nothing was."""
        seen = self._viewing.view.view_rect()
        part = Section(
            math.floor(seen.top()), math.ceil(seen.bottom()), math.floor(seen.left()), math.ceil(seen.right())
        )
        self._window.bring_up("inspect")
        self._viewing.inspect_panel.ask_where(part)

    # -- blinking and comparing ------------------------------------------------------------------------------

    def blink_slower(self) -> None:
        """Show fewer frames a second: the next lower of the usual rates."""
        self._set_rate(max((rate for rate in RATES if rate < self._viewing.blink.rate), default=RATES[0]))

    def blink_faster(self) -> None:
        """Show more frames a second."""
        self._set_rate(min((rate for rate in RATES if rate > self._viewing.blink.rate), default=RATES[-1]))

    def _set_rate(self, rate: float) -> None:
        self._viewing.blink.set_rate(rate)
        self._tell_of_blink(f"{rate:.0f} fps")

    def _tell_of_blink(self, words: str) -> None:
        """Say how frames are blinked from now on; in the log only while the blink's own bar shows it."""
        log = self._window.log
        (log.note if self._viewing.is_blinking else log.say)(f"blink: {words}")

    def blink_back(self) -> None:
        """Turn round at the end of a blink, or begin anew."""
        blink = self._viewing.blink
        blink.set_ping_pong(not blink.ping_pong)
        self._tell_of_blink("to and fro" if blink.ping_pong else "from the beginning after the end")

    def blink_without_rejected(self) -> None:
        """Pass over rejected frames in a blink, or show all."""
        blink = self._viewing.blink
        blink.set_without_rejected(not blink.without_rejected)
        self._tell_of_blink("without rejected frames" if blink.without_rejected else "with rejected frames")

    def blink_aligned(self) -> None:
        """Lay the frames of a blink on each other, or show them as they were taken."""
        blink = self._viewing.blink
        if self._viewing.is_blinking and not blink.has_shifts:
            self._window.log.say_passing("these frames cannot be aligned: how they lie on each other was not measured")
            return
        blink.set_aligned(not blink.aligned)
        self._tell_of_blink("aligned" if blink.aligned else "as the frames were taken")

    def blink_levels(self) -> None:
        """Use the next of the levels that a blink may have."""
        levels = self._viewing.blinking.levels
        levels.set_mode(MODES[(MODES.index(levels.mode) + 1) % len(MODES)])
        self._tell_of_blink(": ".join(LEVELS_WORDS[levels.mode]))

    def blink_stay(self) -> None:
        """End the blink on the frame that is seen."""
        self._viewing.end_blink()

    def compare_mode(self) -> None:
        """See the two frames side by side, with a wipe, or one after the other."""
        compare = self._viewing.compare
        if self._is_comparing():
            compare.set_mode(_after(compare.mode, list(COMPARE_MODES)))

    def compare_swap(self) -> None:
        """Exchange left and right."""
        if self._is_comparing():
            self._viewing.compare.swap_images()

    def _is_comparing(self) -> bool:
        if not self._viewing.comparing.is_on:
            self._window.log.say_passing("nothing is compared now: D compares two frames")
        return self._viewing.comparing.is_on

    # -- the strips ------------------------------------------------------------------------------------------

    def next_quantity(self) -> None:
        """Plot the next of the quantities that were measured."""
        plot = self._viewing.timeline_model
        names = [quantity.name for quantity in plot.quantities()]
        if names:
            plot.set_quantity(_after(plot.what.name, names))

    def next_against(self) -> None:
        """Plot against time, or against the next of the quantities."""
        plot = self._viewing.timeline_model
        plot.set_against(_after(plot.against, [TIME, *(quantity.name for quantity in plot.quantities())]))

    def threshold(self) -> None:
        """Lay a line over the plot, for the arrow keys and Enter; a second time, take it away."""
        self._window.image_only.set_on(False)
        self._viewing.timeline.threshold.click()

    # -- panels and menus ------------------------------------------------------------------------------------

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front, closed ones too, and put the keys into it."""
        self._window.bring_up(name)
        inside = self._window.docks[name].widget()
        assert inside is not None, "every panel has a widget"
        _first_for_keys(inside).setFocus()

    def columns(self) -> None:
        """Offer the columns of the frame table."""
        self._window.bring_up("frames")
        _pop_up(self._window.table.columns)

    def recent(self) -> None:
        """Offer the nights that were opened last."""
        window = self._window
        open_now = window.night.place.night.absolute() if window.night.place is not None else None
        nights = [night for night in window.remembered.recent() if night != open_now]
        menu = QMenu(window)
        for number, night in enumerate(nights, 1):
            words = on_button(f"{night.name}    {night.parent}")
            _offer(menu, f"&{number}  {words}", partial(window.open_night, night))
        if not nights:
            _offer(menu, "No other night was opened yet", None)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(window.mapToGlobal(QPoint(8, window.toolbar.geometry().top())))
        menu.setActiveAction(menu.actions()[0])


def _offer(menu: QMenu, words: str, deed: Callable[[], object] | None) -> None:
    action = QAction(words, menu)
    action.setEnabled(deed is not None)
    if deed is not None:
        action.triggered.connect(lambda _on: deed())
    menu.addAction(action)


def _pop_up(button: QToolButton) -> None:
    """Open the menu of a button below it, for the arrow keys; not where the button does nothing now."""
    menu = button.menu()
    if menu is None or not button.isEnabled():
        return
    menu.popup(button.mapToGlobal(QPoint(0, button.height())))
    first = next((action for action in menu.actions() if action.isEnabled() and not action.isSeparator()), None)
    if first is not None:
        menu.setActiveAction(first)


def _first_for_keys(inside: QWidget) -> QWidget:
    """Return the first widget of a panel that takes keys: the panel itself where none does."""
    takes = (widget for widget in inside.findChildren(QWidget) if widget.isVisible() and widget.isEnabled())
    return next((widget for widget in takes if widget.focusPolicy() & Qt.FocusPolicy.TabFocus), inside)


def _after(now: str, every: Sequence[str]) -> str:
    """Return what follows, the first after the last."""
    return every[(every.index(now) + 1) % len(every)] if now in every else every[0]
