"""What the core says for the command line is said in the window with the window's own buttons."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from astep_gui.actions import ACTIONS
from astep_gui.models.sky_words import CATALOGUE, HINT, INDEX, NOVA_KEY, ways_out
from astep_gui.models.window_words import WAYS, in_window
from pipeline_core.solving.index_files import SCALE_UNKNOWN, what_is_missing

CORE = Path(__file__).resolve().parents[2] / "pipeline_core"
FOR_THE_TERMINAL = {"cli", "demo"}


def test_a_missing_scale_is_given_by_the_button_beside_the_words():
    words = in_window(SCALE_UNKNOWN)
    assert "“Solve with hints…”: arcsec a pixel" in words
    assert "astep" not in words
    assert ways_out(SCALE_UNKNOWN)[0] == HINT


def test_a_missing_index_is_brought_by_the_buttons_beside_the_words():
    missing = what_is_missing([], 20.0, 0.5)
    words = in_window(missing)
    assert "astep" not in words
    for way in (INDEX, CATALOGUE):
        assert way.words in words
        assert way in ways_out(missing)


def test_a_missing_key_is_entered_by_the_button_beside_the_words():
    reason = "no key is in the system's keyring; make one, then `keyring set astep-harvest nova.astrometry.net`"
    assert "keyring set" not in in_window(reason)
    assert ways_out(reason)[0] == NOVA_KEY


def test_what_names_no_command_stays_as_it_is():
    assert in_window("a cloud, `say`") == "a cloud, `say`"


def test_a_command_that_the_window_has_no_way_for_is_said_to_be_one():
    assert in_window("try `astep batch A B`") == "try the command line's “batch A B”"


@pytest.mark.parametrize("words", sorted(set(WAYS.values())))
def test_a_key_that_is_named_is_an_actions_own(words):
    for key in re.findall(r"\(([^)]*)\)", words):
        assert key in {key for spec in ACTIONS for key in spec.keys}, words


def test_every_command_that_the_core_names_has_a_way_in_the_window():
    named = set()
    for source in CORE.rglob("*.py"):
        if FOR_THE_TERMINAL.isdisjoint(source.relative_to(CORE).parts):
            named |= set(re.findall(r"`astep \w[^`\n]*`", source.read_text(encoding="utf-8")))
    assert len(named) > 15
    without = [command for command in sorted(named) if in_window(command).startswith("the command line's")]
    assert not without
