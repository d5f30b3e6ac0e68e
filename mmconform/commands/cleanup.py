"""`mmconform cleanup`: undoes what interrupted runs left on a server."""

import argparse
from collections import Counter
from pathlib import Path

from mmconform.commands.shared import FINE
from mmconform.errors import MisuseError
from mmconform.paths import REPORTS
from mmconform.servers.live import journal, leftovers, tidy
from mmconform.servers.live.lease import Lease
from mmconform.servers.live.locks import only_run
from mmconform.servers.live.prepare import sign_in, sign_out
from mmconform.servers.target import Target, has_credentials, live
from mmconform.wire.client import Patience, UnseenError
from mmconform.world.admin import Admin
from mmconform.world.kinds.kind import is_gone

#: Of tidying up after many runs, whatever the server does.
_MOST_SECONDS = 3600
ASKS_A_SERVER = True
EXAMPLE = "MM_ADMIN_LOGIN=admin MM_ADMIN_PASSWORD=… mmconform cleanup http://127.0.0.1:8065"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="also what runs from other checkouts and machines left, told by its name; never while one is in progress",
    )
    parser.add_argument("--allow-remote", action="store_true", help="the server may be on another machine")


def run(options: argparse.Namespace) -> int:
    target = live(options.url, allow_remote=options.allow_remote, patience=Patience.of_a_command(_MOST_SECONDS))
    journals = journal.of_server(REPORTS, target.base_url)
    is_needed = bool(journals) or options.everything
    try:
        with only_run(target):
            done = _tidy(target, journals, options.everything) if is_needed or has_credentials() else Counter[str]()
    except UnseenError as error:
        raise MisuseError(f"cleanup stopped: {error}; run it again") from None
    if not is_needed:
        print(
            f"nothing to undo on {target.base_url}: no journal in {REPORTS.name}/ tells of changes there "
            "(--everything undoes what runs from elsewhere left there)"
        )
        return FINE
    stays = tidy.staying(done)
    print(tidy.in_words(done) or f"nothing {'could be undone' if stays else 'was left to undo'}")
    if stays:
        print(f"this server has no route to take away {stays}")
    if options.everything:
        print("settings, roles and jobs of runs without a journal here were left as they are: nobody knows what they were")
    return FINE


def _tidy(target: Target, journals: list[Path], everything: bool) -> Counter[str]:
    client = target.client()
    token = sign_in(client)
    admin = Admin(client, token)
    lease = Lease(client, token, "cleanup")
    try:
        others = [holder for holder in lease.holders() if holder.run not in journal.runs_of(journals)]
        if others:
            raise MisuseError(f"{target.base_url} is in use by {others[0]}; wait for its end")
        if everything:
            note = journal.Journal(REPORTS / target.slug / "journal-leftovers.jsonl", target.base_url)
            for entry in leftovers.find(admin):
                note.note(**entry)
            journals = journal.of_server(REPORTS, target.base_url)
        _confirm_is_theirs(admin, journals)
        ended = tidy.end_sessions(admin, journal.sessions_of(journals))
        done = (tidy.undo(journals, admin) if journals else Counter[str]()) + ended
        lease.clear()
    finally:
        sign_out(client, token)
        client.close()
    return done


def _confirm_is_theirs(admin: Admin, journals: list[Path]) -> None:
    """Whoever sets up a server anew at the same address has no use for the settings of the one before.

    Raises:
        MisuseError: the server does not know an account that a run had.
    """
    for account in journal.accounts_of(journals):
        if is_gone(admin.ask("GET", f"/api/v4/users/{account}")):
            raise MisuseError(
                f"{journals[0].parent}: its journals tell of another server than the one that answers now, which does not know "
                "the administrator who ran; nothing was changed. To forget them, remove them"
            )
