"""A process that runs one worker until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from typing import TYPE_CHECKING, TypeVar

from taskforge.runtime.event_loop import new_event_loop
from taskforge.runtime.liveness import NOWHERE, Liveness
from taskforge.runtime.signals import on_stop_signals
from taskforge.runtime.systemd import STOPPING, Systemd

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager

    from taskforge.runtime.liveness import LivenessOptions
    from taskforge.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)

T = TypeVar("T")

DRAINED = 76
"""The exit code by which a supervisor knows that its worker was drained on request: a handler can exit with 0."""
START_ANEW = 75
"""The exit code of a worker with a handler that did not stop: it has drained, and should be started again."""
GARBAGE_THRESHOLD = 20_000
"""Young objects between two collections; the default of 700 is far less than what one batch makes."""
SWITCH_SECONDS = 0.0005
"""For how long a thread may keep the interpreter that another one waits for. With the default of 5 ms the thread that writes to
SQLite waits longer for the event loop than it works, and the event loop and heartbeats wait for handlers that compute."""


def run_worker_process(
    open_worker: Callable[[], AbstractAsyncContextManager[Worker]],
    liveness: LivenessOptions = NOWHERE,
    *,
    after_drain: int = 0,
) -> int:
    """Run the worker that ``open_worker`` makes, not yet started, until a signal or a drain.

    Answers 0 after a signal, ``after_drain`` when the platform asked for it, `START_ANEW` after a handler that did
    not stop. A second signal ends the process at once.
    Handlers that would not stop are left behind by exiting.
    """

    systemd = Systemd()

    async def run() -> int:
        code = after_drain
        async with open_worker() as worker:

            def stop() -> None:
                nonlocal code
                code = 0
                systemd.tell(STOPPING)
                worker.request_drain()

            meter = worker.options.meter
            with on_stop_signals(stop):
                async with (
                    worker,
                    Liveness(liveness, systemd, worker.stalled, None if meter is None else meter.expose),
                ):
                    await worker.run_until_stopped()
        if worker.is_spent:
            code = START_ANEW
            logger.warning(
                "this process ends with exit code %d, because only that ends a handler that does not stop: start it again",
                code,
            )
        if worker.running:
            _exit_past_handlers(code)
        return code

    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, *gc.get_threshold()[1:])
    sys.setswitchinterval(SWITCH_SECONDS)
    return run_until_complete(run())


def _exit_past_handlers(code: int) -> None:
    """An orderly end of the event loop would wait for them."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run_until_complete(main: Coroutine[object, object, T]) -> T:
    """Like ``asyncio.run``, on our event loop, and it outlives a SystemExit in some task of a handler.

    asyncio lets SystemExit and KeyboardInterrupt of any task end the loop; here only those of ``main`` do.
    """
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        loop = runner.get_loop()
        task = loop.create_task(main)
        while True:
            try:
                return loop.run_until_complete(task)
            except (SystemExit, KeyboardInterrupt) as error:
                if task.done():
                    raise
                logger.error("a task started by a handler raised %r; the worker goes on", error)
