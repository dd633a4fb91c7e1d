"""``python -m astep_gui``."""

from astep_gui.app import main

raise SystemExit(main())
