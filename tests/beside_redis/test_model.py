"""The state machine of `tests.model`, a few times, with jobs that are handed out by ready queues in Redis."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.beside_redis.stage import ModelStage
from tests.conftest import SOAK
from tests.model.keyed import KeyedMachine

EXAMPLES, STEPS = 3, 25


@pytest.mark.timeout(600)
@pytest.mark.skipif(not SOAK, reason="half a minute: in a soak; the store itself is compared in every run")
def test_the_store_does_what_the_model_does(sqlite_url: str, redis_url: str) -> None:
    chosen = settings(
        settings.default,
        max_examples=max(EXAMPLES, settings().max_examples // 100),
        stateful_step_count=STEPS,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )

    class Machine(KeyedMachine):
        def __init__(self) -> None:
            super().__init__(sqlite_url, lambda url: ModelStage(url, redis_url))

    run_state_machine_as_test(Machine, settings=chosen)
