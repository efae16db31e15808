"""``python -m taskforge`` is the command ``taskforge``."""

from taskforge.cli.main import main

if __name__ == "__main__":
    main()
