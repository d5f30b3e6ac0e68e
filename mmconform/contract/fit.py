"""Whether a document is of a server's version, as far as either tells."""

from collections.abc import Iterator

from mmconform.contract.clause import Contract
from mmconform.version import Version


def misfits(contract: Contract, version: Version) -> Iterator[str]:
    """Yield why a document seems to be of another version than a server: no document says of which it is.

    What it tells of later versions is judged by ``since`` alone; what it does not know of earlier ones cannot be seen.
    """
    told = [operation.since for operation in contract.operations.values() if operation.since]
    later = [since for since in told if since[:2] > version[:2]]
    if later:
        many = f"{len(later)} operations begin" if later[1:] else "one operation begins"
        yield f"the document is ahead of the server: {many} after {version}, up to {max(later)}; of these only `since` is judged"
    newest = max(told, default=version)
    if newest[0] < version[0]:
        yield (
            f"the document is behind the server: it tells of nothing later than {newest}, and the server is {version}; what "
            "changed between them is judged by the old words"
        )
