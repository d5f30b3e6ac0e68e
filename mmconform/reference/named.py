"""The reference server by its name: ``reference[@<version>][:<mutant>]``."""

import re
from collections.abc import Iterable, Iterator

from mmconform.errors import MisuseError
from mmconform.reference import helpers, places
from mmconform.reference.app import App
from mmconform.reference.mutants import MUTANTS
from mmconform.reference.operations import HANDLERS, NEEDS
from mmconform.version import Version
from mmconform.world.behaviours import is_newer
from mmconform.world.behaviours import newest as newest_known

_NAME = re.compile(r"reference(?:@(?P<version>[^:]*))?(?::(?P<mutant>.*))?")
OLDEST = Version(4)


def every(text: str) -> list[str]:
    """Return the names that a text stands for: all mutants of the eleven operations for ``reference:all``, else itself."""
    return [name_of(mutant) for mutant, flaw in MUTANTS.items() if not flaw.document] if text == "reference:all" else [text]


def known(versions: Iterable[str]) -> Iterator[str]:
    """Yield the names that people may want: the plain one, those like some versions, and every mutant."""
    yield "reference"
    yield from (f"reference@{version}" for version in versions)
    yield from map(name_of, MUTANTS)


def name_of(mutant: str) -> str:
    """Return the target of a mutant: a version's, where the flaw shows in that version only."""
    on = MUTANTS[mutant].on
    return f"reference{f'@{on}' if on else ''}:{mutant}"


def app(name: str, newest: str) -> App:
    """Return the server with a name, and the flaw in it.

    Args:
        newest: The version that the plain one is like wherever the documents do not say.

    Raises:
        MisuseError: it is no such name; no version before 4.0 or after those of which our data tell; no such mutant.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise MisuseError(f"unknown target `{name}`; give reference, reference@VERSION or reference:MUTANT")
    version, mutant = found["version"], found["mutant"]
    if mutant is not None and mutant not in MUTANTS:
        raise MisuseError(f"no mutant `{mutant}`; `mmconform prove --list` shows them")
    if version is None and not newest:
        raise MisuseError("no tape says which version is the newest; give reference@VERSION")
    try:
        wanted = Version.parse(newest if version is None else version)
    except ValueError as error:
        raise MisuseError(f"{name}: {error}") from None
    if wanted < OLDEST:
        raise MisuseError(f"{name}: the reference server is like 4.0 and later versions")
    if is_newer(wanted):
        raise MisuseError(f"{name}: our data tell of versions to {newest_known()}, and nobody of a server of a later one")
    made = App(wanted, NEEDS | places.NEEDS, HANDLERS, helpers.routes(wanted), keeps_documents=version is None)
    if mutant is not None:
        MUTANTS[mutant].put_into(made)
    return made
