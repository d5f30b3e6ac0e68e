"""Texts that nobody is to see."""


class Secret(str):
    """A session, a token or a password: a text like any other, but where objects are shown it is not.

    What breaks is shown with its objects (in a traceback, a debugger, an assertion), and so would be the credentials in them.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)" if self else "Secret('')"
