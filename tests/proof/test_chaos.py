"""Chaos from a random seed, which is printed; `TASKFORGE_TEST_SEED` repeats one, `make soak` runs it for an hour.

It rages for a minute and a half on each of two databases; `TASKFORGE_TEST_CHAOS_SECONDS` says otherwise.
"""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ENGINE_PROPERTY
from tests.proof.chaos import Chaos, on_a_database_of_its_own, redis_of_its_own

if TYPE_CHECKING:
    from pathlib import Path

SEED_VARIABLE = "TASKFORGE_TEST_SEED"
SECONDS = float(os.environ.get("TASKFORGE_TEST_CHAOS_SECONDS", "90"))


@pytest.mark.anyio
@pytest.mark.chaos
@pytest.mark.first
@pytest.mark.timeout(SECONDS + 240)
async def test_nothing_is_lost_in_chaos(proof_engine: str, tmp_path: Path, record_property: Any) -> None:
    record_property(ENGINE_PROPERTY, proof_engine)
    seed = int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(1_000_000))
    with ExitStack() as stack:
        url, server, processes = on_a_database_of_its_own(proof_engine, tmp_path, stack)
        redis = redis_of_its_own(tmp_path, stack)
        chaos = Chaos(url, tmp_path, seed, server=server, processes=processes, redis=redis)
        verdict = await chaos.run(SECONDS)
    print(f"{SEED_VARIABLE}={seed}: {verdict}")
    assert verdict.violations == []
    assert verdict.kills >= SECONDS / 30, "too quiet to prove anything"
    assert verdict.finished >= 50
