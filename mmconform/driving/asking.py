"""One request on behalf of an operation: what comes of it is judged, or counted as what could not be."""

from collections.abc import Callable

from mmconform.contract.clause import Clause, Operation, Rule
from mmconform.errors import MisuseError, NotHereError
from mmconform.judging.judge import NOT_HERE, Judge
from mmconform.wire.client import Client, HeldBackError, NotTapedError, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.world.world import World


class Asker:
    """Asks about one operation of one target.

    Attributes:
        judged: By which clauses answers are judged; None for all of the operation's.
        held_back: The kinds of promises beside which it is noted that a request was not sent; none for all of the operation's.
    """

    def __init__(self, operation: Operation, world: World, client: Client, judge: Judge) -> None:
        self.contract, self.operation, self.world, self.client, self.judge = judge.contract, operation, world, client, judge
        self.judged: list[Clause] | None = None
        self.held_back: tuple[Rule, ...] = ()

    def ask(self, persona: str, send: Callable[[], Exchange]) -> None:
        """Send a request; the judge sees what came of it, or that nothing did. What the dead are answered says nothing."""
        try:
            exchange = send()
            if self.world.look_after(exchange, self.client) and exchange.status == 401:
                exchange = send()
                if self.world.look_after(exchange, self.client) and exchange.status == 401:
                    raise UnseenError(exchange.path, "the caller's session was ended before the answer")
            self.see(exchange)
        except HeldBackError as held:
            self.judge.held_back(self.operation.id, held.reason, str(held), *self.held_back)
        except UnseenError as error:
            self.judge.unseen(self.operation.id, persona, error.reason, str(error))
            self.lose()
        except NotHereError as missing:
            self.leave_out(str(missing))
        except MisuseError as error:
            self.judge.unseen(self.operation.id, persona, "what the request is about could not be made", str(error))
        except NotTapedError as error:
            self.judge.not_taped.append(str(error))

    def leave_out(self, why: str) -> None:
        """Note that something cannot be asked here, by which any of the operation's promises could have been judged."""
        for clause in self.contract.of(self.operation.id):
            self.judge.skip(clause, NOT_HERE, why=why)

    def see(self, exchange: Exchange) -> None:
        """Have an answer judged."""
        self.judge.see(exchange, self.judged)

    def lose(self) -> None:
        """Forget what was made for the next request: it may have been consumed, although no answer came."""
