"""Our work timed beside its peers: ``python -m tests.bench.run``."""
