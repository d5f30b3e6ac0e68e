"""Lists are read to their end, and one that has none is told in a line."""

import json

import pytest

from mmconform.errors import MisuseError
from mmconform.servers.live import pages
from mmconform.wire.exchange import Exchange


def lists(*found, status=200):
    """Answer one page after the other, and then the last one for ever."""
    asked = []

    def ask(url):
        rows = found[min(len(asked), len(found) - 1)]
        asked.append(url)
        return Exchange("", "operator", "nobody", "GET", url, {}, None, status, {}, json.dumps(rows).encode())

    ask.asked = asked
    return ask


def page(start, length=pages.PAGE):
    return [{"id": str(number)} for number in range(start, start + length)]


def test_a_list_is_read_to_its_end():
    ask = lists(page(0), page(200), page(400, 3))
    assert [row["id"] for row in pages.rows(ask, "/api/v4/users?")] == [str(n) for n in range(403)]
    assert ask.asked[-1] == "/api/v4/users?page=2&per_page=200" and len(ask.asked) == 3


def test_a_page_that_comes_again_is_told():
    ask = lists(page(0), page(200))
    with pytest.raises(MisuseError, match=r"GET /api/v4/users never ends: its page 2 is its page 1 once more"):
        list(pages.rows(ask, "/api/v4/users?"))
    assert len(ask.asked) == 3


def test_a_list_of_ever_new_rows_is_left(monkeypatch):
    monkeypatch.setattr(pages, "_MOST", 5)
    ask = lists(*(page(200 * number) for number in range(9)))
    with pytest.raises(MisuseError, match=r"never ends: 5 full pages"):
        list(pages.rows(ask, "/api/v4/users?"))


@pytest.mark.parametrize("rows", [{}, None, "x"])
def test_what_is_no_list_is_refused(rows):
    with pytest.raises(MisuseError, match="listing failed"):
        list(pages.rows(lists(rows), "/api/v4/users?"))


def test_where_a_feature_is_off_there_are_none():
    assert list(pages.rows(lists([], status=501), "/api/v4/oauth/apps?", off=501)) == []
