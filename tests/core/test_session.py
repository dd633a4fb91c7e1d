"""A night and its output together: what a person points at, which frames a pattern means, which recipe holds."""

from pathlib import Path

import pytest

from pipeline_core.config import Recipe
from pipeline_core.decisions import RECIPE
from pipeline_core.errors import NightError, UsageError
from pipeline_core.logbook import Logbook
from pipeline_core.recipe_file import recipe_toml
from pipeline_core.session import Place, check_night, check_output, default_output, find_place, matching, recipe_of
from tests.core.frames_helpers import full_night


@pytest.fixture
def place(tmp_path):
    """A night with an output that has a logbook."""
    night, output = tmp_path / "night", tmp_path / "out"
    night.mkdir()
    output.mkdir()
    with Logbook.open(output, night):
        pass
    return Place(night, output)


def test_an_output_knows_its_night(place):
    assert find_place(place.output) == place


def test_a_night_has_its_output_beside_it_or_where_it_is_told(place, tmp_path):
    assert find_place(place.night) == Place(place.night, tmp_path / "night_reduced")
    assert find_place(place.night, place.output) == place
    assert default_output(Path(f"{place.night}/")) == tmp_path / "night_reduced"


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        find_place(tmp_path / "nihgt")


def test_a_logbook_without_a_night_asks_for_it(tmp_path):
    with Logbook.open(tmp_path):
        pass
    with pytest.raises(NightError, match="which night") as refused:
        find_place(tmp_path)
    assert "-o" in refused.value.hint


@pytest.mark.parametrize("output", ["night", "", "night/../night"])
def test_nothing_is_ever_written_into_the_night_or_above_it(place, tmp_path, output):
    with pytest.raises(UsageError, match="raw data is never written to"):
        check_output(Place(place.night, tmp_path / output))


def test_an_output_inside_the_night_is_allowed(place):
    check_output(Place(place.night, place.night / "night_reduced"))


def chosen(*patterns):
    return [f.path for f in matching(full_night().frames, patterns)]


def test_a_pattern_with_a_folder_is_one_on_the_path_and_one_without_on_the_name():
    assert chosen("flat/*") == [f"flat/flat_{i:03d}.fits" for i in range(5)]
    assert chosen("flat_00[01]*") == ["flat/flat_000.fits", "flat/flat_001.fits"]
    assert chosen("./dark\\dark_003.fits") == ["dark/dark_003.fits"]


def test_a_frame_that_two_patterns_mean_is_chosen_once():
    assert chosen("flat/*", "*_001.fits").count("flat/flat_001.fits") == 1


def test_a_pattern_that_means_nothing_is_refused():
    with pytest.raises(UsageError, match=r"FLAT\*"):
        chosen("flat/*", "FLAT*")


def test_a_name_with_brackets_is_found_as_it_is_written():
    from tests.core.frames_helpers import frame

    frames = [frame("a[1].fits", "science"), frame("a1.fits", "science")]
    assert "a[1].fits" in [f.path for f in matching(frames, ["a[1].fits"])]


def test_a_night_that_is_gone_is_said_with_the_command_that_tells_where_it_is_now(place):
    check_night(place)
    place.night.rmdir()
    with pytest.raises(NightError, match="cannot find the night of") as caught:
        check_night(place, "undo")
    assert "moved" in caught.value.why
    assert f"astep undo NIGHT … -o {place.output}" in caught.value.hint


def test_a_named_recipe_goes_before_the_remembered_one_and_that_before_the_defaults(place, tmp_path):
    assert recipe_of(place, None) == Recipe()
    (place.output / "recipe.toml").write_text(recipe_toml(Recipe(cosmic={"sigclip": 6.0})))
    assert recipe_of(place, None).cosmic.sigclip == 6.0
    (tmp_path / "my.toml").write_text("[cosmic]\nsigclip = 7.0\n")
    assert recipe_of(place, tmp_path / "my.toml").cosmic.sigclip == 7.0


def test_what_was_decided_about_the_recipe_holds_in_the_next_run(place):
    with Logbook.open(place.output) as logbook:
        logbook.decide([RECIPE], "flat.floor", 0.2)
    assert recipe_of(place, None).flat.floor == 0.2


def test_a_pattern_without_a_slash_never_matches_a_folder():
    frames = [*full_night().frames]
    assert {f.path.split("/")[0] for f in matching(frames, ["*dark*"])} == {"dark"}
    with pytest.raises(UsageError):
        matching(frames, ["scien*/*_9*"])
    assert all(f.path.startswith("science/") for f in matching(frames, ["science/*"]))
