"""What tests on real nights share: each night reduced once, as the command line does by itself."""

import contextlib
import io
import json
import shutil

import pytest

from pipeline_core.cli import main
from tests.made_once import made_once


@pytest.fixture(scope="session")
def reduced_night(shared_folder):
    """Return what gives a test its own copy of the output of a reduced night, and the document of the run."""

    def copied(night, out):
        def make(folder):
            words = ["reduce", str(night), "-o", str(folder / "out"), "--executor", "threads", "--workers", "1"]
            with contextlib.redirect_stdout(io.StringIO()) as said:
                code = main([*words, "--json", "--quiet"])
            assert code == 0, said.getvalue()
            (folder / "document.json").write_text(said.getvalue(), encoding="utf-8")

        made = made_once(shared_folder, f"reduced_{night.name}", make)
        shutil.copytree(made / "out", out, copy_function=shutil.copy2)
        return json.loads((made / "document.json").read_text(encoding="utf-8"))

    return copied
