"""Runs one example in this process beside a worker: `python program.py EXAMPLE MODULE`, from the page's folder."""

import asyncio
import runpy
import sys
import threading
from importlib import import_module
from pathlib import Path


def main(example: str, module: str) -> None:
    """Start a worker of the module's `app` on a loop of its own, run the example, drain."""
    sys.path.insert(0, str(Path.cwd()))
    app = import_module(module).app
    started, ending = threading.Event(), threading.Event()

    async def work() -> None:
        try:
            async with app.worker(concurrency=4):
                started.set()
                await asyncio.to_thread(ending.wait)
            await app.aclose()
        finally:
            started.set()

    worker = threading.Thread(target=lambda: asyncio.run(work()), daemon=True)
    worker.start()
    try:
        if not started.wait(30):
            sys.exit("the worker did not start")
        runpy.run_path(example, run_name="__main__")
    finally:
        ending.set()
        worker.join(30)
        app.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
