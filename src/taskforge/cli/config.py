"""``taskforge config``: the effective settings and where each comes from."""

from typing import TYPE_CHECKING

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

if TYPE_CHECKING:
    from taskforge.settings import Setting


def config(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the effective settings and where each comes from; secrets are masked."""
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table
    from taskforge.cli.text import value_of
    from taskforge.settings import SETTINGS

    settings = session_of(context).settings()
    rows = []
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        shown = _masked(setting, value) if setting.secret and value else value
        rows.append((setting, shown, settings.origins[setting.name]))
    if as_json:
        print_json(
            {
                "settings": {
                    setting.name: {
                        "value": value,
                        "origin": origin,
                        "variable": setting.variable,
                        "default": setting.default,
                        "help": setting.help,
                    }
                    for setting, value, origin in rows
                }
            }
        )
        return
    print_table(
        ("SETTING", "VALUE", "FROM"),
        [(setting.name, value_of(value), origin) for setting, value, origin in rows],
        empty="there are no settings",
    )


def _masked(setting: "Setting", value: str) -> str:
    """Of an address all but the password, of another secret nothing."""
    from taskforge.storage.address import masked

    return masked(value) if setting.is_address else "***"
