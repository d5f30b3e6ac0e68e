"""What is said, in one line, when the suite is used wrongly or finds bad input."""


class MisuseError(Exception):
    """Bad input or wrong use: one line that says what, where and what to do; exit status 2."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the line, since where in our code it was raised helps nobody."""
        return [str(self)]


class DocumentError(MisuseError):
    """A document that cannot be used. Its text starts with ``file:line:``."""

    def __init__(self, file: str, line: int | None, message: str) -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {message}")
