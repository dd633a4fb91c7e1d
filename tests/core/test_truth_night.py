"""Whole demo nights through the command line, against their truth: what the reduction promises, judged end to end."""

import pytest

from .truth_run import reduced_demo, report

SEED = 7  # none of those the judge was built on


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("truth")
    truth, out = reduced_demo(folder, size=512, seed=SEED, fwhm_px=2.5)
    print(f"seed {SEED}")
    return report(truth, out, folder / "night")


def test_calibrated_frames_are_the_true_sky_within_a_twentieth_of_their_noise(found):
    assert abs(found.offset_sigma) < 0.05
    assert found.worst_offset_sigma < 0.05


def test_uncertainties_are_what_frames_scatter_by(found):
    assert 0.95 <= found.pull_sigma <= 1.05
    assert 0.95 <= found.worst_pull <= 1.05


def test_stars_keep_their_flux_to_half_a_percent(found):
    assert found.flux_ratio == pytest.approx(1, abs=0.005)


def test_both_filters_end_at_one_level(found):
    assert set(found.levels) == {"R", "V"}
    assert found.levels["R"] == pytest.approx(found.levels["V"], abs=0.002)


def test_no_star_is_hurt_by_the_cosmic_ray_step(found):
    # One in 500; this night has too few stars to allow any.
    assert found.stars > 50
    assert found.hurt <= found.stars / 500


def test_cosmic_rays_are_found(found):
    # On the outermost two pixels the Laplacian has no neighbours: of 512² pixels they are 1.6 %, and longer tracks
    # touch them more often.
    assert found.inner_events > 100
    assert found.inner_events_found / found.inner_events >= 0.97
    assert found.pixels_found / found.pixels >= 0.88


def test_everything_planted_is_named_with_its_cause(found):
    assert found.flags.missed == ()


def test_good_frames_are_let_alone(found):
    assert found.flags.false_alarm_rate <= 0.02
    assert found.stray_notes == ()
