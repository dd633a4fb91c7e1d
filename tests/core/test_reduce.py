"""A whole night, end to end: what is made, what is made again, and what a person's decisions do to it."""

import csv
import hashlib
import io
import json
import os
import re
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

from pipeline_core import store as store_module
from pipeline_core.cli import main
from pipeline_core.config import Recipe
from pipeline_core.demo.night import make_demo_night
from pipeline_core.demo.truth import load_truth
from pipeline_core.errors import DataError, NightError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.export_list import LIST
from pipeline_core.handing_on import hand_on, without_wcs, without_wcs_words
from pipeline_core.io.calibrated_file import read_calibrated
from pipeline_core.logbook import Logbook
from pipeline_core.measures import Flag
from pipeline_core.planned import planned
from pipeline_core.quality_table import read_quality_table, write_quality_table
from pipeline_core.recipe_file import load_recipe
from pipeline_core.scan import scan_night
from pipeline_core.session import Place
from pipeline_core.stages import quality as quality_stage
from pipeline_core.steps import frame_steps
from pipeline_core.store import Store
from pipeline_core.types import MaskBit
from tests.core.truth_checks import compare_pixels

N_SCIENCE = 6


def run(capsys, *words):
    """Run a command with --json; return its exit code and document."""
    code = main([*map(str, words), "--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


def reduce(capsys, night, out, *words):
    return run(capsys, "reduce", night, "-o", out, "--executor", "threads", *words)


def hashes(folder):
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.fits")}


@pytest.fixture(scope="module")
def first_night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first") / "night"
    make_demo_night(folder, size=256, n_science=N_SCIENCE, n_bias=4, n_dark=5, n_flat=4, events=())
    return folder


@pytest.fixture(scope="module")
def first_run(first_night):
    """The night reduced once, with uncertainties; its document and the hashes of its raw files from before."""
    out = first_night.parent / "out"
    recipe = first_night.parent / "recipe.toml"
    recipe.write_text("[calibrate]\nuncertainty = true\n")
    before = hashes(first_night)
    code = main(
        ["reduce", str(first_night), "-o", str(out), "--recipe", str(recipe), "--executor", "threads", "--quiet"]
    )
    assert code == 0
    return out, recipe, before


@pytest.fixture
def night(first_night, first_run, tmp_path):
    """A copy that a test may change: (night, output, recipe)."""
    shutil.copytree(first_night, tmp_path / "night", copy_function=shutil.copy2)
    shutil.copytree(first_run[0], tmp_path / "out")
    return tmp_path / "night", tmp_path / "out", first_run[1]


def science_files(night):
    return sorted(p for p in night.rglob("*_SCIENCE_*.fits"))


def product_of(out, raw, night, top="calibrated"):
    relative = raw.relative_to(night)
    return out / top / relative.parent / f"{raw.stem}_CAL.fits"


def test_every_science_frame_becomes_a_calibrated_file_and_raw_data_stays(first_night, first_run):
    out, _, before = first_run
    for raw in science_files(first_night):
        assert product_of(out, raw, first_night).is_file()
    assert hashes(first_night) == before
    assert sorted(p.name for p in (out / "masters").iterdir()) == [
        "bias.fits", "dark_90s_-35C.fits", "flat_R.fits", "flat_V.fits", "flatdark_10s_-35C.fits", "mask_R.fits",
        "mask_V.fits",
    ]  # fmt: skip
    for name in ("quality.ecsv", "accepted.txt", "rejected.txt", "logbook.sqlite", "recipe.toml", "log.jsonl"):
        assert (out / name).is_file()
    assert not list(out.rglob("*.part"))


def test_a_calibrated_file_opens_whole_in_electrons_and_tells_what_was_done(first_night, first_run):
    path = product_of(first_run[0], science_files(first_night)[0], first_night)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ccd = CCDData.read(path)
    assert str(ccd.unit) == "electron"
    assert ccd.mask is not None
    assert ccd.uncertainty is not None
    header = fits.getheader(path)
    assert header["MASTDARK"] == "dark_90s_-35C"
    assert header["FLATCOR"] is True
    assert "BZERO" not in header
    assert "dark_90s_-35C [holds bias]" in str(header["HISTORY"])
    assert np.isfinite(ccd.data).all()


def test_calibrated_pixels_are_the_truth_within_their_uncertainty(first_night, first_run):
    truth = load_truth(first_night)
    reports = []
    for raw in science_files(first_night):
        frame = read_calibrated(product_of(first_run[0], raw, first_night))
        path = raw.relative_to(first_night).as_posix()
        reports.append(compare_pixels(truth, path, frame.image, frame.mask, frame.uncertainty))
    assert abs(np.mean([r.offset_sigma for r in reports])) < 0.05
    assert 0.95 < np.mean([r.pull_sigma for r in reports]) < 1.05


def test_both_filters_end_at_the_same_common_level(first_night, first_run):
    truth = load_truth(first_night)
    levels = {"R": [], "V": []}
    for raw in science_files(first_night):
        frame = read_calibrated(product_of(first_run[0], raw, first_night))
        path = raw.relative_to(first_night).as_posix()
        levels[truth.frame(path).filter].append(compare_pixels(truth, path, frame.image, frame.mask).level_ratio)
    assert np.mean(levels["R"]) == pytest.approx(np.mean(levels["V"]), rel=0.005)


def test_nothing_is_made_again_when_nothing_changed(night, capsys):
    folder, out, recipe = night
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*_CAL.fits")}
    code, document = reduce(capsys, folder, out, "--recipe", recipe)
    assert code == 0
    assert document["counts"] == {"done": 0, "cached": N_SCIENCE, "failed": 0, "left_out": 0}
    assert set(document["masters"].values()) == {"up to date"}
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*_CAL.fits")} == before


def test_a_cosmic_ray_setting_makes_science_again_and_no_master(night, capsys, tmp_path):
    folder, out, _ = night
    recipe = tmp_path / "r.toml"
    recipe.write_text("[calibrate]\nuncertainty = true\n[cosmic]\nsigclip = 6.0\n")
    _, document = reduce(capsys, folder, out, "--recipe", recipe)
    assert document["counts"]["done"] == N_SCIENCE
    assert set(document["masters"].values()) == {"up to date"}


def test_one_rejected_flat_makes_only_its_filter_again(night, capsys):
    folder, out, recipe = night
    run(capsys, "reject", out, "*_0001_SKYFLAT_R*", "--reason", "dome in the way")
    _, document = reduce(capsys, folder, out, "--recipe", recipe)
    made = {name for name, state in document["masters"].items() if state == "made"}
    assert made == {"flat_R", "mask_R"}
    assert document["counts"]["done"] == N_SCIENCE // 2
    assert document["counts"]["cached"] == N_SCIENCE // 2


def test_a_rejected_frames_product_moves_aside_and_comes_back_without_computing(night, capsys):
    folder, out, recipe = night
    raw = science_files(folder)[0]
    there, aside = product_of(out, raw, folder), product_of(out, raw, folder, "rejected")
    pixels = there.read_bytes()
    run(capsys, "reject", out, raw.name, "--reason", "cloud")
    assert aside.read_bytes() == pixels
    assert not there.exists()
    _, document = reduce(capsys, folder, out, "--recipe", recipe)
    assert document["counts"] == {"done": 0, "cached": N_SCIENCE - 1, "failed": 0, "left_out": 1}
    run(capsys, "accept", out, raw.name)
    assert there.read_bytes() == pixels
    _, document = reduce(capsys, folder, out, "--recipe", recipe)
    assert document["counts"]["cached"] == N_SCIENCE


def test_a_run_that_only_moves_the_file_of_a_rejected_frame_says_so(night, capsys):
    """In the window a rejection moves nothing: the next run does."""
    folder, out, recipe = night
    raw = science_files(folder)[0]
    with Logbook.open(out) as logbook:
        logbook.reject([raw.relative_to(folder).as_posix()], "cloud")
    assert main(["reduce", str(folder), "-o", str(out), "--recipe", str(recipe), "--executor", "threads"]) == 0
    assert "1 calibrated file moved" in capsys.readouterr().out
    assert product_of(out, raw, folder, "rejected").is_file()
    assert main(["reduce", str(folder), "-o", str(out), "--recipe", str(recipe), "--executor", "threads"]) == 0
    assert "moved" not in capsys.readouterr().out


def test_rules_of_the_recipe_reject_and_a_person_stands_against_them(night, capsys, tmp_path):
    folder, out, _ = night
    recipe = tmp_path / "r.toml"
    recipe.write_text('[calibrate]\nuncertainty = true\n[quality]\nreject = ["background > 0.1*median"]\n')
    reduce(capsys, folder, out, "--recipe", recipe)
    assert len((out / "rejected.txt").read_text().strip().splitlines()) >= N_SCIENCE
    raw = science_files(folder)[0]
    run(capsys, "accept", out, raw.name)
    reduce(capsys, folder, out, "--recipe", recipe)
    assert raw.name in (out / "accepted.txt").read_text()


def test_a_damaged_frame_is_left_out_and_named_and_the_others_are_done(night, capsys):
    folder, out, recipe = night
    raw = science_files(folder)[1]
    raw.write_bytes(raw.read_bytes()[:40_000])
    code, document = reduce(capsys, folder, out, "--recipe", recipe)
    assert code == 0
    assert document["counts"]["left_out"] == 1
    assert any(item["path"].endswith(raw.name) and "cut short" in item["reason"] for item in document["left_out"])


def test_a_night_that_moved_keeps_its_decisions(night, capsys):
    folder, out, recipe = night
    run(capsys, "reject", out, "*_SCIENCE_R*", "--reason", "cloud")
    moved = folder.with_name("moved")
    folder.rename(moved)
    _, document = reduce(capsys, moved, out, "--recipe", recipe)
    assert document["counts"]["left_out"] == N_SCIENCE // 2
    assert document["counts"]["cached"] == N_SCIENCE // 2


def test_only_masters_makes_no_science_frame(first_night, tmp_path, capsys):
    code, document = reduce(capsys, first_night, tmp_path / "out", "--only", "masters")
    assert code == 0
    assert len(document["masters"]) == 7
    assert not (tmp_path / "out" / "calibrated").exists()


def test_the_ccdproc_and_astroscrappy_engines_agree_with_ours(first_night, first_run, tmp_path, capsys):
    recipe = tmp_path / "r.toml"
    recipe.write_text('[combine]\nengine = "ccdproc"\n[cosmic]\nengine = "astroscrappy"\n')
    code, _ = reduce(capsys, first_night, tmp_path / "out", "--recipe", recipe)
    assert code == 0
    raw = science_files(first_night)[0]
    ours = read_calibrated(product_of(first_run[0], raw, first_night))
    theirs = read_calibrated(product_of(tmp_path / "out", raw, first_night))
    clean = (ours.mask == 0) & (theirs.mask == 0)
    # Masters of four and five frames: what one clips and the other keeps moves a pixel by a part of its noise.
    assert np.median(np.abs(ours.image - theirs.image)[clean]) < 0.5
    assert abs(np.median((ours.image - theirs.image)[clean])) < 0.5


def test_quality_shows_every_science_frame_with_the_promised_keys(first_run, capsys):
    code, document = run(capsys, "quality", first_run[0])
    assert code == 0
    science = [f for f in document["frames"] if f["kind"] == "science"]
    assert len(science) == N_SCIENCE
    keys = {"path", "kind", "state", "rejected", "fwhm_px", "ellipticity", "background", "noise", "stars",
            "transparency", "depth_loss_mag", "flags"}  # fmt: skip
    assert all(keys <= set(f) for f in document["frames"])
    assert all(f["state"] == "final" for f in science)
    assert np.median([f["fwhm_px"] for f in science]) == pytest.approx(2.5, rel=0.05)


def test_status_says_what_is_made(first_run, capsys):
    code, document = run(capsys, "status", first_run[0])
    assert code == 0
    assert document["made"]["science frames"] == N_SCIENCE
    assert document["running"] is None
    assert document["missing"] == []


def test_exported_frames_are_in_time_order_and_only_the_accepted_ones(night, capsys, tmp_path):
    folder, out, _ = night
    run(capsys, "reject", out, science_files(folder)[0].name)
    code, document = run(capsys, "export", out, "--for", "siril", tmp_path / "siril")
    assert code == 0
    assert len(document["files"]) == N_SCIENCE - 1
    groups = document["groups"] or ["."]
    for group in groups:
        files = sorted((tmp_path / "siril" / group).glob("*.fit"))
        headers = [fits.getheader(file) for file in files]
        times = [header["DATE-OBS"] for header in headers]
        assert times == sorted(times)
        assert len({(header["FILTER"], header["EXPTIME"]) for header in headers}) == 1


def test_export_says_where_the_groups_lie_and_which_frames_are_suggested_to_be_rejected(night, capsys, tmp_path):
    folder, out, _ = night
    doubted, answered, other = (raw.relative_to(folder).as_posix() for raw in science_files(folder)[:3])
    rows = [replace(row, flags=()) for row in read_quality_table(out / "quality.ecsv")]
    cloud = (Flag("cloud", "cloud: half of the light"),)
    rows = [replace(row, flags=cloud) if row.path in {doubted, answered} else row for row in rows]
    write_quality_table(out / "quality.ecsv", rows, rejected={}, calibration_flags={})
    run(capsys, "accept", out, answered.rpartition("/")[2])
    run(capsys, "set", out, "filter=V", other.rpartition("/")[2])
    assert main(["export", str(out), "--for", "siril", str(tmp_path / "siril")]) == 0
    told = capsys.readouterr().out
    assert "1 of them is suggested to be rejected" in told
    assert "in 2 folders, one a pointing, filter and exposure: " in told
    _, document = run(capsys, "export", out, "--for", "siril", tmp_path / "again")
    assert document["suggested"] == [doubted]
    assert len(document["groups"]) == 2
    assert all((tmp_path / "again" / name).is_file() for name in document["files"])
    assert len(document["files"]) == N_SCIENCE
    frames = [frame for group in document["groups"] for frame in exported(tmp_path / "again" / group)]
    assert {frame["raw_frame"] for frame in frames if frame["said_against_it"] == "cloud"} == {doubted, answered}


def test_an_export_of_good_frames_only_takes_what_a_person_accepted_and_names_what_it_leaves_out(
    night, capsys, tmp_path
):
    """It left out what was accepted against a flag, and took what was accepted without being judged."""
    folder, out, _ = night
    doubted, answered, unjudged, taken = (raw.relative_to(folder).as_posix() for raw in science_files(folder)[:4])
    cloud, untold = (Flag("cloud", "cloud: half of the light"),), (Flag("not judged", "not judged: alone", "note"),)
    flags = {doubted: cloud, answered: cloud, unjudged: untold, taken: untold}
    rows = [replace(row, flags=flags.get(row.path, ())) for row in read_quality_table(out / "quality.ecsv")]
    write_quality_table(out / "quality.ecsv", rows, rejected={}, calibration_flags={})
    for path in (answered, taken):
        run(capsys, "accept", out, path.rpartition("/")[2])
    code, document = run(capsys, "export", out, "--for", "tycho", "--only-good", tmp_path / "good")
    assert code == 0
    assert document["stands"] == {"accepted": 2, "good": N_SCIENCE - 4}
    assert len(document["files"]) == N_SCIENCE - 2
    assert document["left_out"] == [
        {"path": doubted, "reason": "cloud"},
        {"path": unjudged, "reason": "not judged"},
    ]
    assert document["suggested"] == []
    assert main(["export", str(out), "--for", "tycho", "--only-good", str(tmp_path / "again")]) == 0
    said = capsys.readouterr().out
    assert f"{N_SCIENCE - 2} frames for tycho: {N_SCIENCE - 4} good, 2 accepted by a person; in " in said
    assert re.search(r"2 frames left out: cloud \(.*\), not judged \(.*\)", said)
    _, document = run(capsys, "export", out, "--for", "tycho", tmp_path / "all")
    assert document["left_out"] == []
    assert document["stands"] == {"suspect": 1, "accepted": 2, "not judged": 1, "good": N_SCIENCE - 4}
    rows = [replace(row, flags=cloud) for row in rows]
    write_quality_table(out / "quality.ecsv", rows, rejected={}, calibration_flags={})
    run(capsys, "undo", out)
    run(capsys, "undo", out)
    assert main(["export", str(out), "--for", "tycho", "--only-good", str(tmp_path / "none")]) != 0
    assert "that is good, or accepted by a person" in capsys.readouterr().err


def exported(folder):
    """Return the lines of the table beside an exported sequence."""
    with (folder / LIST).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, dialect="excel-tab"))


def test_export_says_which_frames_were_calibrated_before_the_last_changes(night, capsys, tmp_path):
    folder, out, _ = night
    path = science_files(folder)[0].relative_to(folder).as_posix()
    _, document = run(capsys, "export", out, "--for", "tycho", tmp_path / "before")
    assert document["stale"] == []
    run(capsys, "set", out, "filter=V", path)
    _, document = run(capsys, "export", out, "--for", "tycho", tmp_path / "after")
    assert document["stale"] == [path]
    assert main(["export", str(out), "--for", "tycho", str(tmp_path / "after")]) == 0
    assert (
        "1 of them was calibrated before your last changes: reduce the night, then export again"
        in capsys.readouterr().out
    )


def test_an_export_from_a_copied_output_is_stopped_before_the_files_are_read(night, tmp_path, monkeypatch):
    folder, out, _ = night
    for file in out.rglob("*_CAL.fits"):
        os.utime(file)
    read, context = [], RunContext()
    monkeypatch.setattr(store_module, "crc32_of", lambda path: read.append(path) or context.cancel() or 0)
    with pytest.raises(Cancelled):
        hand_on(Place(folder, out), scan_night(folder, RunContext()), "tycho", tmp_path / "tycho", context)
    assert len(read) == 1
    assert not list(tmp_path.glob("tycho/*"))


def test_an_export_over_an_earlier_one_of_more_frames_names_what_would_be_taken_for_frames(night, capsys, tmp_path):
    _, out, _ = night
    assert main(["export", str(out), "--for", "siril", str(tmp_path / "siril")]) == 0
    assert "export before" not in capsys.readouterr().out
    last = max((tmp_path / "siril").rglob("astep_*.fit"))
    raw_frame = exported(last.parent)[-1]["raw_frame"]
    run(capsys, "reject", out, raw_frame)
    assert main(["export", str(out), "--for", "siril", str(tmp_path / "siril")]) == 0
    name = last.relative_to(tmp_path / "siril").as_posix()
    assert f"{name} is of an export before" in capsys.readouterr().out
    assert raw_frame not in {frame["raw_frame"] for frame in exported(last.parent)}


def test_export_says_which_frames_do_not_know_their_place_on_the_sky(tmp_path):
    for k, cards in enumerate(({}, {"CRVAL1": 10.0}, {})):
        fits.PrimaryHDU(np.zeros((4, 4), np.float32), fits.Header(cards)).writeto(tmp_path / f"{k}.fit")
    files = sorted(tmp_path.iterdir())
    assert without_wcs(files) == ["0.fit", "2.fit"]
    words = [without_wcs_words(names, 3, "solve them") for names in ([], ["0.fit"], ["0.fit", "2.fit"], ["a"] * 3)]
    rest = "WCS: they were not solved; solve them, then export again"
    assert words == [
        "",
        "0.fit has no WCS: it was not solved; solve them, then export again",
        f"2 of them (0.fit, …) have no {rest}",
        f"none of them has a {rest}",
    ]


def test_nothing_usable_is_an_error_and_leaves_no_trace_in_the_night(tmp_path, capsys):
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "a.fits").write_bytes(b"not a FITS file")
    code, document = reduce(capsys, tmp_path / "night", tmp_path / "out")
    assert code == 2
    assert document["error"]["hint"]
    assert [p.name for p in (tmp_path / "night").iterdir()] == ["a.fits"]


def test_saturated_and_hot_pixels_keep_their_value_and_are_flagged(first_night, first_run):
    truth = load_truth(first_night)
    frame = read_calibrated(product_of(first_run[0], science_files(first_night)[0], first_night))
    hot = (frame.mask & MaskBit.HOT) > 0
    assert 0 < hot.mean() < 0.02
    assert truth.size == frame.image.shape[0]


def test_a_nights_own_masters_given_back_make_the_same_frames(night, capsys, tmp_path):
    folder, out, recipe = night
    before = {p.name: read_calibrated(p) for p in (out / "calibrated").rglob("*_CAL.fits")}
    copy = tmp_path / "again"
    for raw in science_files(folder):
        (copy / raw.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy2(raw, copy / raw.parent.name)
    (copy / "mine").mkdir()
    kinds = {"bias": "bias", "dark_90s_-35C": "dark", "flat_R": "flat", "flat_V": "flat"}
    for name in kinds:
        shutil.copy2(out / "masters" / f"{name}.fits", copy / "mine")
    for name, kind in kinds.items():
        assert run(capsys, "set", copy, f"kind={kind}", f"mine/{name}.fits")[0] == 0
    _, document = reduce(capsys, copy, tmp_path / "again_reduced", "--recipe", recipe)
    assert document["counts"] == {"done": N_SCIENCE, "cached": 0, "failed": 0, "left_out": 0}
    products = list((tmp_path / "again_reduced" / "calibrated").rglob("*_CAL.fits"))
    assert sorted(p.name for p in products) == sorted(before)
    for product in products:
        frame, same = read_calibrated(product), before[product.name]
        # Unstable pixels are told from raw darks alone: what differs is their bit, and hits beside them.
        unstable = (same.mask & MaskBit.UNSTABLE) != 0
        assert np.mean(frame.image[~unstable] != same.image[~unstable]) < 1e-3
        assert np.mean(frame.mask[~unstable] != same.mask[~unstable]) < 1e-3


def test_without_any_gain_frames_stay_in_adu_and_it_is_said(first_night, tmp_path, capsys):
    folder = tmp_path / "night"
    folder.mkdir()
    for raw in science_files(first_night)[:2]:
        data, header = fits.getdata(raw, header=True)
        del header["GAIN"], header["TELESCOP"]
        fits.writeto(folder / raw.name, data, header)
    code, document = reduce(capsys, folder, tmp_path / "out")
    assert code == 0
    assert any("stay in ADU" in words for words in document["warnings"])
    assert fits.getheader(next((tmp_path / "out").rglob("*_CAL.fits")))["BUNIT"] == "adu"


def test_the_plan_read_back_from_an_output_has_the_keys_of_its_run(first_night, first_run):
    out, recipe, _ = first_run
    found = planned(Place(first_night, out), scan_night(first_night), load_recipe(recipe))
    with Logbook.read_only(out) as logbook, Store(out, logbook.database) as store:
        made = {product.name: product.key for product in store.products()}
    tasks = [*found.tasks.masters.values(), *found.tasks.science.values()]
    assert {task.product: task.key for task in tasks} == {
        n: k for n, k in made.items() if n.startswith(("masters/", "calibrated/"))
    }


def test_the_plan_read_back_leaves_out_a_calibration_frame_that_could_not_be_measured(
    first_night, tmp_path, capsys, monkeypatch
):
    night, out = tmp_path / "night", tmp_path / "out"
    shutil.copytree(first_night, night)
    bad = next(p for p in sorted(night.rglob("*_DARK*")) if "SKYFLAT" not in str(p))

    def measure(settings, inputs, out, threads):
        if inputs["raw"].name == bad.name:
            raise DataError("cannot read it", "the disk has a bad block", "copy it again")
        return measured(settings, inputs, out, threads)

    measured = quality_stage.MEASURE_CALIBRATION.make
    stage = replace(quality_stage.MEASURE_CALIBRATION, make=measure)
    with monkeypatch.context() as patch:
        patch.setattr(quality_stage, "MEASURE_CALIBRATION", stage)
        _, document = reduce(capsys, night, out, "--only", "masters")
    left_out = {item["path"]: item["reason"] for item in document["left_out"]}
    path = bad.relative_to(night).as_posix()
    assert "bad block" in left_out[path]
    plan = planned(Place(night, out), scan_night(night), Recipe()).plan
    assert {item.path: item.reason for item in plan.left_out} == left_out


def test_darks_are_judged_although_the_science_frame_that_tells_the_stars_is_gone(
    first_night, tmp_path, capsys, monkeypatch
):
    def gone(settings, inputs, out, threads):
        raise DataError("cannot use it", "the file changed since the night was scanned", "run again")

    monkeypatch.setattr(quality_stage, "FIND_STARS", replace(quality_stage.FIND_STARS, make=gone))
    out = tmp_path / "out"
    code, document = reduce(capsys, first_night, out, "--only", "masters")
    assert code == 0
    assert not any("SCIENCE" in item["path"] for item in document["left_out"])
    with Logbook.read_only(out) as logbook, Store(out, logbook.database) as store:
        judged = {product.label for product in store.products("quality of calibration frames")}
    assert {path.relative_to(first_night).as_posix() for path in first_night.rglob("*_DARK*")} <= judged


def test_a_master_changed_by_hand_is_made_again_and_it_is_said(first_night, tmp_path, capsys):
    out = tmp_path / "out"
    reduce(capsys, first_night, out, "--only", "masters")
    bias = out / "masters" / "bias.fits"
    good = bias.read_bytes()
    bias.write_bytes(good[:-5000] + bytes(5000))
    os.utime(bias, ns=(0, 0))
    code = main(["reduce", str(first_night), "-o", str(out), "--executor", "threads", "--only", "masters"])
    assert code == 0
    assert "masters/bias.fits was changed by someone" in capsys.readouterr().err
    np.testing.assert_array_equal(fits.getdata(bias), fits.getdata(io.BytesIO(good)))


def test_warnings_are_told_in_full_once_and_then_counted(first_night, tmp_path, capsys):
    out = tmp_path / "out"
    bias = next(iter(sorted(first_night.rglob("*_BIAS*"))))
    main(["reject", str(first_night), bias.name, "-o", str(out), "--quiet"])
    words = ["reduce", str(first_night), "-o", str(out), "--executor", "threads", "--only", "masters", "--quiet"]
    capsys.readouterr()
    main(words)
    first = capsys.readouterr().out
    main(words)
    again = capsys.readouterr().out
    main(["status", str(out)])
    status = capsys.readouterr().out
    assert f"left out {bias.relative_to(first_night).as_posix()}" in first
    assert "left out 2" not in again
    assert "as before" in again
    assert f"left out {bias.relative_to(first_night).as_posix()}" in status
    _, document = reduce(capsys, first_night, out, "--only", "masters")
    assert [item["path"] for item in document["left_out"]] == [bias.relative_to(first_night).as_posix()]


def test_the_steps_of_a_reduced_frame_end_at_its_calibrated_file(first_night, first_run):
    out, recipe, _ = first_run
    task = next(
        iter(planned(Place(first_night, out), scan_night(first_night), load_recipe(recipe)).tasks.science.values())
    )
    last = frame_steps(task, out).steps[-1]
    calibrated = read_calibrated(out / task.product)
    np.testing.assert_array_equal(last.image, calibrated.image)
    np.testing.assert_array_equal(last.mask, calibrated.mask)


def test_a_night_that_was_never_reduced_has_no_plan_to_read_back(first_night, tmp_path):
    with pytest.raises(NightError, match="has not been reduced"):
        planned(Place(first_night, tmp_path / "none"), scan_night(first_night), Recipe())


def test_names_that_a_header_cannot_hold_do_not_stop_a_night(first_night, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "Séance"
    shutil.copytree(first_night, folder / "nuit α", copy_function=shutil.copy2)
    monkeypatch.chdir(tmp_path)
    run(capsys, "set", folder, "filter=Hα", "*_R.fits", "-o", "out")
    code, document = reduce(capsys, folder, "out")
    assert code == 0
    assert document["counts"]["done"] == N_SCIENCE
    # A relative output, too, is exported from.
    code, document = run(capsys, "export", "out", "--for", "tycho", "exported")
    assert code == 0
    assert len(document["files"]) == N_SCIENCE


def test_only_science_frames_are_exported_and_adu_claims_no_gain(first_night, tmp_path, capsys):
    folder = tmp_path / "night"
    folder.mkdir()
    for raw in science_files(first_night)[:3]:
        data, header = fits.getdata(raw, header=True)
        del header["GAIN"], header["TELESCOP"]
        fits.writeto(folder / raw.name, data, header)
    out = tmp_path / "out"
    reduce(capsys, folder, out)
    run(capsys, "set", out, "kind=other", science_files(first_night)[0].name)
    _, document = run(capsys, "export", out, "--for", "tycho", tmp_path / "tycho")
    assert len(document["files"]) == 2
    header = fits.getheader(tmp_path / "tycho" / document["files"][0])
    assert "EGAIN" not in header
    sky = np.median(fits.getdata(tmp_path / "tycho" / document["files"][0]))
    assert sky == pytest.approx(1000 + np.median(fits.getdata(next(out.rglob("*_CAL.fits")))), rel=0.1)


def test_a_name_that_is_no_text_leaves_its_frame_out_and_the_night_is_reduced(night, capsys, tmp_path):
    """As on a disk of an old system; no logbook, list or report can hold such a name."""
    folder, _, _ = night
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    named = science_files(copied)[0]
    named.rename(named.with_name(os.fsdecode(b"caf\xe9_SCIENCE.fits")))
    made = tmp_path / "made"
    code, document = reduce(capsys, copied, made)
    assert (code, document["counts"]["done"]) == (0, N_SCIENCE - 1)
    assert main(["report", str(made), "--small", "--quiet"]) == 0
    assert "caf\\udce9_SCIENCE.fits" in (made / "report_small.html").read_text(encoding="utf-8")
