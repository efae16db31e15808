"""``taskforge config``: the effective settings and where each comes from."""

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of


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
        rows.append(
            (
                setting,
                _masked(setting.name, value) if setting.secret and value else value,
                settings.origins[setting.name],
            )
        )
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


def _masked(name: str, value: str) -> str:
    """Of an address all but the password, of another secret nothing."""
    from taskforge.storage.address import masked

    return masked(value) if name.endswith("_url") else "***"
