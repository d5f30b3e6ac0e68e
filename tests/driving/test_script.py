"""The script of the shortest life: run by a shell against the same flaw, it shows the same wrong answer again."""

import json
import os
import subprocess

import pytest

from mmconform.driving.script import Step, heard, script
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.redact import Redactor
from mmconform.world.kinds.user import login

PASSWORD = "Operator-1!"


def test_the_script_shows_the_wrong_answer_again(tmp_path):
    """A user is made, signs in, makes a token and revokes it; it still lets them in, and so it does when the script is run."""
    with Reference(named.app("reference:revoke-does-nothing", "5.36.1"), "operator", PASSWORD, 0) as flawed:
        flawed.app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = True
        client = Client(flawed.url, Redactor(replaying=False))
        session = login(client, "operator", PASSWORD, "operator")
        with heard(client) as steps:

            def send(method, url, token, body=None):
                return client.send(method, f"/api/v4/users{url}", persona="somebody", token=token, json=body)

            account = {"username": "mmc-a", "email": "mmc-a@conformance.invalid", "password": "Its-own-1!"}
            person = send("POST", "", session, account).json_id
            send("PUT", f"/{person}/roles", session, {"roles": "system_user system_user_access_token"})
            own = login(client, "mmc-a", account["password"], "somebody")
            token = send("POST", f"/{person}/tokens", own, {"description": "it's mine"}).json
            send("POST", "/tokens/revoke", own, {"token_id": token["id"]})
            assert send("GET", "/me/tokens", token["token"]).is_success
        path = tmp_path / "life.sh"
        path.write_text(script(steps, {session: "SYSTEM_ADMIN"}, "a revoked token lets its owner in"))
        assert not [secret for secret in (session, own, token["token"], account["password"]) if secret in path.read_text()]
        environment = {"PATH": os.environ["PATH"], "SERVER": flawed.url, "SYSTEM_ADMIN": session}
        done = subprocess.run(["/bin/sh", path], env=environment, capture_output=True, text=True, check=True)
    answers = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("HTTP/")]
    assert answers == [step.exchange.status for step in steps] and done.stderr == ""
    last = json.loads(done.stdout.splitlines()[-1])
    assert [row["description"] for row in last] == ["it's mine"] and last[0]["id"] != token["id"]


@pytest.mark.parametrize("nasty", ["'; touch x; '", "$(touch x)", "`touch x`", '"', "\\", "a b", "${PATH}", "\n touch x"])
def test_every_word_is_quoted(nasty, tmp_path):
    """What stands in an answer of a hostile server, or in a value of ours, is never run."""
    token = f"t{nasty}t"
    made = Exchange("", "a", "nobody", "POST", "/a", {}, b"{}", 200, {}, json.dumps({"id": token}).encode())
    used = Exchange("", "a", "nobody", "GET", f"/a/{nasty}{token}", {}, nasty.encode(), 404, {}, f'{{"id": "{nasty}"}}'.encode())
    (tmp_path / "curl").write_text("#!/bin/sh\nfor word; do printf '%s\\0' \"$word\" >> words; done\n")
    (tmp_path / "curl").chmod(0o755)
    (tmp_path / "s.sh").write_text(script([Step(made, "secret"), Step(used, token)], {"secret": "SYSTEM_ADMIN"}, nasty))
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SERVER": "http://a", "SYSTEM_ADMIN": "s3cr3t"}
    subprocess.run(["/bin/sh", "s.sh"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert {path.name for path in tmp_path.iterdir()} == {"curl", "s.sh", "words"}
    words = (tmp_path / "words").read_text().split("\0")
    assert "Authorization: Bearer s3cr3t" in words and "secret" not in words
    assert words[-2] == nasty and words[-9:-7] == ["GET", f"http://a/a/{nasty}"]
