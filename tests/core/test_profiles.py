"""Instrument profiles are data: each is complete, and each is chosen by what its frames show."""

import pytest

from pipeline_core import resources
from pipeline_core.errors import UsageError
from pipeline_core.io import profiles
from pipeline_core.io.fits_cards import CARD, Cards
from pipeline_core.io.profiles import list_profiles, load_profile, match_profile, plain_word
from pipeline_core.resources import resource_path
from pipeline_core.types import FrameKind


def header(keyword, value):
    return Cards([f"{keyword:8}= '{value}'".ljust(CARD)])


@pytest.fixture
def own_profiles(tmp_path, monkeypatch):
    """Profiles of the test beside the real generic one."""
    folder = tmp_path / "instruments"
    folder.mkdir()
    (folder / "generic.toml").write_bytes(resource_path("instruments", "generic.toml").read_bytes())
    caches = [resources._root, profiles._document, load_profile, list_profiles]
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setattr(profiles, "resource_path", tmp_path.joinpath)
    yield folder
    for cached in caches:
        cached.cache_clear()


def test_every_profile_that_comes_with_the_program_is_sound():
    names = list_profiles()
    assert {"astep400", "astep_plus", "generic", "lowell_nasa42", "sbig_theskyx"} <= set(names)
    assert names[-1] == "generic"
    for name in names:
        assert load_profile(name).name == name


def test_only_astep_profiles_bring_values_of_their_own():
    for name in list_profiles():
        defaults = load_profile(name).defaults
        brings = any(value for value in defaults.model_dump().values())
        assert brings == name.startswith("astep")
    astep = load_profile("astep400").defaults
    assert (astep.gain_e_per_adu, astep.read_noise_e) == (2.0, 9.0)
    assert astep.exposure_s[FrameKind.SCIENCE] == 90.0
    assert astep.exposure_s[FrameKind.FLAT] == 10.0


@pytest.mark.parametrize(
    ("keyword", "value", "name"),
    [
        ("TELESCOP", "ASTEP 400", "astep400"),
        ("TELESCOP", "ASTEP", "astep400"),
        ("INSTRUME", "ASTEP+", "astep_plus"),
        ("LCAMMOD", "nasa42", "lowell_nasa42"),
        ("SWCREATE", "TheSkyX Version 10.3.0 Build 9334", "sbig_theskyx"),
        ("TELESCOP", "Feder", "generic"),
    ],
)
def test_a_card_gives_the_instrument_away(keyword, value, name):
    assert match_profile(header(keyword, value), ["night"]).name == name


def test_asteps_folders_give_it_away_but_a_header_counts_more():
    folders = ["night", "2025-06-01-CAMS_SKYFLAT"]
    assert match_profile(Cards([]), folders).name == "astep400"
    assert match_profile(None, folders).name == "astep400"
    assert match_profile(header("TELESCOP", "ASTEP+"), folders).name == "astep_plus"
    assert match_profile(None, ["2025-06-01"]).name == "generic"


def test_a_profile_says_only_what_is_different(own_profiles):
    (own_profiles / "mine.toml").write_text(
        'title = "Mine"\nextends = "generic"\n[keywords]\ngain = ["CONVFAC"]\n'
    )
    mine, generic = load_profile("mine"), load_profile("generic")
    assert mine.keywords.gain == ("CONVFAC",)
    assert mine.keywords.exposure == generic.keywords.exposure
    assert list_profiles() == ("mine", "generic")


@pytest.mark.parametrize(
    "text",
    [
        'title = "Mine"\nextends = "generic"\ngian = 2.0\n',
        'title = "Mine"\nextends = "generic"\n[defaults]\ngain_e_per_adu = -1\n',
        'title = "Mine"\nextends = "mine"\n',
        'title = "Mine"\nextends = "nowhere"\n',
        'extends = "generic"\n',
        "title = ",
    ],
)
def test_a_profile_that_is_wrong_is_explained(own_profiles, text):
    (own_profiles / "mine.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_profile("mine")
    assert caught.value.why


@pytest.mark.parametrize("name", ["nowhere", "../secret", ""])
def test_an_unknown_profile_names_the_known_ones(name):
    with pytest.raises(UsageError, match="generic"):
        load_profile(name)


@pytest.mark.parametrize(
    ("word", "plain"),
    [("Light Frame", "light"), ("SKY_FLAT", "sky flat"), ("flat-dark", "flat dark"), ("Frame", "frame")],
)
def test_words_are_compared_plainly(word, plain):
    assert plain_word(word) == plain


def test_resources_are_found_in_a_checkout_and_inside_a_package(tmp_path, monkeypatch):
    assert resource_path("instruments", "generic.toml").is_file()
    package = tmp_path / "pipeline_core"
    (package / "_resources" / "instruments").mkdir(parents=True)
    monkeypatch.setattr(resources, "__file__", str(package / "resources.py"))
    resources._root.cache_clear()
    try:
        assert resource_path("instruments") == package / "_resources" / "instruments"
        with pytest.raises(UsageError, match="missing"):
            resource_path("instruments", "generic.toml")
        monkeypatch.setattr(resources, "__file__", str(tmp_path / "elsewhere" / "x" / "resources.py"))
        resources._root.cache_clear()
        with pytest.raises(UsageError, match="missing"):
            resource_path("instruments")
    finally:
        resources._root.cache_clear()
