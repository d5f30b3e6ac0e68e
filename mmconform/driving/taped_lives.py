"""The lives that the tapes hold: fewer and shorter ones than ``lives`` plays.

This module goes when all tapes are recorded anew. Until then it must stay as it is: under another name of a rule, or with another
rule, Hypothesis would draw other lives, which no tape can answer.
"""

import sys
from collections import Counter
from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from mmconform.driving import lives
from mmconform.driving.actor import Actor, Reply, Stage, Token, give_roles, new_team, someone
from mmconform.driving.generate import SEED
from mmconform.driving.lives import CREATE, DISABLE, ENABLE, LIST, NEW_TOKEN, PROMISES, REGENERATE, REVOKE, ROLE
from mmconform.errors import MisuseError
from mmconform.wire.client import NotTapedError, UnseenError
from mmconform.wire.secret import Secret
from mmconform.world.people import PERSONAS

LIVES, STEPS = 6, 12


@dataclass
class Model:
    """What should be true of one person's tokens, and of a team's commands.

    Attributes:
        is_holder: Whether the person may have tokens at all.
        is_active: Each token that was made and not revoked, by its id.
        commands: The token that each command was last said to have; empty where none was told yet.
    """

    is_holder: bool = True
    is_active: dict[str, bool] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)

    def after(self, act: str, token: str) -> None:
        """Take in that an act on a token was served."""
        if act == REVOKE:
            del self.is_active[token]
        else:
            self.is_active[token] = act == ENABLE


class TokenLives(RuleBasedStateMachine):
    """Tokens of a person: made, used and ended, by them and by an administrator, and compared with the model after each step.

    Hypothesis chooses among the rules in the order of their names: under other names it draws other lives, which no tape can
    answer.
    """

    def __init__(self, stage: Stage, admin: Actor, broken: list[Exception]) -> None:
        super().__init__()
        self.stage, self.admin, self.broken = stage, admin, broken
        self.model = Model()
        self.tokens: list[Token] = []
        self.dead: list[Token] = []
        self.last_act, self.last_token = LIST, ""

    @initialize()
    def be_born(self) -> None:
        self.person = someone(self.stage, PERSONAS["token_user"])

    def teardown(self) -> None:
        failure = sys.exception()
        if isinstance(failure, AssertionError | UnseenError | NotTapedError | MisuseError):
            self.broken.append(failure)
        self.stage.see_off()

    def caller(self, by_admin: bool) -> Actor:
        return self.admin if by_admin else self.person

    # -- what can happen -----------------------------------------------------------------------------------------------

    @rule()
    def make(self) -> None:
        reply = self.person.do(CREATE, user_id=self.person.id, body={"description": "life"})
        self.stage.clause, self.last_act = f"{CREATE}.permission", CREATE
        if not self.model.is_holder:
            assert reply.denied
            return
        assert reply.served
        token = Token(str(reply["id"]), Secret(reply["token"]))
        self.stage.made += 1
        self.stage.client.redactor.learn_credential(token.value, f"{self.person.persona}'s token {self.stage.made}")
        self.tokens.append(token)
        self.last_token = token.id
        self.model.is_active[token.id] = True

    @precondition(lambda self: self.tokens)
    @rule(number=st.integers(0, 20), act=st.sampled_from([DISABLE, ENABLE, REVOKE]), by_admin=st.booleans())
    def act(self, number: int, act: str, by_admin: bool) -> None:
        token = self.tokens[number % len(self.tokens)]
        reply = self.caller(by_admin).do(act, body={"token_id": token.id})
        self.stage.clause, self.last_act, self.last_token = f"{act}.permission", act, token.id
        if not by_admin and not self.model.is_holder:
            assert reply.denied
            return
        assert reply.served
        self.model.after(act, token.id)
        if act == REVOKE:
            self.tokens.remove(token)
            self.dead.append(token)

    @precondition(lambda self: self.dead)
    @rule(number=st.integers(0, 20), act=st.sampled_from([ENABLE, REVOKE]))
    def wake_the_dead(self, number: int, act: str) -> None:
        token = self.dead[number % len(self.dead)]
        self.stage.clause, self.last_act, self.last_token = PROMISES[REVOKE], act, token.id
        assert self.admin.do(act, body={"token_id": token.id}).refused_as("no-token")

    @rule(is_holder=st.booleans())
    def change_role(self, is_holder: bool) -> None:
        give_roles(self.stage, self.person.id, (ROLE,) if is_holder else ())
        self.model.is_holder = is_holder

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
                self.stage.clause = f"{LIST}.permission"
                assert reply.refused_as("no-permission")
        for token in self.dead[-2:]:
            self.stage.clause = PROMISES[REVOKE]
            assert self.look_through(token).refused_as("no-session")

    def look_through(self, token: Token) -> Reply:
        return self.person.through(token).look()


class CommandLives(TokenLives):
    """The same with commands of a team, whose tokens are made anew now and then."""

    def __init__(self, stage: Stage, admin: Actor, broken: list[Exception], team: str) -> None:
        super().__init__(stage, admin, broken)
        self.team = team

    @precondition(lambda self: len(self.model.commands) < 2)
    @rule()
    def make_command(self) -> None:
        self.model.commands[self.admin.new_command(self.team)] = ""

    @precondition(lambda self: self.model.commands)
    @rule(number=st.integers(0, 20), by_admin=st.booleans())
    def regenerate(self, number: int, by_admin: bool) -> None:
        command = sorted(self.model.commands)[number % len(self.model.commands)]
        reply = self.caller(by_admin).do(REGENERATE, command_id=command)
        self.stage.clause = f"{REGENERATE}.permission"
        if not by_admin:
            assert reply.denied
            return
        assert reply.served
        self.stage.clause = NEW_TOKEN
        assert reply.shows(reply["token"] != self.model.commands[command], "the command's token is still the old one")
        self.model.commands[command] = str(reply["token"])

    @invariant()
    def commands_have_the_last_token(self) -> None:
        if not any(self.model.commands.values()):
            return
        rows = self.stage.operator("GET", f"/api/v4/commands?team_id={self.team}&custom_only=true")
        has = {row["id"]: row["token"] for row in rows}
        self.stage.clause = NEW_TOKEN
        for command, token in self.model.commands.items():
            assert not token or has.get(command) == token, "a command has another token than the last one told"


def play_lives(stage: Stage, admin: Actor, *, with_commands: bool = False) -> Counter[str]:
    """Play the lives that tapes hold where a tape answers, one is recorded, or a flaw is to be noticed as by tapes; else others.

    Raises AssertionError, and returns, as :func:`mmconform.driving.lives.play_lives`; of those on tape nothing is counted.
    """
    target = stage.judge.target
    # Who is compared with a tape is asked by its seed, and has to be asked the same.
    is_as_tapes = stage.is_taped or (stage.seed == SEED and not target.is_reference)
    if target.is_recorded or target.is_thrown_away or is_as_tapes:
        _play(stage, admin, new_team(stage) if with_commands else "")
        return Counter()
    return lives.play_lives(stage, admin, with_commands=with_commands)


def _play(stage: Stage, admin: Actor, team: str) -> None:
    broken: list[Exception] = []
    profile = settings(
        max_examples=LIVES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )

    def born() -> TokenLives:
        return CommandLives(stage, admin, broken, team) if team else TokenLives(stage, admin, broken)

    try:
        run_state_machine_as_test(seed(SEED)(born), settings=profile)  # type: ignore[arg-type]
    except Exception:
        # Hypothesis plays a failing life again, to which a tape has no answers.
        if not broken:
            raise
        raise broken[0] from None
