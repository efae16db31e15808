"""A plugin of pytest (`-p tests.proof.mutant`): takes one guard away before any test runs."""

from __future__ import annotations

import json
import os

from tests.proof.mutations import Mutation

MUTATION_VARIABLE = "PROOF_MUTATION"


def pytest_configure() -> None:
    """Apply the mutation of the environment."""
    Mutation(*json.loads(os.environ[MUTATION_VARIABLE])).apply()
