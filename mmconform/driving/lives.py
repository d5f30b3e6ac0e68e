"""A model of tokens, roles and commands, and a state machine that walks a server and the model side by side."""

import sys
from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from mmconform.driving.actor import Actor, Stage, Token, give_roles, new_team, someone
from mmconform.driving.generate import SEED
from mmconform.driving.script import Step, heard, script
from mmconform.files import write_whole
from mmconform.paths import REPORTS
from mmconform.wire.client import NotTapedError, UnseenError
from mmconform.wire.secret import Secret
from mmconform.world.people import PERSONAS

LIST = "GetUserAccessTokensForUser"
ROLE = "system_user_access_token"
LIVES, STEPS = 6, 12

#: What each act promises; a disagreement is held against the last one.
PROMISES = {
    "CreateUserAccessToken": "CreateUserAccessToken.effect.authenticates",
    "DisableUserAccessToken": "DisableUserAccessToken.effect.disables",
    "EnableUserAccessToken": "EnableUserAccessToken.effect.enables",
    "RevokeUserAccessToken": "RevokeUserAccessToken.effect.revokes",
    LIST: f"{LIST}.effect.lists-the-user",
}


@dataclass
class Model:
    """What should be true of one person's tokens."""

    is_holder: bool = True
    is_active: dict[str, bool] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)


def play_lives(stage: Stage, admin: Actor, *, with_commands: bool = False) -> None:
    """Play some random lives; raise AssertionError where server and model disagree, and say which clause is about that.

    On a live target a failure is shortened, and its requests are written as a shell script beside the record.
    """
    # Nobody needs the shortest way to show a flaw that was put in.
    is_live = not (stage.judge.target.is_recorded or stage.judge.target.is_reference)
    with heard(stage.client) as steps:
        _play(stage, admin, steps, is_live=is_live, with_commands=with_commands)


def _play(stage: Stage, admin: Actor, steps: list[Step], *, is_live: bool, with_commands: bool) -> None:
    team = new_team(stage) if with_commands else ""
    before = list(steps)
    broken: list[Exception] = []

    class Lives(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            steps[:] = before
            self.model = Model()
            self.tokens: list[Token] = []
            self.dead: list[Token] = []
            self.last_act, self.last_token = LIST, ""

        @initialize()
        def be_born(self) -> None:
            self.person = someone(stage, PERSONAS["token_user"])

        def teardown(self) -> None:
            failure = sys.exception()
            if isinstance(failure, AssertionError | UnseenError | NotTapedError):
                broken.append(failure)

        def _pick(self, number: int) -> Token:
            return self.tokens[number % len(self.tokens)]

        @rule()
        def make(self) -> None:
            reply = self.person.do("CreateUserAccessToken", user_id=self.person.id, body={"description": "life"})
            stage.clause, self.last_act = "CreateUserAccessToken.permission", "CreateUserAccessToken"
            if self.model.is_holder:
                assert reply.served
                token = Token(reply.json["id"], Secret(reply.json["token"]))
                stage.made += 1
                stage.client.redactor.learn_credential(token.value, f"{self.person.persona}'s token {stage.made}")
                self.tokens.append(token)
                self.model.is_active[token.id] = True
                self.last_token = token.id
            else:
                assert reply.denied

        @precondition(lambda self: self.tokens)
        @rule(
            number=st.integers(0, 20),
            act=st.sampled_from(["DisableUserAccessToken", "EnableUserAccessToken", "RevokeUserAccessToken"]),
            by_admin=st.booleans(),
        )
        def act(self, number: int, act: str, by_admin: bool) -> None:
            token = self._pick(number)
            reply = (admin if by_admin else self.person).do(act, body={"token_id": token.id})
            stage.clause, self.last_act, self.last_token = f"{act}.permission", act, token.id
            if not by_admin and not self.model.is_holder:
                assert reply.denied
                return
            assert reply.served
            if act == "RevokeUserAccessToken":
                self.tokens.remove(token)
                self.dead.append(token)
                del self.model.is_active[token.id]
            else:
                self.model.is_active[token.id] = act == "EnableUserAccessToken"

        @precondition(lambda self: self.dead)
        @rule(number=st.integers(0, 20), act=st.sampled_from(["EnableUserAccessToken", "RevokeUserAccessToken"]))
        def wake_the_dead(self, number: int, act: str) -> None:
            token = self.dead[number % len(self.dead)]
            stage.clause, self.last_act, self.last_token = PROMISES["RevokeUserAccessToken"], act, token.id
            assert admin.do(act, body={"token_id": token.id}).refused_as("no-token")

        @rule(is_holder=st.booleans())
        def change_role(self, is_holder: bool) -> None:
            give_roles(stage, self.person.id, (ROLE,) if is_holder else ())
            self.model.is_holder = is_holder

        if with_commands:

            @precondition(lambda self: len(self.model.commands) < 2)
            @rule()
            def make_command(self) -> None:
                self.model.commands[admin.new_command(team)] = ""

            @precondition(lambda self: self.model.commands)
            @rule(number=st.integers(0, 20), by_admin=st.booleans())
            def regenerate(self, number: int, by_admin: bool) -> None:
                command = sorted(self.model.commands)[number % len(self.model.commands)]
                reply = (admin if by_admin else self.person).do("RegenCommandToken", command_id=command)
                stage.clause = "RegenCommandToken.permission"
                if by_admin:
                    assert reply.served
                    stage.clause = "RegenCommandToken.effect.makes-a-new-token"
                    is_new = reply.json["token"] != self.model.commands[command]
                    assert reply.shows(is_new, "the command's token is still the old one")
                    self.model.commands[command] = reply.json["token"]
                else:
                    assert reply.denied

            @invariant()
            def commands_have_the_last_token(self) -> None:
                if not any(self.model.commands.values()):
                    return
                rows = stage.operator("GET", f"/api/v4/commands?team_id={team}&custom_only=true")
                has = {row["id"]: row["token"] for row in rows}
                stage.clause = "RegenCommandToken.effect.makes-a-new-token"
                for command, token in self.model.commands.items():
                    assert not token or has[command] == token, "a command has another token than the last one told"

        @invariant()
        def the_list_is_the_models(self) -> None:
            reply = admin.do(LIST, user_id=self.person.id, query="per_page=200")
            stage.clause = f"{LIST}.permission"
            assert reply.served
            listed = {row["id"]: row["is_active"] for row in reply.json}
            wrong = {id_ for id_ in {*listed, *self.model.is_active} if listed.get(id_) != self.model.is_active.get(id_)}
            acted_on = {self.last_token} if self.last_act != "CreateUserAccessToken" else set()  # which promises no list
            is_the_lists = not wrong & {*listed, *acted_on}  # it lacks rows with which nothing was done
            stage.clause = PROMISES[LIST if is_the_lists else self.last_act]
            assert reply.shows(not wrong, "the list of tokens is not what the model expects")

        @invariant()
        def every_credential_is_what_the_model_says(self) -> None:
            for token in self.tokens[-3:]:
                reply = self.person.through(token).do(LIST, user_id="me", query="per_page=1")
                stage.clause = PROMISES[self.last_act]
                if not self.model.is_active[token.id]:
                    assert reply.refused_as("no-session")
                elif self.model.is_holder:
                    assert reply.served
                else:
                    stage.clause = f"{LIST}.permission"
                    assert reply.refused_as("no-permission")
            for token in self.dead[-2:]:
                stage.clause = PROMISES["RevokeUserAccessToken"]
                assert self.person.through(token).do(LIST, user_id="me", query="per_page=1").refused_as("no-session")

    phases = (Phase.generate, Phase.shrink) if is_live else (Phase.generate,)
    profile = settings(
        max_examples=LIVES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=phases,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    seed(SEED)(Lives)
    try:
        run_state_machine_as_test(Lives, settings=profile)
    except Exception:
        # Hypothesis plays a failing life again; a tape has no answers to that, and a server may answer otherwise.
        if not broken:
            raise
        failure = broken[-1 if is_live else 0]
        if is_live:
            credentials = {admin.credential or "": "SYSTEM_ADMIN", stage.world.operator or "": "OPERATOR"}
            write_whole(
                REPORTS / stage.judge.target.slug / "shortest-life.sh", script(steps, credentials, str(failure)), private=True
            )
        raise failure from None
