"""``python -m taskforge`` is the command ``taskforge``."""

from taskforge_command import main

if __name__ == "__main__":
    main()
