"""What is said, in one line, when the suite is used wrongly or finds bad input."""


def plain(text: str) -> str:
    """Return text without control characters: what a server or a document says must not steer a terminal."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


class MisuseError(Exception):
    """Bad input or wrong use: one line that says what, where and what to do; exit status 2."""

    def __init__(self, text: str) -> None:
        super().__init__(plain(text))

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the line, since where in our code it was raised helps nobody."""
        return [str(self)]


class DocumentError(MisuseError):
    """A document that cannot be used. Its text starts with ``file:line:``."""

    def __init__(self, file: str, line: int | None, message: str) -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {message}")
