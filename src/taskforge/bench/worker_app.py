"""The application as worker processes load it: `taskforge worker taskforge.bench.worker_app:app`."""

from __future__ import annotations

import os

from .tasks import build

app = build(os.environ["TASKFORGE_DATABASE_URL"]).app
