"""What the tests' own programs are started by."""

from concurrent.futures import ThreadPoolExecutor

from tests.support.processes import Processes


def test_all_who_wait_hear_of_an_end(processes: Processes) -> None:
    """Whoever of them hears first."""
    child = processes.python("-c", "import time; time.sleep(0.3)")
    with ThreadPoolExecutor(8) as pool:
        codes = [pool.submit(child.wait, 30) for _ in range(8)]
        while child.returncode is None:
            pass
        assert [code.result(30) for code in codes] == [0] * 8


def test_what_has_just_started_can_be_killed(processes: Processes) -> None:
    """It has its group before anybody knows its pid: a signal to the group that came earlier would hit nobody."""
    for _ in range(50):
        child = processes.python("-c", "import time; time.sleep(60)")
        child.kill()
        assert child.returncode == -9
