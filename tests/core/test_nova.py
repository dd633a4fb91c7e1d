"""nova.astrometry.net, as it answers: logs in, queues, solves, fails, refuses."""

import json
import threading
import time

import numpy as np
import pytest

pytest.importorskip("astroquery", reason="the packages of the extra [solve] are not installed")

from astropy.io import fits

from pipeline_core.events import Cancelled, RunContext
from pipeline_core.io.wcs_cards import put_solution
from pipeline_core.science.catalogue_match import FrameStars
from pipeline_core.solving import nova
from pipeline_core.solving.engine import EngineError, Hint
from pipeline_core.solving.nova import NovaEngine
from tests.core.loopback import Loopback
from tests.core.sky_simulation import Camera, truth_of

KEY = "secret-key-of-a-person"
TRUTH = truth_of(Camera(distortion=0.0), 217.4, -62.7)


def a_frame():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, 4096, (2, 30))
    return FrameStars(x, y, np.sort(rng.uniform(1, 9, 30))[::-1], np.full(30, 0.1), np.zeros(30, bool))


def wcs_file():
    header = fits.Header()
    put_solution(header, TRUTH, (4096, 4096), {})
    return header.tostring().encode()


def service(status="success", login_status="success", **spoilt):
    """Recorded shapes of login, url_upload, submissions, jobs and wcs_file."""

    def answer(path, _form):
        for part, reply in spoilt.items():
            if part in path:
                return reply
        body = {
            "login": {"status": login_status, "message": "authenticated user: x", "session": "abc"},
            "url_upload": {"status": "success", "subid": 16714, "hash": "6024b45a16bfb5af7a73735cbabdf2b462c11214"},
            "submissions": {"processing_started": "2026-06-21 05:00:00", "job_calibrations": [], "jobs": [14889],
                            "user": 1, "user_images": [1051223]},
            "jobs": {"status": status, "calibration": {}, "tags": [], "original_filename": "xylist"},
        }  # fmt: skip
        if "wcs_file" in path:
            return 200, "application/fits", wcs_file()
        name = next(name for name in body if f"/{name}" in path)
        return 200, "text/plain", json.dumps(body[name]).encode()

    return answer


def test_a_star_list_is_sent_and_the_solution_comes_back():
    with Loopback(service()) as server:
        hint = Hint((0.9, 0.96), 217.4, -62.7, 1.5)
        found = NovaEngine(server.url, KEY).solve(a_frame(), (4096, 4096), hint, RunContext(), 20.0)
    assert found.engine == "nova"
    assert np.allclose(found.solution.centre((4096, 4096)), TRUTH.centre((4096, 4096)), atol=1e-6)
    sent = json.loads(next(form for path, form in server.asked if "url_upload" in path)["request-json"])
    assert sent["publicly_visible"] == "n"
    assert (sent["image_width"], sent["image_height"]) == (4096, 4096)
    assert (sent["scale_lower"], sent["center_dec"]) == (0.9, -62.7)
    assert len(sent["x"]) == 30


def test_a_failure_is_no_solution():
    with Loopback(service(status="failure")) as server:
        assert NovaEngine(server.url, KEY).solve(a_frame(), (4096, 4096), Hint(), RunContext(), 20.0) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (service(login_status="error"), "does not accept the key"),
        (service(login_page=(200, "text/html", b"")), ""),
        (service(login=(200, "text/html", b"<html>maintenance</html>")), "cut short or no data"),
        (service(url_upload=(429, "text/plain", b"too many")), "did not take the job (too many requests?)"),
        (service(wcs_file=(200, "text/html", b"<html>")), "cannot be read"),
    ],
    ids=["wrong key", "sound", "html page", "429", "no header"],
)
def test_a_bad_answer_is_an_error_in_words_that_never_hold_the_key(answer, words):
    with Loopback(answer) as server:
        engine = NovaEngine(server.url, KEY)
        if not words:
            assert engine.solve(a_frame(), (4096, 4096), Hint(), RunContext(), 20.0) is not None
            return
        with pytest.raises(EngineError) as error:
            engine.solve(a_frame(), (4096, 4096), Hint(), RunContext(), 20.0)
    assert words in str(error.value)
    assert KEY not in str(error.value)


def test_a_queue_can_be_cancelled_within_two_seconds():
    with Loopback(service(status="solving")) as server:
        context = RunContext()
        threading.Timer(1.2, context.cancel).start()
        begun = time.monotonic()
        with pytest.raises(Cancelled):
            NovaEngine(server.url, KEY).solve(a_frame(), (4096, 4096), Hint(), context, 20.0)
        assert time.monotonic() - begun < 3.2


def test_without_a_key_nothing_is_sent_and_the_words_say_how_to_keep_one(monkeypatch):
    monkeypatch.setattr(nova, "nova_key", lambda: None)
    with pytest.raises(EngineError, match="keyring set astep-harvest"):
        NovaEngine()


def test_the_key_lives_in_the_keyring(monkeypatch):
    import keyring
    from keyring.backend import KeyringBackend

    class Memory(KeyringBackend):
        priority = 1

        def __init__(self):
            self.kept = {}

        def get_password(self, service, name):
            return self.kept.get((service, name))

        def set_password(self, service, name, password):
            self.kept[service, name] = password

        def delete_password(self, service, name):
            del self.kept[service, name]

    before = keyring.get_keyring()
    try:
        keyring.set_keyring(Memory())
        assert nova.nova_key() is None
        nova.keep_nova_key(KEY)
        assert nova.nova_key() == KEY
    finally:
        keyring.set_keyring(before)
