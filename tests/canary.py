"""Canaries: secrets that can be told from everything else, and whether one of them got out.

``answer`` fills every field of an answer in which a server may put a secret; ``found_in`` looks for them in files and
texts, as they are and in the shapes in which they might be hidden: quoted for an address, as base64, in capitals.
"""

import base64
from pathlib import Path
from urllib.parse import quote

#: Fields whose values are secrets, and headers and cookies that are.
FIELDS = (
    "token",
    "access_token",
    "refresh_token",
    "csrf",
    "secret",
    "client_secret",
    "password",
    "new_password",
    "turn_password",
)
HEADERS = ("Token",)
COOKIES = ("MMAUTHTOKEN", "MMCSRF")


class Canaries:
    """Gives out secrets, each another, and knows them all."""

    def __init__(self):
        self.given = []

    def new(self, where="x"):
        """Return a secret as a server makes them: 26 letters and digits, beginning with ``canary``."""
        letters = "".join(c for c in where.lower() if c.isalnum())[:8]
        self.given.append(f"canary{len(self.given):04d}{letters}".ljust(26, "z"))
        return self.given[-1]

    def answer(self, **more):
        """Return the headers and the JSON of an answer that holds a secret in every field, also deep inside."""
        fields = {field: self.new(field) for field in FIELDS}
        fields |= {"redirect": f"http://x.invalid/back?code={self.new('code')}&access_token={self.new('query')}"}
        headers = [(name, self.new(name)) for name in HEADERS]
        headers += [("Set-Cookie", f"{name}={self.new(name)}; Path=/; HttpOnly") for name in COOKIES]
        return headers, {**fields, "inner": {"list": [{field: self.new(field) for field in FIELDS}]}, **more}

    def found_in(self, *places):
        """Return the secrets that stand in the texts, or in the files below the folders, with where."""
        found = []
        for place in places:
            files = [p for p in sorted(place.rglob("*")) if p.is_file()] if isinstance(place, Path) else [None]
            for file in files:
                held = file.read_bytes() if file else place.encode()
                found += [f"{secret} in {file or 'the text'}" for secret in self.given if any(s in held for s in _shapes(secret))]
        return found


def _shapes(secret):
    plain = [secret, secret.upper(), quote(secret), secret[:20]]
    return [s.encode() for s in plain] + [base64.b64encode(secret.encode()).rstrip(b"=")[:-2]]
