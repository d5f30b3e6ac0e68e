"""How a connection is used: for one request, whose answer is the first that is not an interim one."""

from http.client import HTTPException, HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

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


class Adapter(HTTPAdapter):
    """An adapter of requests whose connections skip interim answers."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
