"""The whole server as one command, as ``make run`` starts it: ``python -m dashboard``.

``python -m dashboard rebuild`` lists stored studies again whose database was lost
(`dashboard.rebuild`); ``python -m dashboard export`` writes what was signed (`dashboard.export`).
"""

from __future__ import annotations

import signal
import sys

from dashboard.processes.logs import set_up_logging
from dashboard.processes.supervisor import Supervisor, host_is_known, port_is_free
from dashboard.workspace.settings import open_workspace


def main() -> int:
    """Start everything; returns the exit status: 0 stopped, 1 failed, 2 wrong setting."""
    if sys.argv[1:] == ["rebuild"]:
        from dashboard.rebuild import main as rebuild  # loads what a start does not need

        return rebuild()
    if sys.argv[1:2] == ["export"]:
        from dashboard.export import main as export  # as above

        return export(sys.argv[2:])
    if len(sys.argv) > 1:
        sys.stderr.write(
            "usage: python -m dashboard [rebuild | export STUDY] (settings come from the"
            " environment; see the README)\n"
        )
        return 2
    set_up_logging()
    settings = open_workspace()
    if not host_is_known(settings.host):
        sys.stderr.write(
            f"OVERREAD_HOST must be an address or a name of this machine; {settings.host!r} cannot"
            " be resolved.\n"
        )
        return 2
    if not port_is_free(settings.host, settings.port):
        sys.stderr.write(
            f"Port {settings.port} on {settings.host} cannot be used: another program uses it, or"
            " the address is not this machine's. Stop that program, or set OVERREAD_PORT.\n"
        )
        return 1
    supervisor = Supervisor(settings)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.stopping.set())
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main())
