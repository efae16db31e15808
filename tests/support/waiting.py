"""`eventually` for tests that are not async."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], timeout: float = 20, interval: float = 0.05) -> None:
    """Call `condition` until what it answers is true. Raises AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not so within {timeout} s"
        time.sleep(interval)
