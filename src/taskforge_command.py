"""The command ``taskforge``, outside of its package: Ctrl-C ends it quietly also while that is still imported."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit with a code of ``taskforge.cli.exit_codes``."""
    try:
        from taskforge.cli.main import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(130)
