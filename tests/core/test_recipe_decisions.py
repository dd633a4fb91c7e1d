"""Settings as decisions: kept in the logbook, taken back by undo, followed by every later run."""

from __future__ import annotations

import pytest

from pipeline_core.config import Recipe
from pipeline_core.events import RunContext
from pipeline_core.logbook import Logbook
from pipeline_core.recipe_file import RECIPE_FILE, load_recipe, recipe_changes, recipe_toml, with_changes
from pipeline_core.reduce import RunOptions, reduce_night
from pipeline_core.session import Place, recipe_of
from tests.gui.nights import small_night


def altered(**sections):
    recipe = Recipe()
    return recipe.model_copy(
        update={name: getattr(recipe, name).model_copy(update=fields) for name, fields in sections.items()}
    )


STRANGE = altered(
    cosmic={"enabled": False, "sigclip": 6.5},
    calibrate={"gain_e_per_adu": 1.5},
    quality={"reject": ("fwhm_px > 4", "stars < 5")},
    overscan={"section": "[1:10,1:20]", "order": 3},
    combine={"clip": "none"},
)


def decide(output, old, new, night=None):
    with Logbook.open(output, night) as logbook:
        logbook.decide_recipe(recipe_changes(old, new), recipe_changes(new, old), label="settings")


def test_every_kind_of_setting_survives_the_logbook(tmp_path):
    decide(tmp_path, Recipe(), STRANGE)
    with Logbook.read_only(tmp_path) as logbook:
        assert with_changes(Recipe(), logbook.recipe_changes()) == STRANGE


def test_settings_can_be_set_back_to_nothing(tmp_path):
    decide(tmp_path, STRANGE, Recipe())
    with Logbook.read_only(tmp_path) as logbook:
        assert with_changes(STRANGE, logbook.recipe_changes()) == Recipe()


def test_recipes_that_are_equal_differ_in_nothing():
    assert recipe_changes(STRANGE, STRANGE) == {}


def test_several_settings_are_one_step_and_undo_brings_all_back(tmp_path):
    decide(tmp_path, Recipe(), STRANGE)
    with Logbook.open(tmp_path) as logbook:
        assert logbook.steps()[0] == ["settings"]
        assert logbook.undo() == ["settings"]
        assert with_changes(Recipe(), logbook.recipe_changes()) == Recipe()
        assert logbook.undo() == []
        assert logbook.redo() == ["settings"]
        assert with_changes(Recipe(), logbook.recipe_changes()) == STRANGE


def test_undo_works_after_a_run_wrote_the_new_value_into_its_recipe(tmp_path):
    decide(tmp_path, Recipe(), STRANGE)
    (tmp_path / RECIPE_FILE).write_text(recipe_toml(STRANGE))
    with Logbook.open(tmp_path) as logbook:
        logbook.undo()
    assert recipe_of(Place(tmp_path, tmp_path), None) == Recipe()


@pytest.fixture
def place(tmp_path):
    return Place(small_night(tmp_path / "night", science=1), tmp_path / "out")


def run(place, recipe):
    reduce_night(place, recipe, RunOptions(executor="threads", only="calibration-quality"), RunContext())


def test_a_recipe_that_is_named_wins_over_settings_decided_before(place):
    decide(place.output, Recipe(), altered(cosmic={"sigclip": 9.0}), place.night)
    named = altered(cosmic={"sigclip": 5.5})
    run(place, named)
    assert load_recipe(place.output / RECIPE_FILE) == named
    assert recipe_of(place, None) == named  # and the next run without a name goes on with it


def test_settings_that_were_decided_are_those_of_the_next_run(place):
    wanted = altered(cosmic={"sigclip": 9.0})
    decide(place.output, Recipe(), wanted, place.night)
    run(place, recipe_of(place, None))
    assert load_recipe(place.output / RECIPE_FILE) == wanted
    with Logbook.open(place.output) as logbook:
        assert logbook.steps()[0] == ["settings"]  # the run itself decided nothing
