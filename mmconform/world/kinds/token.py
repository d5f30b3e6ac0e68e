"""Personal access tokens, made by the operator for whoever is to hold them; they go with their user."""

import time
from typing import Any

from mmconform.world.features import ENDLESS, TOKENS
from mmconform.world.kinds.kind import Kind, Owner, Undoing
from mmconform.world.world import World

_DAY = 24 * 60 * 60 * 1000


class Token(Kind):
    name = "token"
    within = "user"
    is_owned = True
    made_by = ("POST /users/{user_id}/tokens",)
    consumed_by = ("POST /users/tokens/revoke", "POST /users/tokens/disable", "POST /users/tokens/enable")
    ended_by = consumed_by[:1]

    def make(self, owner: Owner) -> str:
        return str(new_token(owner)["id"])

    def standing(self, owner: Owner) -> str:
        if owner.person and owner.person.token_id:
            return owner.person.token_id
        owner.world.need(TOKENS)
        return ""


def new_token(owner: Owner) -> dict[str, Any]:
    """Return what the server tells of a new token, the token itself too, which is known as its owner's from now on.

    Raises:
        NotHereError: tokens are switched off.
        MisuseError: the server refuses.
    """
    owner.world.need(TOKENS)
    made: dict[str, Any] = owner.admin.must("POST", f"/api/v4/users/{owner.id}/tokens", body(owner.world, owner.purpose))
    owner.world.belongs(Token.name, str(made["id"]), owner.id)
    owner.naming.made += 1  # by which tapes tell the names of what is made next
    owner.client.redactor.learn_credential(made["token"], f"{owner.persona}'s token {owner.naming.made}")
    return made


def body(world: World, description: str) -> dict[str, Any]:
    """Return the body with which the administrator makes a token for somebody: one that ends only where it has to."""
    ends = {"expires_at": time.time_ns() // 10**6 + _DAY} if ENDLESS in world.switched_off else {}
    return {"description": description, **ends}


def revoke_all(undoing: Undoing, user: str) -> None:
    """Revoke all tokens of a user."""

    def revoke(id_: str) -> Any:
        return undoing.admin.ask("POST", "/api/v4/users/tokens/revoke", {"token_id": id_})

    undoing.empty(f"/api/v4/users/{user}/tokens", "tokens revoked", revoke, f"tokens of user {user}")
