"""What a server without a licence has none of: a random id stands for it, and who is let past the permission check shows."""

import secrets
import string

from mmconform.world.kinds.kind import Kind, Owner


class Absent(Kind):
    """A kind of which a run makes nothing and names what does not exist."""

    is_absent = True

    def make(self, owner: Owner) -> str:
        return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(26))


class RetentionPolicy(Absent):
    name = "retention-policy"


class AccessPolicy(Absent):
    name = "access-policy"


class Group(Absent):
    name = "group"


class RemoteCluster(Absent):
    name = "remote-cluster"


class Scheme(Absent):
    name = "scheme"


class ComplianceReport(Absent):
    name = "compliance-report"


class OutgoingConnection(Absent):
    name = "outgoing-connection"


class Bookmark(Absent):
    name = "bookmark"


class ScheduledPost(Absent):
    name = "scheduled-post"


class Plugin(Absent):
    name = "plugin"


class ProfileField(Absent):
    name = "profile-field"


class Export(Absent):
    """A file of an export, which servers find by its name."""

    name = "export"
    is_name = True

    def make(self, owner: Owner) -> str:
        return f"{owner.naming.name('x')}.zip"
