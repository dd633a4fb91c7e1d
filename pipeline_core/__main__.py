"""``python -m pipeline_core`` is ``astep``."""

import sys

from pipeline_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
