"""A job that its worker hands back without having begun it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from taskforge.domain.attempt_policy import attempt_policy
from taskforge.domain.lifecycle import decide
from taskforge.domain.outcome import Released
from taskforge.domain.queue import QueueSettings
from taskforge.ports.jobs import Settlement

if TYPE_CHECKING:
    from taskforge.ports.jobs import ExpiredLease


def released(lease: ExpiredLease) -> Settlement:
    """The end of such an attempt: no attempt is spent."""
    transition = decide(
        Released(),
        attempt_policy(
            QueueSettings(),
            max_attempts=lease.max_attempts,
            manual_retries=lease.manual_retries,
            retry=None,
            timeout_ms=None,
        ),
        attempt=lease.attempt,
        losses=lease.losses,
        random=random.random,
    )
    return Settlement(
        lease.job_id, lease.claim_seq, lease.execution_id, transition, None, None, is_watched=True
    )
