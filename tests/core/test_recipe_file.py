"""The recipe as a file."""

import pytest

from pipeline_core.config import Recipe
from pipeline_core.errors import UsageError
from pipeline_core.recipe_file import load_recipe, recipe_toml, with_changes


def test_without_a_file_the_defaults_hold():
    assert load_recipe(None) == Recipe()


def test_a_written_recipe_reads_back_equal_and_explains_each_field(tmp_path):
    recipe = Recipe.model_validate({"cosmic": {"sigclip": 6.0}, "quality": {"reject": ["fwhm_px > 4", "stars < 10"]}})
    path = tmp_path / "recipe.toml"
    path.write_text(recipe_toml(recipe), encoding="utf-8")
    assert load_recipe(path) == recipe
    text = path.read_text(encoding="utf-8")
    for section in (recipe.cosmic, recipe.flat, recipe.dark):
        for field in type(section).model_fields.values():
            assert field.description in text


def test_what_a_recipe_does_not_name_keeps_its_default(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text("[flat]\nfloor = 0.2\n")
    recipe = load_recipe(path)
    assert recipe.flat.floor == 0.2
    assert recipe.flat.max_level == Recipe().flat.max_level


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[flat]\nflor = 0.2\n", "flat.flor"),
        ("[flat]\nfloor = 3\n", "flat.floor"),
        ("[flat\n", "no TOML"),
        ("version = 2\n", "newer"),
        ("colour = 1\n", "colour"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, text, words):
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_recipe(path)
    assert words in str(caught.value)
    assert "r.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[cosmic]\nsigclp = 3\n", "cosmic.sigclp: there is no such field; did you mean sigclip?"),
        ("[cosmics]\nsigclip = 3\n", "cosmics: there is no such section; did you mean cosmic?"),
        ("[flat]\nsigclip = 3\n", "flat.sigclip: there is no such field; it belongs under [cosmic]"),
        ("sigclip = 3\n", "sigclip: there is no such section; it belongs under [cosmic]"),
        ("[cosmic]\nbanana = 3\n", "cosmic.banana: there is no such field ·"),
    ],
)
def test_a_name_that_does_not_exist_is_answered_with_the_one_that_is_meant(tmp_path, text, words):
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_recipe(path)
    assert words in str(caught.value)


def test_all_mistakes_are_named_at_once(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text("[flat]\nfloor = 3\n[cosmic]\nsigclip = -1\n")
    with pytest.raises(UsageError) as caught:
        load_recipe(path)
    assert "flat.floor" in str(caught.value)
    assert "cosmic.sigclip" in str(caught.value)


def test_a_missing_or_binary_recipe_is_explained(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        load_recipe(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError):
        load_recipe(tmp_path / "b.toml")


def test_every_field_of_every_section_says_what_it_is():
    for section in (value for _, value in Recipe() if hasattr(value, "model_fields_set")):
        for name, field in type(section).model_fields.items():
            assert field.description, f"{type(section).__name__}.{name} has no description"


def test_changes_of_the_logbook_are_put_into_the_recipe():
    changed = with_changes(Recipe(), {"cosmic.sigclip": 6.0, "flat.mask_stars": False})
    assert (changed.cosmic.sigclip, changed.flat.mask_stars) == (6.0, False)
    assert with_changes(Recipe(), {}) == Recipe()


@pytest.mark.parametrize(
    "change", [{"cosmic.sigclop": 6.0}, {"cosmic.sigclip": -1}, {"nothing.there": 1}, {"version": 2}]
)
def test_a_change_that_makes_no_sense_is_refused(change):
    with pytest.raises(UsageError):
        with_changes(Recipe(), change)


@pytest.mark.parametrize("rule", ["fwhm > 2", "fwhm_px >", "__import__('os')"])
def test_a_rule_that_cannot_be_understood_is_refused_when_the_recipe_is_read(tmp_path, rule):
    path = tmp_path / "r.toml"
    path.write_text(f'[quality]\nreject = ["stars < 10", "{rule}"]\n[flat]\nfloor = 3\n')
    with pytest.raises(UsageError) as caught:
        load_recipe(path)
    assert rule in str(caught.value), "the rule is quoted"
    assert "quality.reject" in str(caught.value)
    assert "flat.floor" in str(caught.value), "beside the other mistakes"
    assert "Value error" not in str(caught.value)
