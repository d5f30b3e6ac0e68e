"""Text for a terminal that does not know all our characters: lookalikes instead of an error, one for each."""

import codecs
import io

_NAME = "mmconform.lookalikes"
_LOOKALIKES = str.maketrans("✖▲●○…→←“”‘’–—×≥≤│─·", "x^*o.><\"\"''--x><|-.")


def _lookalike(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    known = (character.translate(_LOOKALIKES) for character in error.object[error.start : error.end])
    return "".join(character if character.isascii() else "?" for character in known), error.end


codecs.register_error(_NAME, _lookalike)


def tolerate(*streams: object) -> None:
    """Have the streams replace what their encoding does not hold."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)
