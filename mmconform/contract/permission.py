"""What a sentence about permissions demands, as a structure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """One permission, held in the system roles or (scope ``team``, ``channel``) through the resource's team or channel."""

    permission: str
    scope: str = "system"

    def __str__(self) -> str:
        return self.permission if self.scope == "system" else f"{self.permission} in the {self.scope}"


AnyOf = tuple[Term, ...]


@dataclass(frozen=True)
class Requirement:
    """Who may call.

    Every ``AnyOf`` in ``all_of`` must be met by one of its terms; those in ``for_others`` only when the request is
    about somebody else's resource. With ``or_self`` the caller's own resource needs no permission at all.
    """

    authenticated: bool = True
    all_of: tuple[AnyOf, ...] = ()
    for_others: tuple[AnyOf, ...] = ()
    or_self: bool = False

    def and_(self, other: "Requirement") -> "Requirement":
        """Return both demands as one."""
        return Requirement(
            self.authenticated or other.authenticated,
            self.all_of + other.all_of,
            self.for_others + other.for_others,
            self.or_self or other.or_self,
        )

    def __str__(self) -> str:
        def words(groups: tuple[AnyOf, ...]) -> str:
            return " and ".join(" or ".join(str(term) for term in group) for group in groups)

        if not self.authenticated:
            return "nobody in particular"
        parts = [words(self.all_of)] if self.all_of else []
        if self.or_self:
            parts = [f"self, or {words(self.all_of)}"]
        if self.for_others:
            parts.append(f"for others also {words(self.for_others)}")
        return "; ".join(parts) or "a session"
