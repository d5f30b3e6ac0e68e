"""Random lives of tokens against a small model of them: after every step, server and model agree about all of it."""

from mmconform.driving.lives import play_lives
from mmconform.plugin.suite import Actor, Stage, applies, clause


@clause("DisableUserAccessToken.effect.disables")
@applies(since="4.4")
def test_the_lives_of_tokens(stage: Stage, system_admin: Actor) -> None:
    """Made, disabled, enabled and revoked in any order, by who may and who may not, tokens are what the model says."""
    play_lives(stage, system_admin)


@clause("RegenCommandToken.effect.makes-a-new-token")
@applies(since="4.4")
def test_the_tokens_of_commands(stage: Stage, system_admin: Actor) -> None:
    """Whatever else happens, the last token that was told is the one that a command has."""
    play_lives(stage, system_admin, with_commands=True)
