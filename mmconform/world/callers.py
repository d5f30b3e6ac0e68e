"""Who can be had as a caller on a server, and why others cannot."""

from collections.abc import Container, Iterator

from mmconform.version import Version
from mmconform.world.features import BOTS, CONVERTED_BOTS, GUESTS, ROLES, TOKENS, has
from mmconform.world.people import BESIDE, MADE, OF_TESTS, Persona

#: What lets a run change settings and roles where people use the server, and when.
DISRUPTIVE = "--disruptive, if it may be thrown away"
#: Of a bot that tests make, and of who asks about it.
_WITH_BOTS = ("bot", "bot_editor")


def why_nobody(persona: Persona, version: Version, roles: Container[str] | None, switched_off: Container[str]) -> str:
    """Return why nobody like that, of those whom probes ask as, could call; nothing where somebody can.

    A guest calls with a personal access token, since none signs in without a licence (api4/user.go@v5.36.1 login), which
    that setting switches off; a bot's token it does not (app/session.go@v5.36.1 createSessionForUserAccessToken).

    Args:
        roles: Which the server says that it has; None where it was not asked.
        switched_off: Features that a run needs and does not switch on.
    """
    if persona.is_guest and not (has(GUESTS, version) if roles is None else "system_guest" in roles):
        return "the server has no guests"
    if persona.is_guest and TOKENS in switched_off:
        return f"a guest calls with a token, and {TOKENS} are and stay switched off"
    if persona.is_bot and not has(CONVERTED_BOTS, version):
        return "nobody can be made a bot in this version"
    return ""


def missing(
    version: Version,
    roles: Container[str] | None = None,
    switched_off: Container[str] = (),
    *,
    may_configure: bool = True,
    probes: bool,
) -> Iterator[tuple[str, str]]:
    """Yield the callers beside the people of every world whom a run will not have, each with the reason.

    Args:
        may_configure: The run may change settings and built-in roles for a moment.
        probes: It asks probes and near misses too; else only what single tests make is expected.
    """
    for name in MADE:
        if name in BESIDE:
            why = why_nobody(BESIDE[name], version, roles, switched_off)
        elif not has(ROLES, version):
            why = "in this version roles cannot be changed, and there are no bots"
        elif name in _WITH_BOTS and not has(BOTS, version):
            why = "this version has no bots"
        else:
            why = "" if may_configure else f"settings and roles stay as they are where people use the server: {DISRUPTIVE}"
        if why and (probes or name in OF_TESTS):
            yield name, why
