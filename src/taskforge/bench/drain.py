"""How fast worker processes empty a loaded queue, to the last committed outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .enqueue import load, prepare
from .ledger import UNFINISHED, UNFINISHED_AND_KNOWN, Ledger, counter
from .observe import observe_drain
from .processes import worker_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .figures import Drain
    from .stamps import StampFile


async def drain(
    database_url: str,
    jobs: int,
    processes: int,
    stamps: StampFile,
    *,
    rules: Mapping[str, object] | None = None,
    customers: int = 0,
    unknown: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Drain:
    """Load `jobs` no-op jobs into an empty database and let worker processes run them.

    `rules` are settings of their queue; with `customers` the jobs are of so many fairness keys, and the queue is divided by
    weight among this worker and one that does not come; `unknown` jobs of a type that nobody knows stand before them. `environment`
    goes to the workers as well, such as the server that they are to use.
    """
    await prepare(database_url, rules or {}, unknown, is_divided=customers > 0)
    await load(database_url, jobs, customers)
    given = {**stamps.environment, "TASKFORGE_DATABASE_URL": database_url, **(environment or {})}
    async with counter(database_url) as count:
        ledger = Ledger(count, UNFINISHED_AND_KNOWN if unknown else UNFINISHED)
        return await observe_drain(worker_command(), given, stamps, ledger, jobs=jobs, processes=processes)
