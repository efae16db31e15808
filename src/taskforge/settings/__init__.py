"""Every setting, and the values that hold here."""

from taskforge.settings.catalogue import LOG_LEVELS, SETTINGS
from taskforge.settings.reading import DATA_FOLDER, Settings, home, load_settings, strays
from taskforge.settings.setting import PREFIX, Setting

__all__ = [
    "DATA_FOLDER",
    "LOG_LEVELS",
    "PREFIX",
    "SETTINGS",
    "Setting",
    "Settings",
    "home",
    "load_settings",
    "strays",
]
