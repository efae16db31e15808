"""One state machine, the same for every engine, against a small pure model."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.keyed import KeyedMachine

STEPS = 40


@pytest.mark.timeout(600)
def test_the_store_does_what_the_model_does(database_url: str) -> None:
    chosen = settings(
        settings.default,
        max_examples=settings().max_examples // 4,  # each of so many steps
        stateful_step_count=STEPS,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )

    class Machine(KeyedMachine):
        def __init__(self) -> None:
            super().__init__(database_url)

    run_state_machine_as_test(Machine, settings=chosen)
