"""How a connection is used: for one request, whose answer is the first that is not an interim one."""

from http.client import HTTPException, HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

#: More interim answers than this are no way to begin an answer.
_MOST_INTERIM = 50


class _FinalResponse(HTTPResponse):
    """Skips every 1xx (RFC 9110, 15.2: any number of them may come before the answer); http.client knows 100 only."""

    def begin(self) -> None:
        super().begin()
        for _ in range(_MOST_INTERIM):
            if not 100 <= self.status < 200 or self.status == 101:
                return
            self.headers = self.msg = None  # type: ignore[assignment]  # not begun yet, as http.client sees it
            super().begin()
        raise HTTPException("interim answers and no end")


class _Pool(HTTPConnectionPool):
    def _new_conn(self) -> Any:
        return _patient(super()._new_conn())


class _SecurePool(HTTPSConnectionPool):
    def _new_conn(self) -> Any:
        return _patient(super()._new_conn())


def _patient(connection: Any) -> Any:
    connection.response_class = _FinalResponse  # of this one: as a class of its own vcrpy would not find it
    return connection


class _UnrecordedPool(_Pool):
    ConnectionCls = HTTPConnection


class _UnrecordedSecurePool(_SecurePool):
    ConnectionCls = HTTPSConnection


class Adapter(HTTPAdapter):
    """An adapter of requests whose connections skip interim answers.

    Args:
        is_recorded: Whether vcrpy may see the connections. While it lets one through to the server it sees none of any other
            thread; so what is not for the tape and goes on beside the tests, as the lease does, goes past it altogether.
    """

    def __init__(self, *, is_recorded: bool = True) -> None:
        self._pools = (_Pool, _SecurePool) if is_recorded else (_UnrecordedPool, _UnrecordedSecurePool)
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = dict(zip(("http", "https"), self._pools, strict=True))

    def close(self) -> None:
        """Close every connection now. urllib3 does so when nobody knows a pool any more; vcrpy's connections know theirs."""
        for pool in map(self.poolmanager.pools.get, self.poolmanager.pools.keys()):
            pool.close()
        super().close()
