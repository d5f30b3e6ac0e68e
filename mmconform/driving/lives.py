"""A model of tokens, roles and commands, and a state machine that walks a server and the model side by side."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from mmconform.driving.actor import Actor, Reply, Stage, Token, give_roles, join, new_team, someone
from mmconform.driving.generate import SEED
from mmconform.driving.script import Step, heard, script
from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.paths import REPORTS
from mmconform.wire.client import NotTapedError, UnseenError
from mmconform.wire.secret import Secret
from mmconform.world.features import TOKENS
from mmconform.world.people import PERSONAS

CREATE, DISABLE = "CreateUserAccessToken", "DisableUserAccessToken"
ENABLE, REVOKE = "EnableUserAccessToken", "RevokeUserAccessToken"
REGENERATE = "RegenCommandToken"
LIST = "GetUserAccessTokensForUser"
ROLE = "system_user_access_token"
#: How many lives a run plays, of how many steps each, and what those on tape are drawn by: every rule is played at least three
#: times, served and denied where it can be (``tests/driving/test_lives.py``). A live run draws others by its own seed.
LIVES, STEPS, TAPED_LIVES = 8, 20, 21

#: What each act promises; a disagreement is held against the last one.
PROMISES = {
    CREATE: f"{CREATE}.effect.authenticates",
    DISABLE: f"{DISABLE}.effect.disables",
    ENABLE: f"{ENABLE}.effect.enables",
    REVOKE: f"{REVOKE}.effect.revokes",
    LIST: f"{LIST}.effect.lists-the-user",
}
NEW_TOKEN = f"{REGENERATE}.effect.makes-a-new-token"


@dataclass
class Model:
    """What should be true of one person's tokens, and of a team's commands.

    Attributes:
        is_holder: Whether the person may have tokens at all.
        is_active: Each token that was made and not revoked, by its id.
        commands: All the tokens that each command was said to have, the last one last; none where it was just made.
    """

    is_holder: bool = True
    is_active: dict[str, bool] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)

    def after(self, act: str, token: str) -> None:
        """Take in that an act on a token was served."""
        if act == REVOKE:
            del self.is_active[token]
        else:
            self.is_active[token] = act == ENABLE


class Lives(RuleBasedStateMachine):
    """Somebody's life on a server, beside an administrator's acts, compared with a model after each step.

    Hypothesis chooses among the rules in the order of their names: under other names it draws other lives.
    """

    persona = "member"

    def __init__(self, stage: Stage, admin: Actor, broken: list[Exception], played: Counter[str]) -> None:
        super().__init__()
        self.stage, self.admin, self.broken, self.played = stage, admin, broken, played
        self.model = Model()

    @initialize()
    def be_born(self) -> None:
        self.person = someone(self.stage, PERSONAS[self.persona])

    def teardown(self) -> None:
        failure = sys.exception()
        if isinstance(failure, AssertionError | UnseenError | NotTapedError | MisuseError):
            self.broken.append(failure)
        self.stage.see_off()

    def caller(self, by_admin: bool) -> Actor:
        return self.admin if by_admin else self.person

    def plays(self, rule: str, *, is_served: bool = True) -> None:
        """Note that a rule was played, and whether it is to be served."""
        self.played[rule if is_served else f"{rule}, denied"] += 1


class TokenLives(Lives):
    """Tokens of a person: made, used and ended, by them and by an administrator."""

    persona = "token_user"

    def __init__(self, *where: Any) -> None:
        super().__init__(*where)
        self.tokens: list[Token] = []
        self.dead: list[Token] = []
        self.last_act, self.last_token = LIST, ""

    # -- what can happen -----------------------------------------------------------------------------------------------

    @rule(by_admin=st.booleans())
    def make(self, by_admin: bool) -> None:
        may = by_admin or self.model.is_holder
        self.plays("make", is_served=may)
        reply = self.caller(by_admin).do(CREATE, user_id=self.person.id, body={"description": "life"})
        self.stage.clause, self.last_act = f"{CREATE}.permission", CREATE
        if not may:
            assert reply.denied
            return
        assert reply.served
        token = Token(str(reply["id"]), Secret(reply["token"]))
        self.stage.made += 1
        self.stage.client.redactor.learn_credential(token.value, f"{self.person.persona}'s token {self.stage.made}")
        self.tokens.append(token)
        self.last_token = token.id
        self.model.is_active[token.id] = True

    @precondition(lambda self: any(self.model.is_active.values()))
    @rule(number=st.integers(0, 20), by_admin=st.booleans())
    def disable(self, number: int, by_admin: bool) -> None:
        self.act(DISABLE, self.one_of(number, is_active=True), by_admin)

    @precondition(lambda self: not all(self.model.is_active.values()))
    @rule(number=st.integers(0, 20), by_admin=st.booleans())
    def enable(self, number: int, by_admin: bool) -> None:
        self.act(ENABLE, self.one_of(number, is_active=False), by_admin)

    @precondition(lambda self: self.tokens)
    @rule(number=st.integers(0, 20), act=st.sampled_from([DISABLE, ENABLE]), by_admin=st.booleans())
    def act_again(self, number: int, act: str, by_admin: bool) -> None:
        """Disable or enable any, whether it is so already or not."""
        token = self.tokens[number % len(self.tokens)]
        if self.model.is_active[token.id] == (act == ENABLE):
            self.plays(f"{act} again")
        self.act(act, token, by_admin)

    @precondition(lambda self: self.tokens)
    @rule(number=st.integers(0, 20), by_admin=st.booleans())
    def revoke(self, number: int, by_admin: bool) -> None:
        self.act(REVOKE, self.tokens[number % len(self.tokens)], by_admin)

    def one_of(self, number: int, *, is_active: bool) -> Token:
        tokens = [token for token in self.tokens if self.model.is_active[token.id] == is_active]
        return tokens[number % len(tokens)]

    def act(self, act: str, token: Token, by_admin: bool) -> None:
        may = by_admin or self.model.is_holder
        self.plays(act, is_served=may)
        reply = self.caller(by_admin).do(act, body={"token_id": token.id})
        self.stage.clause, self.last_act, self.last_token = f"{act}.permission", act, token.id
        if not may:
            assert reply.denied
            return
        assert reply.served
        self.model.after(act, token.id)
        if act == REVOKE:
            self.tokens.remove(token)
            self.dead.append(token)

    @precondition(lambda self: self.dead)
    @rule(number=st.integers(0, 20), act=st.sampled_from([DISABLE, ENABLE, REVOKE]))
    def wake_the_dead(self, number: int, act: str) -> None:
        self.plays("wake the dead")
        token = self.dead[number % len(self.dead)]
        self.stage.clause, self.last_act, self.last_token = PROMISES[REVOKE], act, token.id
        assert self.admin.do(act, body={"token_id": token.id}).refused_as("no-token")

    @precondition(lambda self: self.tokens or self.dead)
    @rule()
    def change_role(self) -> None:
        self.model.is_holder = not self.model.is_holder
        self.plays("give the role" if self.model.is_holder else "take the role")
        give_roles(self.stage, self.person.id, (ROLE,) if self.model.is_holder else ())

    # -- what is always so ---------------------------------------------------------------------------------------------

    @invariant()
    def the_list_is_the_models(self) -> None:
        reply = self.admin.do(LIST, user_id=self.person.id, query="per_page=200")
        self.stage.clause = f"{LIST}.permission"
        assert reply.served
        listed = {str(id_): is_active for id_, is_active in reply.rows("id", "is_active")}
        wrong = {id_ for id_ in {*listed, *self.model.is_active} if listed.get(id_) != self.model.is_active.get(id_)}
        acted_on = {self.last_token} if self.last_act != CREATE else set()  # which promises no list
        is_the_lists = not wrong & {*listed, *acted_on}  # it lacks rows with which nothing was done
        self.stage.clause = PROMISES[LIST if is_the_lists else self.last_act]
        assert reply.shows(not wrong, "the list of tokens is not what the model expects")

    @invariant()
    def every_credential_is_what_the_model_says(self) -> None:
        for token in self.tokens[-3:]:
            reply = self.look_through(token)
            self.stage.clause = PROMISES[self.last_act]
            if not self.model.is_active[token.id]:
                assert reply.refused_as("no-session")
            elif self.model.is_holder:
                assert reply.served
            else:
                assert reply.let_in
                self.stage.clause = f"{LIST}.permission"
                assert reply.refused_as("no-permission")
        for token in self.dead[-2:]:
            self.stage.clause = PROMISES[REVOKE]
            assert self.look_through(token).refused_as("no-session")

    def look_through(self, token: Token) -> Reply:
        return self.person.through(token).look()


class CommandLives(Lives):
    """Commands of a team, made, given new tokens and deleted, while somebody becomes its administrator and ceases to be."""

    def __init__(self, *where: Any, team: str) -> None:
        super().__init__(*where)
        self.team, self.deleted = team, list[str]()
        self.model.is_holder = False

    @initialize()
    def be_born(self) -> None:
        super().be_born()
        join(self.stage, self.team, self.person.id)

    def teardown(self) -> None:
        if not isinstance(sys.exception(), Exception):  # but Hypothesis' own ends: the lists of the lives after it stay short
            for command in sorted(self.model.commands):
                self.stage.operator("DELETE", f"/api/v4/commands/{command}")
        super().teardown()

    @precondition(lambda self: len(self.model.commands) < 3)
    @rule()
    def make_command(self) -> None:
        self.plays("make a command")
        self.model.commands[self.admin.new_command(self.team)] = []

    @precondition(lambda self: self.model.commands)
    @rule(number=st.integers(0, 20), by_admin=st.booleans())
    def regenerate(self, number: int, by_admin: bool) -> None:
        commands = self.model.commands
        command = sorted(commands)[number % len(commands)]
        may = by_admin or self.model.is_holder
        self.plays(f"{REGENERATE} again" if len(commands[command]) > 1 and may else REGENERATE, is_served=may)
        reply = self.caller(by_admin).do(REGENERATE, command_id=command)
        self.stage.clause = f"{REGENERATE}.permission"
        if not may:
            assert reply.denied
            return
        assert reply.served
        self.stage.clause = NEW_TOKEN
        told = {token for tokens in commands.values() for token in tokens}
        assert reply.shows(reply["token"] not in told, "the command's token is one that was there before")
        commands[command].append(str(reply["token"]))

    @precondition(lambda self: len(self.model.commands) > 1)
    @rule(number=st.integers(0, 20))
    def delete_command(self, number: int) -> None:
        self.plays("delete a command")
        command = sorted(self.model.commands)[number % len(self.model.commands)]
        self.stage.operator("DELETE", f"/api/v4/commands/{command}")
        del self.model.commands[command]
        self.deleted.append(command)

    @precondition(lambda self: self.deleted)
    @rule(number=st.integers(0, 20), by_admin=st.booleans())
    def regenerate_deleted(self, number: int, by_admin: bool) -> None:
        self.plays(f"{REGENERATE} of a deleted one")
        reply = self.caller(by_admin).do(REGENERATE, command_id=self.deleted[number % len(self.deleted)])
        self.stage.clause = f"{REGENERATE}.status"
        assert reply.refused_as("no-command")

    @precondition(lambda self: self.model.commands)
    @rule()
    def change_role(self) -> None:
        self.model.is_holder = not self.model.is_holder
        self.plays("make an administrator of the team" if self.model.is_holder else "make a member of them")
        roles = "team_user team_admin" if self.model.is_holder else "team_user"
        self.stage.operator("PUT", f"/api/v4/teams/{self.team}/members/{self.person.id}/roles", {"roles": roles})

    @invariant()
    def commands_have_the_last_token(self) -> None:
        if not self.model.commands:
            return
        has = self.tokens_of_commands()
        self.stage.clause = NEW_TOKEN
        for command, tokens in self.model.commands.items():
            if not tokens and command in has:
                tokens.append(has[command])  # the one that it was made with
            assert not tokens or has.get(command) == tokens[-1], "a command has another token than the last one told"

    def tokens_of_commands(self) -> dict[str, str]:
        rows = self.stage.operator("GET", f"/api/v4/commands?team_id={self.team}&custom_only=true")
        return {str(row["id"]): str(row["token"]) for row in rows}


def play_lives(stage: Stage, admin: Actor, *, with_commands: bool = False) -> Counter[str]:
    """Play some random lives, and return how often each rule was played.

    Raises AssertionError where server and model disagree, and says which clause is about that; NotHereError where tokens are
    switched off.

    On a live target, asked by a seed of its own, a failure is shortened, and its requests are written as a shell script beside
    the record.
    """
    if not with_commands:
        stage.world.need(TOKENS)
    # Who is asked by the tapes' seed is compared with one; and nobody needs the shortest way to show a flaw that was put in.
    is_free = stage.seed != SEED
    shortens = is_free and not stage.judge.target.is_reference
    broken: list[Exception] = []
    played: Counter[str] = Counter()
    with heard(stage.client) as steps:
        team = new_team(stage) if with_commands else ""
        before = list(steps)

        def born() -> Lives:
            steps[:] = before
            lives = stage, admin, broken, played
            return CommandLives(*lives, team=team) if team else TokenLives(*lives)

        try:
            _run(born, stage.seed if is_free else TAPED_LIVES, shortens=shortens)
        except Exception:
            # Hypothesis plays a failing life again, to which a server may answer otherwise, and a tape not at all.
            if not broken:
                raise
            if shortens:
                _write_script(stage, admin, steps, broken[-1])
            raise broken[-1 if shortens else 0] from None
    return played


def _run(born: Callable[[], Lives], drawn_by: int, *, shortens: bool) -> None:
    profile = settings(
        max_examples=LIVES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shortens else (Phase.generate,),
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(seed(drawn_by)(born), settings=profile)  # type: ignore[arg-type]


def _write_script(stage: Stage, admin: Actor, steps: list[Step], failure: Exception) -> None:
    """Write the requests of the life that showed a disagreement as a script beside the record."""
    credentials = {admin.credential or "": "SYSTEM_ADMIN", stage.world.operator or "": "OPERATOR"}
    path = REPORTS / stage.judge.target.slug / "shortest-life.sh"
    write_whole(path, script(steps, credentials, str(failure)), private=True)
