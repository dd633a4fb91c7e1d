"""Decisions while a run is on, made by other processes; the recipe that an output was made with."""

import shutil
import time

import pytest
from astropy.table import Table

from pipeline_core.demo.night import make_demo_night
from tests.core.fate_helpers import astep, begin, finish, log, pixels, product, science, wait_for

N_SCIENCE = 4


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fate") / "night"
    make_demo_night(folder, size=256, n_science=N_SCIENCE, n_bias=3, n_dark=3, n_flat=3, events=())
    return folder


@pytest.fixture(scope="module")
def reduced(night):
    out = night.parent / "out"
    assert astep("reduce", night, "-o", out, "--executor", "threads").code == 0
    return out


@pytest.fixture
def out(reduced, tmp_path):
    shutil.copytree(reduced, tmp_path / "out", copy_function=shutil.copy2)
    return tmp_path / "out"


def listed(file):
    return [line.split("  #")[0] for line in file.read_text().splitlines()]


def again(night, out, *words):
    return astep("reduce", night, "-o", out, "--executor", "threads", *words)


# -- during a run ----------------------------------------------------------------------------------------


def test_a_frame_rejected_while_a_run_is_on_is_out_when_it_ends(night, tmp_path):
    out, [bad, *good] = tmp_path / "out", science(night)
    process = begin("reduce", night, "-o", out, "--workers", 1)
    wait_for(process, out, "quality of calibration frames")
    assert astep("reject", out, bad.name, "--reason", "dome light").code == 0
    answer = finish(process)
    assert answer.code == 0
    assert answer.document["counts"] == {"done": len(good), "cached": 0, "failed": 0, "left_out": 1}
    assert {"path": f"{bad.parent.name}/{bad.name}", "reason": "rejected: dome light"} in answer.document["left_out"]
    assert listed(out / "rejected.txt") == [f"{bad.parent.name}/{bad.name}"]
    assert sorted(listed(out / "accepted.txt")) == [f"{raw.parent.name}/{raw.name}" for raw in good]
    assert product(out, bad, night, "rejected").is_file()
    assert not product(out, bad, night).exists()
    assert all(product(out, raw, night).is_file() for raw in good)
    assert any("decided during the run" in line["text"] for line in log(out))


def test_a_frame_accepted_while_a_run_is_on_is_calibrated_by_it(night, tmp_path):
    out, frame = tmp_path / "out", science(night)[1]
    astep("reject", night, frame.name, "-o", out)
    process = begin("reduce", night, "-o", out, "--workers", 1)
    wait_for(process, out, "quality of calibration frames")
    assert astep("accept", out, frame.name).code == 0
    answer = finish(process)
    assert answer.document["counts"] == {"done": N_SCIENCE, "cached": 0, "failed": 0, "left_out": 0}
    assert product(out, frame, night).is_file()
    assert listed(out / "rejected.txt") == []


def test_what_is_rejected_and_undone_while_a_run_is_on_stays_where_it_was(night, reduced, tmp_path):
    out, frame = tmp_path / "out", science(night)[0]
    process = begin("reduce", night, "-o", out, "--workers", 1)
    wait_for(process, out, "quality of calibration frames")
    astep("reject", out, frame.name)
    assert astep("undo", out).document["undone"]
    answer = finish(process)
    assert answer.code == 0
    assert answer.document["counts"]["left_out"] == 0
    assert answer.document["warnings"] == []
    assert pixels(out) == pixels(reduced)


def test_a_dark_set_aside_while_a_run_is_on_is_not_in_the_master_when_it_ends(night, tmp_path):
    out = tmp_path / "out"
    dark = next(path for path in sorted(night.rglob("*_DARK.fits")) if "SKYFLAT" not in str(path.parent))
    process = begin("reduce", night, "-o", out, "--workers", 1)
    wait_for(process, out, "science frames")
    assert astep("reject", out, f"{dark.parent.name}/{dark.name}").code == 0
    assert finish(process).code == 0
    expected = tmp_path / "expected"
    astep("reject", night, f"{dark.parent.name}/{dark.name}", "-o", expected)
    assert again(night, expected).code == 0
    assert pixels(out) == pixels(expected)


def test_a_rejected_product_moves_and_comes_back_without_being_made_again(night, reduced, out):
    frame = science(night)[2]
    astep("reject", out, frame.name)
    assert product(out, frame, night, "rejected").is_file()
    assert again(night, out).document["counts"]["left_out"] == 1
    astep("accept", out, frame.name)
    assert again(night, out).document["counts"] == {"done": 0, "cached": N_SCIENCE, "failed": 0, "left_out": 0}
    assert pixels(out) == pixels(reduced)


# -- the recipe of an output -----------------------------------------------------------------------------

MINE = "[calibrate]\nuncertainty = true\n[cosmic]\nsigclip = 6.0\n"


def test_the_recipe_in_the_output_reproduces_it_and_is_kept_when_none_is_named(night, tmp_path):
    out, recipe = tmp_path / "out", tmp_path / "mine.toml"
    recipe.write_text(MINE)
    assert again(night, out, "--recipe", recipe).document["counts"]["done"] == N_SCIENCE
    written = (out / "recipe.toml").read_text()
    everything_stands = {"done": 0, "cached": N_SCIENCE, "failed": 0, "left_out": 0}
    assert again(night, out, "--recipe", out / "recipe.toml").document["counts"] == everything_stands
    forgotten = again(night, out)
    assert forgotten.document["counts"] == everything_stands
    assert sum("using the recipe of this output again" in line for line in forgotten.words.splitlines()) == 1
    assert (out / "recipe.toml").read_text() == written


def test_the_defaults_come_back_when_they_are_named(night, reduced, tmp_path):
    out, recipe = tmp_path / "out", tmp_path / "mine.toml"
    recipe.write_text(MINE)
    again(night, out, "--recipe", recipe)
    answer = again(night, out, "--recipe", "default")
    assert answer.document["counts"]["done"] == N_SCIENCE
    assert pixels(out) == pixels(reduced)
    assert (out / "recipe.toml").read_text() == (reduced / "recipe.toml").read_text()


def test_a_mistake_in_the_recipe_of_an_output_is_named_and_nothing_is_changed(night, reduced, out):
    (out / "recipe.toml").write_text("[cosmic]\nsigclp = 3\n")
    answer = again(night, out)
    assert answer.code == 2
    assert "cosmic.sigclp" in answer.error["why"]
    assert "--recipe default" in answer.error["hint"]
    assert pixels(out) == pixels(reduced)


def test_a_rule_of_the_recipe_rejects_and_a_person_wins_over_it(night, out, tmp_path):
    recipe = tmp_path / "rules.toml"
    recipe.write_text('[quality]\nreject = ["fwhm_px > 0"]\n')
    answer = again(night, out, "--recipe", recipe)
    assert answer.document["counts"]["left_out"] == N_SCIENCE
    assert len(listed(out / "rejected.txt")) == N_SCIENCE
    astep("accept", out, science(night)[0].name)
    again(night, out)
    assert listed(out / "accepted.txt") == [f"{science(night)[0].parent.name}/{science(night)[0].name}"]
    words = [str(word) for word in Table.read(out / "quality.ecsv")["rejected"]]
    assert words.count("rule: fwhm_px > 0") == N_SCIENCE - 1


def test_a_run_without_news_takes_a_small_part_of_the_time_of_a_whole_one(night, out):
    def cost(*words):
        begun = time.process_time()
        answer = again(night, out, *words)
        return time.process_time() - begun, answer.document["counts"]

    whole_s, _ = cost("--force")
    without_news_s, counts = cost()
    assert counts["cached"] == N_SCIENCE
    assert without_news_s < whole_s / 2
