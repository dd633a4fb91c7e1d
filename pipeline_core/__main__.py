"""``python -m pipeline_core`` is ``astep``."""

from pipeline_core.cli import program

if __name__ == "__main__":
    program()
