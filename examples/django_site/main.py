"""A Django site with a worker beside it: python examples/django_site/main.py, then open http://127.0.0.1:8005

`python examples/django_site/manage.py taskforge ...` is TaskForge's command line for it.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import django
from django.core.management import call_command

HERE = Path(__file__).parent
PORT = os.environ.get("PORT", "8005")


def main() -> None:
    """Make the tables of both, start a worker, serve until Ctrl-C."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "website.settings")
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("taskforge", "migrate")
    # when the port is taken this fails; runserver would end the process on the spot, and leave the worker behind
    socket.create_server(("127.0.0.1", int(PORT))).close()
    worker = subprocess.Popen([sys.executable, HERE / "manage.py", "taskforge", "worker"])  # noqa: S603 - a program of ours
    try:
        call_command("runserver", f"127.0.0.1:{PORT}", use_reloader=False)
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    main()
