"""`mmconform serve`: the reference server, until Ctrl-C."""

import argparse
import secrets
import signal
import sys
from contextlib import suppress
from pathlib import Path

from mmconform.commands.shared import FINE
from mmconform.errors import MisuseError
from mmconform.paths import RUN
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.wire.tape import tape

#: Its end, and fine.
INTERRUPTED_MEANS = ""
EXAMPLE = "mmconform serve --target reference@5.36.1 --port 8065"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", default="reference", metavar="NAME", help="reference[@VERSION][:MUTANT]")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="any that is free, if not given")


def run(options: argparse.Namespace) -> int:
    app = named.app(options.target, tape.newest())
    if not 0 <= options.port < 2**16:
        raise MisuseError(f"port {options.port} cannot be used: ports go from 0 to {2**16 - 1}")
    login, password = "operator", secrets.token_urlsafe(12)
    try:
        server = Reference(app, login, password, options.port)
    except OSError as error:
        raise MisuseError(f"port {options.port} cannot be used: {error.strerror or error}") from None
    print(f"{options.target}, like Mattermost {app.version}, on {server.url}; Ctrl-C ends it. To judge it:")
    called, (program, *rest) = Path(sys.argv[0]), RUN.split()
    judge = called.with_name(program) if called.name == "mmconform" else program  # of the environment in which we run
    print(f"  MM_ADMIN_LOGIN={login} MM_ADMIN_PASSWORD={password} {judge} {' '.join(rest)} {server.url}", flush=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell began us in the background
    with suppress(KeyboardInterrupt):
        server.serve()
    return FINE
