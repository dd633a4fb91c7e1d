"""What a person does in a night, told as chapters. Each acts by keys and clicks, and waits for what it caused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits
from scipy.ndimage import maximum_filter, uniform_filter

from tests.tour.program import Program, StuckError

if TYPE_CHECKING:
    from collections.abc import Callable

    Shoot = Callable[[str, str], None]
    """Saves a picture: its short name, and what it shows."""

LONG_S = 900.0
"""A whole reduction on a busy machine."""


def begin(p: Program, shoot: Shoot) -> None:
    """The page without a night."""
    p.wait("the start page", lambda s: s["page"] == 0)
    p.still()
    shoot("start", "Nothing is open: recent nights, a demo night, how to begin")


def open_by_dialog(p: Program, shoot: Shoot, night: Path) -> None:
    """Ctrl+O, the folder's name, Enter."""
    p.key("ctrl+o")
    p.wait("the dialog", lambda s: s["dialog"] == "QFileDialog")
    p.screen.type(str(night))
    p.still()
    shoot("open", "Ctrl+O: the folder of a night")
    p.key("Return")
    p.still()
    if p.state["dialog"]:  # the completer took the first Enter
        p.key("Return")
    opened(p, night)


def opened(p: Program, night: Path) -> None:
    """Wait until the night is listed, planned, measured, and its first image is there."""
    p.wait("the night", lambda s: s["night"] == str(night) and s["planned"])
    p.wait("the first image", lambda s: s["shown"] is not None)
    p.wait("quick values", lambda s: s["measured"] and not s["looking"], LONG_S)
    time.sleep(0.6)  # the strips gather values for 0.4 s before they are drawn
    p.still()


def first_look(p: Program, shoot: Shoot) -> None:
    """The night as it opens."""
    shoot("night", "A night just opened: what needs a person, frames under their groups, image, timeline, keogram")
    at = p.ask("pixel", *centre(p))
    p.screen.point(*at)
    p.key("c", "1")
    p.still()
    shoot("one_to_one", "One to one, with the cross-hair and the read-out under the pointer")
    p.key("c", "f")
    p.key("F11")
    p.still()
    shoot("image_only", "F11: the image alone, for a look with the eye")
    p.key("F11")
    p.still()


def assign(p: Program, shoot: Shoot) -> None:
    """Kind and filter of frames, and the way back."""
    path = p.state["current"]
    p.key("k")
    p.wait("the question", lambda s: s["dialog"] is not None)
    p.still()
    shoot("kind", "K: the kind of the selected frames")
    p.key("Escape")
    p.wait("no question", lambda s: s["dialog"] is None)
    p.click_row(path, button=3)
    p.wait("the menu", lambda s: s["popup"] == "QMenu")
    p.still()
    shoot("menu", "Right-click on a frame: all that can be done with it")
    p.key("Escape")
    p.wait("no menu", lambda s: s["popup"] is None)
    p.key("l")
    p.wait("the question", lambda s: s["dialog"] is not None)
    p.screen.key("ctrl+a")
    p.screen.type("Z")
    p.key("Return")
    p.wait("the new filter", lambda s: "filter" in (s["undo"] or ""))
    p.key("ctrl+z")
    p.wait("the old filter", lambda s: s["redo"])


def judge(p: Program, shoot: Shoot) -> None:
    """Reject with a reason, see it, undo it, redo it."""
    state = p.state
    path, before = state["current"], len(state["rejected"])
    p.key("shift+x")
    p.wait("the reasons", lambda s: s["dialog"] is not None)
    p.still()
    shoot("reason", "Shift+X: why this frame is no good")
    p.key("Return")
    p.wait("the rejection", lambda s: path in s["rejected"])
    p.key("Left")
    p.wait("the badge", lambda s: s["current"] == path and s["badge"])
    p.still()
    shoot("rejected", "A rejected frame stays in its place and says so: in its row, on the image, in the timeline")
    p.key("ctrl+z")
    p.wait("undo", lambda s: len(s["rejected"]) == before)
    p.key("ctrl+y")
    p.wait("redo", lambda s: path in s["rejected"])


def pictures(p: Program, shoot: Shoot) -> None:
    """Small pictures in the list, and a large one of the row that is pointed at."""
    p.key("t")
    p.still()
    x, y, w, h = p.ask("rows")[p.state["current"]]
    p.screen.point(x + 0.3 * w, y + h / 2)
    time.sleep(1.5)  # what a tool tip waits for
    p.still()
    shoot("pictures", "T: small pictures in the list; pointing at one shows it larger")
    p.screen.point(x + 2 * w, y)
    p.key("t")
    p.still()


def blink(p: Program, shoot: Shoot) -> None:
    """Blink the group; X while it runs stops and asks which."""
    p.key("b")
    p.wait("blinking", lambda s: s["playing"])
    p.wait("some frames", lambda s: s["blink_index"] >= 3)
    shoot("blink", "B: the group blinks, levels held, its place and rate below")
    p.key("x")
    p.wait("the pause", lambda s: not s["playing"])
    p.still()
    shoot("blink_reject", "X while it runs fast: the last frames, and the likely one")
    p.key("Escape")
    p.still()
    if p.state["blinking"]:
        p.key("Escape")
    p.wait("no blinking", lambda s: not s["blinking"])


def brush(p: Program, shoot: Shoot) -> None:
    """Select in the timeline, then propose by a threshold."""
    plot = p.find(kind="TimelinePlot")["place"]
    x, y, w, h = plot
    p.screen.drag((x + 0.45 * w, y + 0.3 * h), (x + 0.7 * w, y + 0.6 * h))
    p.wait("a selection", lambda s: len(s["selection"]) > 1)
    p.still()
    shoot("brush", "A stretch of the night selected by brushing over the timeline")
    p.click("Threshold")
    p.wait("a threshold", lambda s: s["threshold"] is not None)
    p.still()
    shoot("threshold", "A threshold proposes rejections, and says what they would cost")
    p.click("Threshold")
    p.wait("no threshold", lambda s: s["threshold"] is None)
    strip = p.find(kind="KeogramStrip")["place"]
    for place in (0.2, 0.6):
        before = p.state["current"]
        p.screen.click(strip[0] + place * strip[2], strip[1] + 0.5 * strip[3])
        time.sleep(0.3)
    p.wait("the frame of the keogram", lambda s: s["current"] != before)  # of the second place, if not of the first


def star(p: Program, shoot: Shoot) -> None:
    """One star, all night."""
    p.key("f")
    p.still()
    p.click_pixel(*bright_star(p), holding="shift")
    p.wait("stamps", lambda s: s["star_points"] > 2 and not s["star_busy"], LONG_S)
    p.still()
    shoot("star", "Shift-click on a star: the star through the night, its flux and width")


def make_masters(p: Program, shoot: Shoot) -> None:
    """The later steps want masters: one click makes them."""
    p.click("Dark", kind="StepButton")
    p.wait("the step", lambda s: s["step"] == "dark")
    p.wait("what is missing", lambda s: not s["steps_busy"])
    p.still()
    shoot("no_masters", "A step that needs masters says so, and offers to make them")
    p.click("Make the masters")
    p.wait("the run", lambda s: s["running"])
    p.wait("the masters", lambda s: not s["running"], LONG_S)
    close_dialog(p)


def steps(p: Program, shoot: Shoot) -> None:
    """What was done to one frame."""
    if p.state["step"] != "dark":
        p.click("Dark", kind="StepButton")
    p.wait("the step", lambda s: s["step"] == "dark" and not s["steps_busy"], LONG_S)
    p.still()
    shoot("step_dark", "A step of one frame: after the dark")
    if not p.find(tip="what this step changed")["enabled"]:
        raise StuckError("the dark step is shown, but what it changed cannot be")
    p.click(tip="what this step changed")
    p.wait("the difference", lambda s: s["difference"] and not s["steps_busy"])
    p.still()
    shoot("difference", "What the dark took away: the difference to the step before")
    p.click(tip="what this step changed")
    p.wait("no difference", lambda s: not s["difference"])
    p.screen.do("keydown", "grave")
    p.still()
    shoot("peek", "` held: the step before, for as long as it is held")
    p.screen.do("keyup", "grave")
    p.click("Compare ▾", kind="QToolButton")
    p.wait("the choice", lambda s: s["popup"] == "QMenu")
    p.still()
    shoot("compare_menu", "What the frame can be compared with")
    p.key("Down", "Return")
    p.wait("both", lambda s: s["comparing"])
    p.still()
    shoot("compare", "Two steps side by side, zoom, place and levels linked")
    p.key("Escape")
    p.wait("one image", lambda s: not s["comparing"])
    p.key("Escape")
    p.wait("the plain frame", lambda s: s["step"] is None)


def why(p: Program, shoot: Shoot) -> None:
    """Why this pixel."""
    p.key("f")
    p.still()
    p.screen.point(*p.ask("pixel", *bright_star(p)))
    p.key("w")
    p.wait("the story", lambda s: s["story"] and not s["story_busy"], LONG_S)
    p.still()
    shoot("why", "W: the arithmetic of one pixel, its masters, its value all night")


def plan_and_settings(p: Program, shoot: Shoot) -> None:
    """What will be done, and how."""
    p.key("p")
    p.still()
    shoot("plan", "P: what will be done, from which frames, and why")
    p.key("ctrl+comma")
    p.wait("the settings", lambda s: s["dialog"] == "SettingsDialog")
    p.still()
    shoot("settings", "Every setting with its unit, meaning and default")
    p.key("Escape")
    p.wait("no settings", lambda s: s["dialog"] is None)


def reduce_and_cancel(p: Program, shoot: Shoot) -> float:
    """Begin, look at the progress, stop; return how long stopping took, s."""
    p.key("ctrl+r")
    p.wait("the run", lambda s: s["running"])
    p.wait("finished frames", lambda s: s["run_done"] >= 3, LONG_S)
    p.key("Right")
    p.still()
    shoot("reducing", "While it runs: how far, how long, and Cancel; frames can be looked at")
    asked = time.monotonic()
    p.key("ctrl+period")
    p.wait("the end", lambda s: not s["running"], LONG_S)
    return time.monotonic() - asked


def resume(p: Program, shoot: Shoot) -> None:
    """Take the run up again; see what came of it."""
    p.key("ctrl+r")
    p.wait("the run", lambda s: s["running"])
    p.wait("the end", lambda s: not s["running"], LONG_S)
    p.key("ctrl+4")
    p.wait("the results", lambda s: s["tab"] == "Results")
    p.still()
    shoot("results", "What came of the run: masters, noise, warnings, where the files are")
    p.wait("final values", lambda s: not s["looking"], LONG_S)
    time.sleep(0.6)
    p.still()
    p.key("ctrl+2")
    p.still()
    shoot("judge", "The night after its reduction: final values in table and timeline")


def report(p: Program, _shoot: Shoot) -> Path:
    """Write the report; return its file."""
    p.key("ctrl+p")
    told = p.wait("the report", lambda s: "report of the night:" in s["said"], LONG_S)
    p.still()
    p.key("Escape")  # a screen of its own has no browser: the notice that says so is put away
    return Path(told["said"].split("report of the night: ")[1].splitlines()[0])


def for_readme(p: Program, shoot: Shoot, night: Path) -> None:
    """The two pictures of the README: a night just opened, and a night being judged."""
    opened(p, night)
    p.key("ctrl+2")
    good = next(path for path in p.ask("rows") if "_0016_" in path)
    p.click_row(good)
    p.wait("its image", lambda s: good.endswith(s["image_title"]))
    star = bright_star(p)
    p.click("Cosmics", kind="StepButton")
    p.wait("the step", lambda s: s["step"] == "cosmic" and not s["steps_busy"], LONG_S)
    p.click_pixel(*star)
    p.still()
    time.sleep(1.0)
    shoot("night", "A night that was reduced: a frame after its last step, one star of it measured")
    p.key("Escape")
    p.wait("the plain frame", lambda s: s["step"] is None)
    worst = next(path for path in p.ask("rows") if "_0014_" in path)
    p.click_row(worst)
    p.wait("its image", lambda s: worst.endswith(s["image_title"]))
    p.click("Threshold")
    p.wait("a threshold", lambda s: s["threshold"] is not None)
    p.click_pixel(*bright_star(p))
    p.still()
    shoot("judge", "A night being judged")


def sky(p: Program, shoot: Shoot) -> None:
    """Where a frame looks, how well it is known, and its marks over the image."""
    p.key("shift+s")
    p.wait("matched stars", lambda s: s["sky_view"])
    p.still()
    shoot("sky", "The dock Sky: where the frame looks, how well that is known, and what can be done")
    p.click(tip="as histogram and map")
    p.still()
    shoot("residuals", "Residuals of the matched stars: their histogram, and where on the frame they lie off")
    p.click(tip="how well that is known")
    p.still()
    for words in ("Catalogue stars", "RA/Dec grid"):
        p.click(words, kind="QPushButton")
    p.still()
    shoot("sky_marks", "Catalogue stars and a grid over the image")
    for words in ("Catalogue stars", "RA/Dec grid"):
        p.click(words, kind="QPushButton")
    p.key("ctrl+j")
    p.wait("the question", lambda s: s["dialog"] is not None)
    p.still()
    shoot("go_to", "Ctrl+J: to a place of the sky")
    p.key("Escape")
    p.wait("no question", lambda s: s["dialog"] is None)


def hints(p: Program, shoot: Shoot) -> None:
    """A hint for solving, and what the dock says when it is taken back."""
    p.click("Solve with hints…", kind="QPushButton")
    p.wait("the question", lambda s: s["dialog"] is not None)
    p.still()
    shoot("hint", "Hints for a frame that does not solve by itself")
    p.screen.type("14 29 43 -62 40 48")
    p.key("Return")
    p.wait("no question", lambda s: s["dialog"] is None)
    p.wait("the decision", lambda s: "hints" in (s["undo"] or ""))
    p.wait("the solution", lambda s: not s["sky_busy"] and s["sky_view"])
    p.key("ctrl+z")
    p.wait("undo", lambda s: "hints" in (s["redo"] or "") and not s["sky_busy"])
    time.sleep(2.5)  # the dock looks into the logbook every two seconds
    p.still()
    shoot("hint_undone", "A hint taken back: the dock says that the solution stands on it still, and solves again")


def helps(p: Program, shoot: Shoot) -> None:
    """Keys, palette, log."""
    p.key("question")
    p.wait("the keys", lambda s: s["dialog"] == "ShortcutsOverlay")
    p.still()
    shoot("keys", "?: all keys")
    p.key("Escape")
    p.wait("no keys", lambda s: s["dialog"] is None)
    p.key("ctrl+k")
    p.wait("the palette", lambda s: s["dialog"] == "CommandPalette")
    p.screen.type("re")
    p.still()
    shoot("palette", "Ctrl+K: find an action by its words")
    p.key("Escape")
    p.wait("no palette", lambda s: s["dialog"] is None)
    p.key("ctrl+l")
    p.still()
    shoot("log", "Ctrl+L: the log unfolded")
    p.key("ctrl+l")


def themes(p: Program, shoot: Shoot) -> None:
    """The looks, one after the other, and back to the first."""
    for name in ("light", "contrast", "red"):
        p.key("ctrl+t")
        p.still()
        shoot(f"theme_{name}", f"Theme: {name}")
    p.key("ctrl+t")
    p.still()


def close_dialog(p: Program) -> None:
    """Put away a dialog, if there is one."""
    if p.state["dialog"]:
        p.key("Escape")
        p.wait("no dialog", lambda s: s["dialog"] is None)


# -- places in a frame ---------------------------------------------------------------------------------------


def pixels(p: Program) -> np.ndarray:
    """Return the raw pixels of the current frame."""
    state = p.state
    with fits.open(Path(state["night"]) / state["current"]) as file:
        return np.asarray(next(hdu.data for hdu in file if hdu.data is not None), dtype=np.float32)


def centre(p: Program) -> tuple[float, float]:
    """Return the middle of the current frame."""
    ny, nx = pixels(p).shape
    return nx / 2, ny / 2


def bright_star(p: Program) -> tuple[int, int]:
    """Return a bright, unsaturated star of the current frame, away from its rim: x, y (0-based)."""
    image = pixels(p)
    smooth = uniform_filter(image, 5)
    inside = np.zeros(image.shape, bool)
    ny, nx = image.shape
    inside[ny // 5 : -ny // 5, nx // 5 : -nx // 5] = True
    good = inside & (maximum_filter(image, 9) < 40000)
    if not good.any():
        raise StuckError("no place without saturation")
    y, x = np.unravel_index(np.argmax(np.where(good, smooth, -np.inf)), image.shape)
    return int(x), int(y)
