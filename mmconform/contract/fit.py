"""Whether a document is of a server's version, as far as either tells."""

from collections.abc import Iterator

from mmconform.contract.clause import Contract
from mmconform.version import Version


def misfits(contract: Contract, version: Version, *, is_official: bool) -> Iterator[str]:
    """Yield why a document seems to be of another version than a server: no document says of which it is.

    What it tells of later versions is judged by ``since`` alone; what it does not know of earlier ones cannot be seen.

    Args:
        is_official: It is Mattermost's own description, of which there is one for each version.
    """
    told = _told(contract)
    later = [since for since in told if since[:2] > version[:2]]
    if later:
        many = f"{len(later)} operations begin" if later[1:] else "one operation begins"
        yield f"the document is ahead of the server: {many} after {version}, up to {max(later)}; of these only `since` is judged"
    if lead(contract, version) < 0:
        old = "" if is_official else "; what changed between them is judged by the old words"
        yield f"the document is behind the server: it tells of nothing later than {max(told)}, and the server is {version}{old}"
    if is_official and lead(contract, version):
        yield (
            "the document is of another major version than the server: what a server does otherwise may be the document's age, "
            "and is not judged (unknown-in-version); give the description of the server's version"
        )


def lead(contract: Contract, version: Version) -> int:
    """Return by how many major versions a document is ahead of a server, by the newest of which it tells; less than 0: behind.

    That of the first release of a major version may tell of nothing new yet.
    """
    newest = max(_told(contract), default=version)
    return 0 if version[:2] == (newest.major + 1, 0) else newest.major - version.major


def _told(contract: Contract) -> list[Version]:
    return [operation.since for operation in contract.operations.values() if operation.since]
