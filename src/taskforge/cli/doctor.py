"""``taskforge doctor``: what is wrong here, and what mends it."""

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Examine settings, database, workers, queues and records. Exits with 1 when something is wrong.

    Changes nothing: a SQLite file that is not there is not made. With --server the server examines its own.
    """
    import asyncio

    from taskforge.cli.examination import examine, program
    from taskforge.cli.exit_codes import ExitCode
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table
    from taskforge.services.findings import Verdict

    session = session_of(context)
    settings = session.settings()
    if settings.server is None:
        findings = asyncio.run(examine(settings))
    else:
        findings = [program(), *session.ask(lambda desk: desk.diagnosis())]
    is_well = not any(finding.verdict is Verdict.PROBLEM for finding in findings)
    if as_json:
        print_json({"ok": is_well, "findings": [finding._asdict() for finding in findings]})
    else:
        print_table(
            ("CHECK", "VERDICT", "DETAIL"),
            [(finding.check, finding.verdict.value, finding.detail) for finding in findings],
            empty="",
        )
        for finding in findings:
            if finding.hint:
                print(f"{finding.check}: {finding.hint}")
    if not is_well:
        raise typer.Exit(ExitCode.FAILURE)
