"""The one table of actions: name, words, key, menu. Menus, tool bar, palette and shortcuts overlay all read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtGui import QAction, QKeySequence

from astep_gui.theme import icon

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PyQt6.QtWidgets import QMainWindow

WORKFLOW_WORDS = {"Night": "frames and plan", "Judge": "quality", "Reduce": "the run", "Results": "what came of it"}
"""Parts of the work, and what each brings to the front."""

PROGRAMS = {"tycho": "Tycho Tracker", "astrometrica": "Astrometrica", "siril": "Siril"}
"""Programs that frames can be exported for, as the core names them, and as they are called."""

PANELS = {
    "frames": "Frames", "levels": "Levels", "inspect": "Inspect", "pixel": "Pixel", "header": "Header", "run": "Run",
    "results": "Results",
}  # fmt: skip
"""Panels that no other action brings to the front."""

THEME_WORDS = {"dark": "dark", "light": "light", "contrast": "high contrast", "red": "red night vision"}
"""Themes, and what the menu calls them."""

TOOL_WORDS = {"star": "star", "line": "line", "box": "box", "circle": "circle"}
"""Tools of the panel Inspect."""

BLINKING = "View/Blink and compare"
"""A menu in the menu View, and a part of the page of keys."""

ROOM = "View/Room"
"""As a person drags the handles between lists and between image and plots."""

MENUS = ("Night", "Edit", "Frames", "Image", "View", "Sky", "Reduce", "Help")


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One thing a person can do."""

    name: str
    text: str
    menu: str
    """Its title; "View/Panels" is a menu inside of one, which must stay short enough for a low screen."""
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    needs: str = ""
    """"night", "frame" or "blink": enabled only while there is one; "run": while nothing runs."""
    is_checkable: bool = False
    begins_section: bool = False

    def in_menu(self, title: str) -> bool:
        """Tell whether it stands in a menu of the bar, or in one inside of that."""
        return self.menu.partition("/")[0] == title


def _spec(name: str, menu: str, text: str, *keys: str, **more: object) -> ActionSpec:
    return ActionSpec(name, text, menu, keys, **more)  # type: ignore[arg-type]


ACTIONS: tuple[ActionSpec, ...] = (
    _spec("open", "Night", "Open night…", "Ctrl+O", icon="open", tip="Open a folder of raw frames, or its results"),
    _spec("recent", "Night", "Open a recent night…", "Ctrl+E", icon="recent", tip="The nights that were opened last"),
    _spec("demo", "Night", "Make a demo night…", "Ctrl+Shift+D", icon="star",
          tip="A small night with known trouble, to practise on"),
    _spec("refresh", "Night", "Read folder again", "F5", icon="refresh", needs="night"),
    _spec("output", "Night", "Keep results elsewhere…", "Ctrl+Shift+O", needs="night", begins_section=True),
    _spec("show_results", "Night", "Show results folder", "Ctrl+Shift+R", needs="night"),
    _spec("close_night", "Night", "Close night", "Ctrl+W", needs="night", begins_section=True),
    _spec("quit", "Night", "Quit", "Ctrl+Q"),
    _spec("undo", "Edit", "Undo", "Ctrl+Z", icon="undo"),
    _spec("redo", "Edit", "Redo", "Ctrl+Y", "Ctrl+Shift+Z", icon="redo"),
    _spec("search", "Edit", "Search frames", "Ctrl+F", icon="search", needs="night", begins_section=True),
    _spec("settings", "Edit", "Settings of the reduction…", "Ctrl+,", icon="settings",
          needs="night", begins_section=True),
    _spec("next", "Frames", "Next frame", "Right", icon="next", needs="night"),
    _spec("previous", "Frames", "Previous frame", "Left", icon="previous", needs="night"),
    _spec("reject", "Frames", "Reject", "X", icon="reject",
          needs="frame", begins_section=True,
          tip="Reject the shown frame for what is said of it, and go to the next; several selected ones stay selected; "
              "Shift+X asks for the reason"),
    _spec("reject_reason", "Frames", "Reject with a reason…", "Shift+X", needs="frame",
          tip="Reject the selected frames for a reason of your own; of rejected ones it changes the reason"),
    _spec("accept", "Frames", "Accept", "U", icon="accept",
          needs="frame", tip="Accept the selected frames, against suggestions too, and stay on them"),
    _spec("set_kind", "Frames", "Set kind…", "K", needs="frame", begins_section=True),
    _spec("set_filter", "Frames", "Set filter…", "L", icon="filter", needs="frame"),
    _spec("reference", "Frames", "Use as reference frame", "Ctrl+Shift+F", icon="pin", needs="frame"),
    _spec("show_suspects", "Frames", "Show only frames with suggestions", "S",
          needs="night", is_checkable=True, begins_section=True),
    _spec("show_rejected", "Frames", "Show only rejected frames", "Shift+R", needs="night", is_checkable=True),
    _spec("copy_path", "Frames", "Copy path", "Ctrl+Shift+C", icon="copy", needs="frame", begins_section=True),
    _spec("reveal", "Frames", "Show in its folder", "Ctrl+Shift+E", needs="frame"),
    _spec("ds9", "Frames", "Open in DS9", "Ctrl+D", needs="frame", tip="Open the frame in SAOImage DS9"),
    _spec("fit", "Image", "Fit the image", "F", icon="fit", needs="frame"),
    _spec("one_to_one", "Image", "One to one", "1", icon="one_to_one", needs="frame"),
    _spec("zoom_in", "Image", "Zoom in", "+", "=", icon="zoom_in", needs="frame"),
    _spec("zoom_out", "Image", "Zoom out", "-", icon="zoom_out", needs="frame"),
    _spec("auto_levels", "Image", "Automatic levels", "A", icon="auto",
          needs="frame", tip="Levels from the sky and its noise", begins_section=True),
    _spec("zscale", "Image", "zscale levels", "Z", needs="frame", tip="Levels as IRAF and DS9 choose them"),
    _spec("same_levels", "Image", "Same levels for all frames", "Shift+L", needs="frame",
          tip="Keep the levels from frame to frame, or let each have its own again"),
    _spec("next_stretch", "Image", "Next stretch", "E", needs="frame",
          tip="linear, asinh, logarithm, square root, square, midtone"),
    _spec("next_colours", "Image", "Next colours", "Shift+C", needs="frame"),
    _spec("invert", "Image", "Invert", "I", icon="invert", is_checkable=True),
    _spec("cross_hair", "Image", "Cross-hair", "C", icon="cross_hair", is_checkable=True, begins_section=True),
    _spec("masks", "Image", "Mark masked pixels", "M", icon="mask", is_checkable=True,
          tip="Bad, hot, saturated … pixels of steps that have a mask"),
    _spec("overlays", "Image", "Overlays…", "V", icon="eye", needs="frame",
          tip="What is drawn over the image: stars, compass, scale bar, masked pixels by kind"),
    _spec("next_step", "Image", "Next step", "Shift+Right", needs="frame", begins_section=True,
          tip="The frame after the next step that does something to it"),
    _spec("previous_step", "Image", "Step before", "Shift+Left", needs="frame"),
    _spec("difference", "Image", "Difference to the step before", "Shift+D", needs="frame"),
    *(_spec(f"tool_{name}", "Image/Measure", f"Measure a {words}", f"F{k}", icon=name, needs="frame",
            begins_section=k == 6,
            tip=f"The tool {words} of the panel Inspect")
      for k, (name, words) in enumerate(TOOL_WORDS.items(), 6)),
    _spec("why", "Image", "Why this pixel", "W", icon="pixel", needs="frame",
          tip="The arithmetic of the pixel under the pointer (or Alt-click it)"),
    _spec("one_star", "Image", "Follow this star", "O", icon="star", needs="frame",
          tip="The star under the pointer, in all frames of this filter (or Shift-click it)"),
    _spec("save_picture", "Image", "Save picture…", "Ctrl+S", icon="save", begins_section=True,
          needs="frame", tip="The whole frame in its own pixels, as PNG; or the image as it is seen"),
    _spec("save_cutout", "Image", "Save cut-out…", "Ctrl+Shift+S", icon="save",
          needs="frame", tip="The box that was drawn, else the part in view, as FITS"),
    *(_spec(f"turn_to_{name.lower()}", "View", f"{name}: {what}", f"Ctrl+{k}", needs="night")
      for k, (name, what) in enumerate(WORKFLOW_WORDS.items(), 1)),
    *(_spec(f"panel_{name}", "View/Panels", f"Panel: {words}", f"Alt+{k}", needs="night", begins_section=k == 1,
            tip=f"Bring the panel {words} to the front, also if it was closed")
      for k, (name, words) in enumerate(PANELS.items(), 1)),
    _spec("image_only", "View", "Only the image", "F11", icon="image", needs="frame", is_checkable=True,
          tip="Put panels and strips aside; again, or whatever shows a panel, brings them back"),
    _spec("blink", "View", "Blink", "B", "Space", icon="play", begins_section=True,
          needs="frame", tip="Blink the selected frames, or the group; Ctrl-click groups for more, Ctrl+Shift+B: all"),
    _spec("compare", "View", "Compare two frames", "D", icon="compare", needs="frame",
          tip="Two selected frames side by side, with a wipe, or blinking; of one, it and the next"),
    _spec("compare_with", "View", "Compare with…", "Ctrl+B", needs="frame",
          tip="Another step, or another frame, beside the one that is shown"),
    _spec("blink_all", BLINKING, "Blink all science frames", "Ctrl+Shift+B", needs="frame",
          tip="The night in time order, whatever group, filter or exposure"),
    _spec("blink_slower", BLINKING, "Blink slower", ",", needs="night", begins_section=True),
    _spec("blink_faster", BLINKING, "Blink faster", ".", needs="night"),
    _spec("blink_back", BLINKING, "Blink to and fro", "H", needs="night",
          tip="At the end turn round, or begin anew"),
    _spec("blink_without_rejected", BLINKING, "Blink without rejected frames", "Ctrl+H", needs="night",
          tip="Rejected frames, and those that are rejected meanwhile, do not go by, or do again"),
    _spec("blink_aligned", BLINKING, "Blink aligned, or as taken", "J", needs="night",
          tip="Stars stay where they are, or the frames are shown as they were taken"),
    _spec("blink_levels", BLINKING, "Next levels of the blink", "Shift+B", needs="night",
          tip="Same contrast, same levels, own levels"),
    _spec("blink_stay", BLINKING, "Stay on the frame seen", "Return", "Enter", needs="blink",
          tip="End the blink on the frame that is seen; Esc goes back to where it was begun"),
    _spec("compare_mode", BLINKING, "Next way to compare", "N", needs="night",
          tip="Side by side, with a wipe, or blinking"),
    _spec("compare_swap", BLINKING, "Swap left and right", "R", needs="night"),
    _spec("back", "View", "Back to the frame", "Esc", needs="night",
          tip="End blinking or comparing, leave the steps, put notices away"),
    _spec("next_quantity", "View", "Plot the next quantity", "Q", needs="night", begins_section=True),
    _spec("next_against", "View", "Plot against the next", "Shift+Q", needs="night",
          tip="To the right: time, or another quantity"),
    _spec("threshold", "View", "Threshold over the plot", "Shift+T", needs="night",
          tip="Frames beyond a line are proposed for rejection: arrows move it, Enter rejects, Esc takes it away"),
    _spec("keogram_mode", "View", "Keogram: level or structure", "Shift+K", needs="night"),
    _spec("grouped", "View", "Group the frames", "G", icon="group", is_checkable=True, begins_section=True),
    _spec("columns", "View", "Columns of the list…", "Shift+G", needs="night"),
    _spec("pictures", "View", "Small pictures in the list", "T", icon="image", is_checkable=True),
    _spec("room_for_needs", ROOM, "More room for needs", "Alt+Shift+Down", needs="night",
          tip="Move the handle between needs and frames down"),
    _spec("room_for_frames", ROOM, "More room for frames", "Alt+Shift+Up", needs="night",
          tip="Move the handle between needs and frames up"),
    _spec("room_for_image", ROOM, "More room for the image", "Alt+PgDown", needs="night", begins_section=True,
          tip="Move the handle between image and plots down"),
    _spec("room_for_plots", ROOM, "More room for the plots", "Alt+PgUp", needs="night",
          tip="Move the handle between image and plots up"),
    _spec("log", "View", "Unfold the log", "Ctrl+L", icon="log", is_checkable=True),
    _spec("theme", "View/Theme", "Next theme", "Ctrl+T", icon="theme",
          tip="Dark, light, high contrast, red night vision"),
    *(_spec(f"theme_{name}", "View/Theme", f"Theme: {words}", f"Ctrl+Alt+{number}", tip="Put on this theme")
      for number, (name, words) in enumerate(THEME_WORDS.items(), 1)),
    _spec("reset_layout", "View", "Reset layout", "Ctrl+Shift+L", tip="Put all panels back where they were first"),
    _spec("sky_dock", "Sky", "Show the sky of the frame", "Shift+S", icon="compass", needs="night",
          tip="Solved or not and why, residuals, alignment, stacks"),
    _spec("sky_go_to", "Sky", "Go to RA/Dec or name…", "Ctrl+J", icon="search",
          needs="frame", tip="Bring a place of the sky into the middle"),
    _spec("sky_solve", "Sky", "Solve this frame", "Ctrl+Shift+P", needs="frame", begins_section=True,
          tip="Find where the frame looks, whatever was found before"),
    _spec("sky_hint", "Sky", "Solve with hints…", "Ctrl+Shift+H", needs="frame",
          tip="Name its place, scale, or how far to search"),
    _spec("sky_solve_night", "Sky", "Solve night", "Ctrl+Shift+N", needs="night",
          tip="All frames that are not solved yet"),
    _spec("sky_align", "Sky", "Align night", "Ctrl+Shift+A", icon="align", needs="night", begins_section=True,
          tip="Each pointing's frames on one reference, by their stars"),
    _spec("sky_stack", "Sky", "Stack", "Ctrl+Shift+K", needs="night", tip="The accepted frames of each group together"),
    _spec("sky_index", "Sky", "Get an index…", "Ctrl+Shift+I", needs="night", begins_section=True,
          tip="Which star index this field wants, and how it comes here"),
    _spec("sky_catalogue", "Sky", "Fetch Gaia's stars", "Ctrl+Alt+G", needs="night",
          tip="The stars around the night's frames, from the network to this disk: for solving without an index"),
    _spec("sky_nova_key", "Sky", "Key of nova.astrometry.net…", "Ctrl+Alt+K",
          tip="Keep your key in the system's keyring, for the engine “nova”"),
    _spec("plan", "Reduce", "Show plan", "P", icon="plan", needs="night", tip="What will be done, from which frames"),
    _spec("reduce", "Reduce", "Reduce night", "Ctrl+R", icon="run", needs="night"),
    _spec("make_masters", "Reduce", "Make the masters only", "Ctrl+M", needs="night"),
    _spec("report", "Reduce", "Report of the night", "Ctrl+P", icon="report",
          needs="night", tip="One HTML file: keogram, plots, decisions, recipe"),
    _spec("report_small", "Reduce", "Small report, for a thin link", "Ctrl+Alt+P",
          needs="night", tip="The report in at most 100 KB"),
    _spec("calibrated", "Reduce", "Show the calibrated frame", "Y", icon="image",
          needs="frame", tip="The current frame as its calibrated file holds it; Esc goes back", begins_section=True),
    *(_spec(f"export_{program}", "Reduce", f"Export for {words}…", f"Ctrl+Alt+{words[0]}", icon="export", needs="night",
            tip=f"Calibrated frames, not rejected, as {words} reads them") for program, words in PROGRAMS.items()),
    _spec("cancel", "Reduce", "Cancel", "Ctrl+.", icon="cancel", tip="Stop the run; what is finished stays"),
    _spec("palette", "Help", "Find an action…", "Ctrl+K", icon="search"),
    _spec("shortcuts", "Help", "Keys", "?", "F1", icon="help"),
    _spec("about", "Help", "About ASTEP Harvest", "Shift+F1", icon="information", begins_section=True),
)  # fmt: skip


def build_actions(
    window: QMainWindow, specs: tuple[ActionSpec, ...], slots: Mapping[str, Callable[..., object]]
) -> dict[str, QAction]:
    """Make the actions of a window and fill its menus.

    Parameters
    ----------
    window : QMainWindow
    specs : tuple of ActionSpec
    slots : mapping
        Name → what it does. An action without one is an error: there are no dead buttons.
    """
    actions: dict[str, QAction] = {}
    bar = window.menuBar()
    assert bar is not None
    menus = {title: bar.addMenu(f"&{title}") for title in MENUS if any(spec.in_menu(title) for spec in specs)}
    for spec in specs:
        action = QAction(spec.text, window)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setToolTip(f"{spec.tip or spec.text}{f'  ({spec.keys[0]})' if spec.keys else ''}")
        action.setCheckable(spec.is_checkable)
        if spec.icon:
            action.setIcon(icon(spec.icon))
        (action.toggled if spec.is_checkable else action.triggered).connect(
            _called(slots[spec.name], spec.is_checkable)
        )
        title, _, inside = spec.menu.partition("/")
        menu = menus[title]
        assert menu is not None
        if spec.begins_section:
            menu.addSeparator()
        if inside and spec.menu not in menus:
            menus[spec.menu] = menu.addMenu(inside)
        below = menus[spec.menu]
        assert below is not None
        below.addAction(action)
        actions[spec.name] = action
    return actions


def _called(slot: Callable[..., object], with_state: bool) -> Callable[[bool], None]:  # noqa: FBT001
    def call(is_on: bool) -> None:  # noqa: FBT001 - Qt passes it
        slot(is_on) if with_state else slot()

    return call
