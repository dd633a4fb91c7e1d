"""Coordinates in any usual form, and names that are known without a network."""

import socket

import pytest

from pipeline_core.errors import AstepError, UsageError
from pipeline_core.sky_target import bright_stars, deep_sky, find_target, known_names, parse_coordinates

RA, DEC = 217.429167, -62.679444


@pytest.mark.parametrize(
    "text",
    [
        "14 29 43 -62 40 46",
        "14:29:43.0 -62:40:46",
        "14:29:43.0, -62:40:46.0",
        "14h29m43s -62d40m46s",
        "14h29m43s −62°40′46″",
        "  14 29 43   −62 40 46 ",
        "217.429167 -62.679444",
        "217.429167, −62.679444",
        "217.429167d -62.679444d",
        "J142943-624046",
    ],
)
def test_the_same_place_is_understood_however_it_is_written(text):
    found = find_target(text)
    assert found.ra_deg == pytest.approx(RA, abs=2e-6)
    assert found.dec_deg == pytest.approx(DEC, abs=2e-6)
    assert found.source == "coordinates as typed"


def test_a_positive_declination_needs_no_sign():
    assert parse_coordinates("05 34 31.9 22 00 52") == pytest.approx((83.632917, 22.014444), abs=1e-5)


def test_declinations_just_south_of_the_equator_keep_their_sign():
    assert parse_coordinates("0 0 0 -0 30 0") == pytest.approx((0.0, -0.5))


@pytest.mark.parametrize("text", ["400 10", "99 99 99 10 10 10", "12 34 56", "217.4 -97", "J99"])
def test_what_is_no_place_is_refused_with_the_forms_that_are_understood(text):
    with pytest.raises(UsageError) as caught:
        find_target(text)
    assert "14:29:43.0 -62:40:46" in caught.value.hint


def test_nothing_typed_is_told_as_that():
    with pytest.raises(UsageError, match="nothing to go to"):
        find_target("   ")


@pytest.mark.parametrize("name", ["M31", "m 31", "Messier 31", "M 031", "NGC 224", "ngc0224", "andromeda galaxy"])
def test_an_object_is_found_by_any_of_its_names(name):
    found = find_target(name)
    # NED: 00 42 44.3 +41 16 09
    assert (found.ra_deg, found.dec_deg) == pytest.approx((10.6847, 41.2692), abs=3e-4)


def test_an_object_of_the_nights_headers_comes_before_any_list():
    found = find_target("m31", {"M 31": (1.0, 2.0)})
    assert (found.ra_deg, found.dec_deg) == (1.0, 2.0)
    assert "headers" in found.source


def test_a_bright_star_is_where_its_motion_has_brought_it():
    then, now = find_target("sirius", year=2000.0), find_target("Sirius", year=2026.0)
    # Sirius moves by -1.22 arcsec a year in declination (van Leeuwen 2007).
    assert (now.dec_deg - then.dec_deg) * 3600 == pytest.approx(26 * -1.22, abs=0.3)
    assert (then.ra_deg, then.dec_deg) == pytest.approx((101.28716, -16.71612), abs=1e-4)


def test_an_unknown_name_says_where_it_was_looked_for_and_asks_no_network(monkeypatch):
    def refused(*_args, **_more):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refused)
    with pytest.raises(UsageError, match="is not known here") as caught:
        find_target("no such thing")
    assert "NGC or Messier" in caught.value.why


def test_the_network_is_a_deed_of_its_own_and_says_when_it_does_not_know(monkeypatch):
    from astropy.coordinates import SkyCoord
    from astropy.coordinates.name_resolve import NameResolveError

    from pipeline_core.sky_target import ask_network

    def unknown(_name):
        raise NameResolveError("unable to resolve the name")

    monkeypatch.setattr(SkyCoord, "from_name", unknown)
    with pytest.raises(AstepError, match="was not found"):
        ask_network("no such thing")


def test_the_lists_hold_what_they_say():
    assert len(bright_stars()) > 100
    messier = {f"m{k}" for k in range(1, 111)} - {"m102"}  # M 102 is a double entry
    assert messier <= set(deep_sky())
    assert all(0 <= t.ra_deg < 360 and -90 <= t.dec_deg <= 90 for t in deep_sky().values())
    assert {"Sirius", "M 42"} <= set(known_names())
    assert not any(name.startswith("NGC") for name in known_names())
