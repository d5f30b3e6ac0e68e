"""What counts as a credential, where it may stand, and which one wins."""

import pytest

from mmconform.plugin.suite import LIST, Actor, Behaves, NewPerson, Operation, Stage, applies, clause, makes_tokens


@clause("GetUserAccessTokensForUser.auth")
@pytest.mark.parametrize("scheme", ["Bearer", "BEARER", "bearer", "token", "Token"])
def test_schemes_that_count(token_user: Actor, scheme: str) -> None:
    """`Bearer` and `token`, in any case."""
    asks = token_user.having({"Authorization": f"{scheme} {token_user.credential}"})
    assert asks.look().served


@clause("GetUserAccessTokensForUser.auth")
@pytest.mark.parametrize("form", ["{}", "Basic {}", "Session {}", "Bearer", "Bearer  {}", "Bearer x{}"])
def test_schemes_that_do_not_count(token_user: Actor, form: str) -> None:
    """Anything else is no credential."""
    asks = token_user.having({"Authorization": form.format(token_user.credential)})
    assert asks.look().refused_as("no-session")
    assert token_user.look().served


@clause("GetUserAccessTokensForUser.auth")
@pytest.mark.parametrize("value", ["x", "redactednevergiven00000000", "null", "%00", "Z" * 26, "1' OR '1'='1"])
def test_a_credential_that_was_never_given(anonymous: Actor, token_user: Actor, value: str) -> None:
    """Garbage lets nobody in."""
    asks = anonymous.having({"Authorization": f"Bearer {value}"})
    assert asks.do(LIST, user_id=token_user.id).refused_as("no-session")
    assert token_user.do(LIST, user_id=token_user.id).served


@clause("GetUserAccessTokensForUser.auth")
@pytest.mark.parametrize(
    "header", ["Token", "X-Auth-Token", "X-Csrf-Token", "X-Cloud-Token", "X-RemoteCluster-Token", "Proxy-Authorization"]
)
def test_a_session_in_another_header(token_user: Actor, header: str) -> None:
    """Servers know some of these for other purposes (sign-in, forgery, clusters, the cloud); none is a credential here."""
    value = f"Bearer {token_user.credential}" if header == "Proxy-Authorization" else str(token_user.credential)
    assert token_user.having({header: value}).do(LIST, user_id=token_user.id).refused_as("no-session")
    assert token_user.look().served


@clause("GetUserAccessTokensForUser.auth")
@pytest.mark.parametrize("cookie", ["MMUSERID", "MMCSRF", "session", "mmauthtoken"])
def test_a_session_in_another_cookie(token_user: Actor, cookie: str) -> None:
    """`MMAUTHTOKEN` is the one that counts, in capitals."""
    asks = token_user.having({"Cookie": f"{cookie}={token_user.credential}", "X-Requested-With": "XMLHttpRequest"})
    assert asks.do(LIST, user_id=token_user.id).refused_as("no-session")
    assert token_user.look().served


@clause("GetUserAccessTokensForUser.auth")
@pytest.mark.parametrize("parameter", ["token", "session", "Authorization", "ACCESS_TOKEN"])
def test_a_session_in_another_parameter(token_user: Actor, anonymous: Actor, parameter: str) -> None:
    """In the query there is `access_token`, for OAuth sessions, and nothing else."""
    reply = anonymous.do(LIST, user_id=token_user.id, query=f"{parameter}={token_user.credential}")
    assert reply.refused_as("no-session")
    assert token_user.look().served


@clause("CreateUserAccessToken.auth")
def test_a_session_in_the_body(token_user: Actor, anonymous: Actor) -> None:
    """What stands in the body is what is asked for, and never who asks."""
    body = {"description": "x", "token": token_user.credential, "access_token": token_user.credential}
    assert anonymous.do("CreateUserAccessToken", user_id=token_user.id, body=body).refused_as("no-session")
    assert token_user.ask("CreateUserAccessToken").served


@clause("GetUserAccessTokensForUser.auth")
@pytest.mark.parametrize("what", ["the id of a user", "the id of a token", "a name"])
def test_what_anybody_may_know_is_no_credential(token_user: Actor, anonymous: Actor, what: str) -> None:
    """Ids and names stand in lists and addresses: they let nobody in."""
    known = {"the id of a user": token_user.id, "a name": token_user.username}
    value = known.get(what) or token_user.new_token().id
    asks = anonymous.having({"Authorization": f"Bearer {value}"})
    assert asks.do(LIST, user_id=token_user.id).refused_as("no-session")
    assert token_user.look().served


@clause("GetUserAccessTokensForUser.auth")
def test_a_session_in_the_query_does_not_count(anonymous: Actor, token_user: Actor) -> None:
    """`access_token` in the query is for OAuth sessions alone."""
    reply = anonymous.do(LIST, user_id=token_user.id, query=f"access_token={token_user.credential}")
    assert reply.refused_as("no-oauth-session")
    assert token_user.do(LIST, user_id=token_user.id).served


@clause("GetUserAccessTokensForUser.auth")
def test_the_cookie_counts_with_the_header_of_a_browser_client(token_user: Actor) -> None:
    """A session in the cookie, sent by our own client (`X-Requested-With`)."""
    asks = token_user.having({"Cookie": f"MMAUTHTOKEN={token_user.credential}", "X-Requested-With": "XMLHttpRequest"})
    assert asks.look().served


@clause("CreateUserAccessToken.auth")
def test_a_cookie_alone_changes_nothing(token_user: Actor) -> None:
    """A foreign page can make a browser send the cookie, but not the header: it must not be served (CSRF)."""
    asks = token_user.having({"Cookie": f"MMAUTHTOKEN={token_user.credential}"})
    reply = asks.do("CreateUserAccessToken", user_id="me", body={"description": "forged"})
    assert reply.refused_as("no-session")
    assert token_user.do("CreateUserAccessToken", user_id="me", body={"description": "mine"}).served


@clause("RevokeUserAccessToken.auth")
def test_a_cookie_alone_revokes_nothing(token_user: Actor) -> None:
    """As for making tokens."""
    token = token_user.new_token()
    asks = token_user.having({"Cookie": f"MMAUTHTOKEN={token_user.credential}"})
    assert asks.do("RevokeUserAccessToken", body={"token_id": token.id}).refused_as("no-session")
    assert token_user.do("RevokeUserAccessToken", body={"token_id": token.id}).served


@clause("CreateUserAccessToken.auth")
def test_a_token_in_a_cookie(token_user: Actor, behaves: Behaves) -> None:
    """From 5.10 on a personal access token is served in a cookie even without the header that shields from forgery."""
    asks = token_user.having({"Cookie": f"MMAUTHTOKEN={token_user.new_token().value}"})
    reply = asks.do("CreateUserAccessToken", user_id="me", body={"description": "by cookie"})
    if behaves("a-token-in-a-cookie-needs-no-csrf-header"):
        assert reply.served
    else:
        assert reply.refused_as("no-session")


@clause("GetUserAccessTokensForUser.auth")
def test_a_cookie_alone_that_only_reads(token_user: Actor, behaves: Behaves) -> None:
    """Reading changes nothing, so that from 5.10 on the cookie is enough."""
    reply = token_user.having({"Cookie": f"MMAUTHTOKEN={token_user.credential}"}).do(LIST, user_id="me")
    if behaves("a-reading-cookie-needs-no-csrf-header"):
        assert reply.served
    else:
        assert reply.refused_as("no-session")


@clause("GetUserAccessTokensForUser.auth")
@pytest.mark.parametrize("cookie", ["MMAUTHTOKEN=", "MMAUTHTOKEN=nonsense"])
def test_a_broken_cookie_beside_a_good_header(token_user: Actor, cookie: str, behaves: Behaves) -> None:
    """From 5.4 on the cookie comes first, and a broken one hides the header."""
    reply = token_user.having({"Authorization": f"Bearer {token_user.credential}", "Cookie": cookie}).do(LIST, user_id="me")
    if behaves("a-broken-cookie-spoils-a-good-header"):
        assert reply.refused_as("no-session")
    else:
        assert reply.served


@clause("GetUserAccessTokens.permission")
def test_of_two_credentials_one_decides_and_never_both(token_user: Actor, system_admin: Actor, behaves: Behaves) -> None:
    """A cookie and a header of two people: one of them asks. Which one changed in 5.4; the other adds nothing."""
    both = token_user.having(
        {
            "Authorization": f"Bearer {token_user.credential}",
            "Cookie": f"MMAUTHTOKEN={system_admin.credential}",
            "X-Requested-With": "XMLHttpRequest",
        }
    )
    reply = both.do("GetUserAccessTokens")
    if behaves("the-cookie-beats-the-header"):
        assert reply.served
    else:
        assert reply.denied
    assert system_admin.do("GetUserAccessTokens").served


@clause("GetUserAccessTokensForUser.auth")
def test_a_session_that_was_logged_out(new_person: NewPerson, stage: Stage) -> None:
    """With the session the credential ends."""
    person = new_person("token_user")
    assert person.look().served
    stage.client.send("POST", "/api/v4/users/logout", persona=person.persona, token=person.credential)
    assert person.look().refused_as("no-session")


@clause("GetUserAccessTokensForUser.auth")
def test_a_session_that_was_revoked(new_person: NewPerson, stage: Stage) -> None:
    """An administrator ends somebody's sessions."""
    person = new_person("token_user")
    assert person.look().served
    sessions = stage.operator("GET", f"/api/v4/users/{person.id}/sessions")
    for session in sessions:
        stage.operator("POST", f"/api/v4/users/{person.id}/sessions/revoke", {"session_id": session["id"]})
    assert person.look().refused_as("no-session")


@clause("GetUserAccessTokensForUser.auth")
@makes_tokens
def test_a_user_who_was_deactivated(new_person: NewPerson, stage: Stage, system_admin: Actor) -> None:
    """A deactivated user's session and tokens are refused; both kinds come back, or not, with the account."""
    person = new_person("token_user")
    through = person.through()
    assert through.look().served
    stage.operator("PUT", f"/api/v4/users/{person.id}/active", {"active": False})
    assert person.look().refused_as("no-session")
    assert through.look().refused_as("no-session")
    stage.operator("PUT", f"/api/v4/users/{person.id}/active", {"active": True})
    assert through.look().served


@clause("{operation}.auth")
def test_the_session_comes_before_the_input(operation: Operation, anonymous: Actor, system_admin: Actor, stage: Stage) -> None:
    """Without a session nobody learns whether the rest of the request is right."""
    path = {p.name: "short" for p in operation.parameters if p.place == "path"}
    assert anonymous.do(operation.id, raw="{" if operation.body else None, **path).refused_as("no-session")
    assert system_admin.ask(operation.id).served


@clause("{operation}.auth")
def test_the_route_comes_before_the_session(operation: Operation, anonymous: Actor, system_admin: Actor, stage: Stage) -> None:
    """A path that is nobody's, here one with a slash at its end, is not found before anybody is asked who they are."""
    path = {p.name: "zzzzzzzzzzzzzzzzzzzzzzzzzz" for p in operation.parameters if p.place == "path"}
    url = stage.path(operation, path) + "/"
    assert anonymous.do(operation.id, url=url, body={} if operation.body else None).refused_as("no-route")
    assert system_admin.ask(operation.id).served


@clause("GetUserAccessToken.auth")
@applies(since="4.1")
@pytest.mark.parametrize("id_", ["with-dash-in-it-zzzzzzzzzzzz", "with.dot", "with_underscore", "%C3%A9"])
def test_an_id_that_no_route_takes(anonymous: Actor, system_admin: Actor, id_: str) -> None:
    """Ids are letters and digits; with anything else in them there is no route, and so no question who asks."""
    assert anonymous.do("GetUserAccessToken", token_id=id_).refused_as("no-route")
    assert system_admin.ask("GetUserAccessToken").served


#: Methods that no operation of any version has at the path of these, nor at one that a server could take theirs for.
OTHER_METHODS = {
    "CreateUserAccessToken": ("PUT", "DELETE", "PATCH"),
    "GetUserAccessToken": ("PUT", "DELETE", "PATCH"),
    "GetUserAccessTokens": ("PATCH",),
    "SearchUserAccessTokens": ("PUT", "DELETE", "PATCH"),
    "RevokeUserAccessToken": ("PUT", "DELETE", "PATCH"),
    "DisableUserAccessToken": ("PUT", "DELETE", "PATCH"),
    "EnableUserAccessToken": ("PUT", "DELETE", "PATCH"),
    "RegenCommandToken": ("GET", "POST", "DELETE", "PATCH"),
    "CreateJob": ("PUT", "DELETE", "PATCH"),
    "GetWebrtcToken": ("POST", "PUT", "DELETE", "PATCH"),
}


@clause("{operation}.auth")
@pytest.mark.parametrize("operation", OTHER_METHODS)
def test_another_method_is_nobodys(operation: str, anonymous: Actor, system_admin: Actor, stage: Stage) -> None:
    """The method belongs to the route: another one is not found, whoever asks, and before anybody is asked who they are."""
    known = stage.contract.operations[operation]
    path = {p.name: "zzzzzzzzzzzzzzzzzzzzzzzzzz" for p in known.parameters if p.place == "path"}
    for method in OTHER_METHODS[operation]:
        for caller in (anonymous, system_admin):
            assert caller.do(operation, method=method, **path).refused_as("no-route")
    assert system_admin.ask(operation).served
