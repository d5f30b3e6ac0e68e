"""Pages of tokens: at their limits and past them."""

import pytest

from mmconform.plugin.suite import TOKENS, Actor, NewPerson, Stage, clause, makes_tokens

OF_USER, OF_ALL = "GetUserAccessTokensForUser", "GetUserAccessTokens"
PAGES = "GetUserAccessTokensForUser.paging"


@pytest.fixture
def five(tokens: None, new_person: NewPerson) -> Actor:
    """Somebody with five tokens."""
    person = new_person("token_user")
    for number in range(5):
        person.new_token(f"token {number}")
    return person


@pytest.fixture
def holder(new_person: NewPerson, stage: Stage) -> Actor:
    """Somebody with five tokens, or with none where none can be made: for what no row has a part in."""
    person = new_person("token_user")
    for number in range(5 if stage.world.has(TOKENS) else 0):
        person.new_token(f"token {number}")
    return person


@clause("GetUserAccessTokensForUser.paging")
def test_pages_hold_every_row_once(five: Actor) -> None:
    """Two by two, all five tokens come, none twice."""
    pages = [five.do(OF_USER, user_id="me", query=f"page={page}&per_page=2") for page in range(4)]
    assert all(page.served for page in pages)
    assert [len(page.ids) for page in pages] == [2, 2, 1, 0], "the pages are not as long as asked for"
    assert len({id_ for page in pages for id_ in page.ids}) == 5, "a token is missing, or came twice"


@clause("GetUserAccessTokensForUser.paging")
@pytest.mark.parametrize(("query", "rows"), [("", 5), ("per_page=3", 3), ("per_page=0", 0), ("per_page=200", 5), ("page=1", 0)])
def test_pages_of_a_user(five: Actor, query: str, rows: int) -> None:
    """A page is as long as asked for, and 60 rows without a word."""
    reply = five.do(OF_USER, user_id="me", query=query)
    assert reply.served
    assert len(reply.ids) == rows, "the page is not as long as asked for"


@clause("GetUserAccessTokens.paging")
@pytest.mark.parametrize(("query", "most"), [("per_page=2", 2), ("per_page=0", 0), ("per_page=1&page=0", 1)])
def test_pages_of_everybody(five: Actor, system_admin: Actor, query: str, most: int) -> None:
    """A page is as long as asked for."""
    reply = system_admin.do(OF_ALL, query=query)
    assert reply.served
    assert len(reply.ids) == most, "the page is not as long as asked for"


@clause("GetUserAccessTokensForUser.paging")
@makes_tokens
def test_a_page_of_a_user_holds_at_most_200(new_person: NewPerson) -> None:
    """Whatever is asked for, where there is more."""
    person = new_person("token_user")
    with person.crowded(201):
        page = person.do(OF_USER, user_id="me", query="per_page=201")
        assert page.served
        assert len(page.ids) == 200, "the page does not hold the 200 rows that a page holds at most"
        assert len(person.do(OF_USER, user_id="me", query="per_page=1&page=200").ids) == 1, "the 201st row is missing"


@clause("GetUserAccessTokens.paging")
@makes_tokens
def test_a_page_of_everybody_holds_at_most_200(new_person: NewPerson, system_admin: Actor) -> None:
    """Whatever is asked for, where there is more."""
    with new_person("token_user").crowded(201):
        page = system_admin.do(OF_ALL, query="per_page=201")
        assert page.served
        assert len(page.ids) == 200, "the page does not hold the 200 rows that a page holds at most"
        assert len(system_admin.do(OF_ALL, query="per_page=1&page=200").ids) == 1, "the 201st row is missing"


@clause("GetUserAccessTokensForUser.paging")
@makes_tokens
def test_a_page_of_a_user_holds_60_without_a_word(new_person: NewPerson) -> None:
    """The default is 60, where there is more; the rest is on the next page."""
    person = new_person("token_user")
    with person.crowded(61):
        pages = [person.do(OF_USER, user_id="me", query=query) for query in ("", "page=1")]
        assert all(page.served for page in pages)
        assert [len(page.ids) for page in pages] == [60, 1], "the pages are not 60 rows and the one that is left"


@clause("GetUserAccessTokens.paging")
@makes_tokens
def test_a_page_of_everybody_holds_60_without_a_word(new_person: NewPerson, system_admin: Actor) -> None:
    """The default is 60, where there is more."""
    with new_person("token_user").crowded(61):
        page = system_admin.do(OF_ALL)
        assert page.served
        assert len(page.ids) == 60, "the page does not hold the 60 rows that it holds where nothing is asked for"


@clause("SearchUserAccessTokens.effect.finds")
@makes_tokens
def test_what_a_search_finds_is_not_cut_into_pages(new_person: NewPerson, system_admin: Actor) -> None:
    """No document names pages here, and whoever asks for one gets all the same."""
    person = new_person("token_user")
    with person.crowded(201):
        for query in ("", "page=1&per_page=2"):
            found = system_admin.do("SearchUserAccessTokens", body={"term": person.username}, query=query)
            assert found.served
            assert len(found.ids) == 201, "the search does not find all of somebody's tokens"


@clause("GetUserAccessTokensForUser.paging")
def test_of_a_repeated_parameter_the_first_counts(five: Actor) -> None:
    """As everywhere in Go's net/url."""
    reply = five.do(OF_USER, user_id="me", query="per_page=2&per_page=4")
    assert reply.served
    assert len(reply.ids) == 2, "another than the first one counted"


@clause("GetUserAccessTokensForUser.input")
@pytest.mark.parametrize("value", ["x", "", "1.5", "-1", "%00", "99999999999999999999", "1e1"])
def test_a_page_size_that_is_none_is_the_default(five: Actor, stage: Stage, value: str) -> None:
    """It is refused; or, as servers have it, the default is taken. No document says which."""
    reply = five.do(OF_USER, user_id="me", query=f"per_page={value}")
    assert reply.refused_as("bad-parameter") | reply.served
    stage.clause = PAGES
    assert reply.shows(not reply.exchange.is_success or len(reply.ids) == 5, "the default page was not served")


@clause("GetUserAccessTokensForUser.input")
@pytest.mark.parametrize("value", ["x", "", "1.5", "99999999999999999999"])
def test_a_page_that_is_none_is_the_first(five: Actor, stage: Stage, value: str) -> None:
    """It is refused; or, as servers have it, the first page is served. No document says which."""
    reply = five.do(OF_USER, user_id="me", query=f"page={value}")
    assert reply.refused_as("bad-parameter") | reply.served
    stage.clause = PAGES
    assert reply.shows(not reply.exchange.is_success or len(reply.ids) == 5, "the first page was not served")


@clause("GetUserAccessTokensForUser.input")
def test_a_negative_page_of_a_user(holder: Actor) -> None:
    """It is refused or, to 10.8, the first page; an error of the server it must never be."""
    reply = holder.do(OF_USER, user_id="me", query="page=-1")
    assert reply.refused_as("bad-parameter") | reply.served


@clause("GetUserAccessTokens.input")
def test_a_negative_page_of_everybody(system_admin: Actor) -> None:
    """It is refused, or the first page."""
    reply = system_admin.do(OF_ALL, query="page=-1")
    assert reply.refused_as("bad-parameter") | reply.served


@clause("GetUserAccessTokensForUser.status")
@pytest.mark.parametrize("page", ["9223372036854775807", "153722867280912931"])
def test_a_page_of_a_user_beyond_all_numbers(holder: Actor, page: str) -> None:
    """Page times page size does not fit into 64 bits; an empty page or a refusal, but no error of the server."""
    reply = holder.do(OF_USER, user_id="me", query=f"page={page}")
    assert reply.is_no_server_error


@clause("GetUserAccessTokens.status")
@pytest.mark.parametrize("page", ["9223372036854775807", "153722867280912931"])
def test_a_page_of_everybody_beyond_all_numbers(system_admin: Actor, page: str) -> None:
    """Page times page size does not fit into 64 bits; an empty page or a refusal, but no error of the server."""
    reply = system_admin.do(OF_ALL, query=f"page={page}")
    assert reply.is_no_server_error


@clause("GetUserAccessTokensForUser.secret")
def test_no_page_holds_a_token(five: Actor, stage: Stage) -> None:
    """Does not include the actual authentication tokens."""
    token = five.new_token()
    reply = five.do(OF_USER, user_id="me")
    assert reply.served
    assert reply.shows(token.value not in reply.text, "the list holds a token's value")
    stage.clause = PAGES  # what is not there tells no secret, but it ought to be there
    assert reply.shows(token.id in reply.ids, "the token is not in the list")
