"""The data about versions: every row names its source, and whether later repairs were carried back."""

import re
from functools import cache

import pytest

from mmconform.contract.permission import is_there, permissions
from mmconform.documents.load import load
from mmconform.documents.reader import read
from mmconform.knowledge import Unknown
from mmconform.paths import DATA, DEVIATIONS, ROOT
from mmconform.version import Version, Versions
from mmconform.wire.tape import tape
from mmconform.world import behaviours
from mmconform.world.behaviours import NotKnownError, behaves, gate, harmless_job, is_newer, newest
from mmconform.world.people import grants

ABOUT_VERSIONS = (
    "answers",
    "behaviours",
    "changes",
    "features",
    "gates",
    "harmless_jobs",
    "keeps_secrets",
    "permissions",
    "roles",
)
FILES = [*(DATA / f"{name}.yaml" for name in ABOUT_VERSIONS), *sorted(DEVIATIONS.rglob("*.yaml"))]
LAST_TAG = Version(5, 36, 99)  # of mattermost/mattermost-server; later history has no tags of ours


def rows(path):
    data = read(path)[0].data
    lists = data.values() if isinstance(data, dict) else [data]
    return [row for rows in lists if isinstance(rows, list) for row in rows if isinstance(row, dict)]


ROWS = {f"{path.parent.name}/{path.name}/{n}": row for path in FILES for n, row in enumerate(rows(path))}
DATED = {
    name: row
    for name, row in ROWS.items()
    if not name.startswith("data/permissions")
    and any(Version.parse(number) > LAST_TAG for number in re.findall(r"[\d.]+", str(row.get("versions", ""))))
}


def test_somebody_asks_for_each_behaviour():
    code = "".join(path.read_text(encoding="utf-8") for room in ("mmconform", "suites") for path in (ROOT / room).rglob("*.py"))
    assert [name for name in behaviours._behaviours() if f'"{name}"' not in code] == []


@pytest.mark.parametrize("name", ROWS)
def test_a_row_tells_its_source_and_its_versions_can_be_read(name):
    assert ROWS[name].get("source") or ROWS[name].get("evidence")
    Versions.of(ROWS[name])


@pytest.mark.parametrize("name", DATED)
def test_a_row_that_begins_or_ends_after_the_last_tag_says_whether_that_was_carried_back(name):
    answer, versions = DATED[name].get("carried_back"), Versions.of(DATED[name])
    assert answer in ("yes", "no", "unknown")
    assert (answer == "yes") == (len(versions.spans) > 1)
    assert answer != "unknown" or versions.unknown


@cache
def named():
    """Return the permissions that our documents name."""
    return {name for _, _, one in load().document.operations() for name in re.findall(r"`(\w+)` permission", one["description"])}


def is_asked_about(row):
    """Return whether a tape is asked about what a row tells: no permission but those that our documents name is."""
    return not {"scope", "permissions"} <= row.keys() or bool(named() & set(row["permissions"]))


@pytest.mark.parametrize("version", tape.every())
def test_of_every_recorded_version_all_is_known(version):
    """Else a test on tape would say nothing where it said something."""
    at = Version.parse(version)
    assert [name for name in behaviours._behaviours() if behaviours._shows(name, at) is None] == []
    about_tapes = {name: row for name, row in ROWS.items() if not name.startswith("official/") and is_asked_about(row)}
    assert [name for name, row in about_tapes.items() if Versions.of(row).include(at) is None] == []


REPAIRS = {
    "no-token-for-an-administrator-without-their-permission": (
        ["7.1.8", "7.7.4", "7.8.3", "7.9.2", "7.10.0", "11.1.0"],
        ["7.1.7", "7.2.0", "7.7.3", "7.8.2", "7.9.1"],
    ),
    "a-missing-user-comes-before-the-body": (["7.1.8", "7.10.0"], ["7.1.7", "7.9.1"]),
    "an-administrator-is-out-of-reach": (
        ["9.11.10", "10.4.4", "10.5.2", "10.6.0", "10.11.1"],
        ["9.11.9", "10.3.9", "10.4.3", "10.5.1"],
    ),
    "an-oauth-session-changes-tokens": (["4.1.0", "10.11.21", "11.0.0", "11.7.6"], ["10.11.22", "11.7.7", "11.9.0"]),
    "an-oauth-session-sees-tokens": (["4.1.0", "10.11.22", "11.7.7", "11.9.0"], ["4.0.5"]),
    "an-oauth-session-may-not-make-tokens": (["4.1.2", "4.2.1", "4.3.0"], ["4.1.1", "4.2.0"]),
}


@pytest.mark.parametrize("name", REPAIRS)
def test_a_repair_is_there_in_the_patches_that_it_was_carried_back_to_and_in_no_other(name):
    shown, not_shown = REPAIRS[name]
    assert [v for v in shown if not behaves(name, Version.parse(v))] == []
    assert [v for v in not_shown if behaves(name, Version.parse(v))] == []


UNKNOWN = [
    ("only-the-permissions-for-bots-count-for-bots", "8.0.1"),
    ("an-oauth-session-changes-tokens", "11.8.0"),
    ("search-finds-by-prefix", "6.2.0"),
]


@pytest.mark.parametrize(("name", "version"), UNKNOWN)
def test_between_the_versions_that_were_read_nothing_is_told(name, version):
    with pytest.raises(NotKnownError) as caught:
        behaves(name, Version.parse(version))
    assert caught.value.reason == "unknown-in-version"


# -- permissions and roles -----------------------------------------------------------------------------------------------

SCOPES = {
    "manage_team": "team",
    "edit_post": "channel",
    "remove_user_from_team": "team",
    "manage_system": "system",
    "create_post": "channel",
    "read_user_access_token": "system",
    "manage_slash_commands": "team",
    "restore_custom_group": "group",
    "run_view": "run",
}


@pytest.mark.parametrize("name", SCOPES)
def test_a_permission_counts_where_the_servers_list_says(name):
    assert permissions()[name].scope == SCOPES[name]


def test_every_permission_has_a_scope_that_servers_know():
    assert {one.scope for one in permissions().values()} == {"system", "team", "channel", "group", "playbook", "run"}
    assert len(permissions()) > 290


def test_what_a_row_grants_is_a_permission_of_the_list():
    assert {grant.permission for grant in grants()} - {"*"} <= permissions().keys()


def test_every_permission_that_our_documents_name_is_in_the_list():
    assert named() and named() <= permissions().keys()


#: What is on the main branch while that calls itself 10.11 is in 10.12, when the release was branched off before.
BRANCHED = {
    "purge_bleve_indexes": {"10.11.6": True, "10.12.0": False},
    "manage_post_bleve_indexes_job": {"9.9.0": None, "9.10.0": None, "9.11.2": True, "10.11.6": True, "11.0.3": False},
    "manage_channel_access_rules": {"10.11.6": None, "10.12.0": True},
    "read_channel_content": {"8.1.0": None, "9.0.0": True},
}


@pytest.mark.parametrize("name", BRANCHED)
def test_a_release_has_what_was_there_when_it_was_branched_off(name):
    assert {version: is_there(name, Version.parse(version)) for version in BRANCHED[name]} == BRANCHED[name]


# -- the rest ------------------------------------------------------------------------------------------------------------

GATES = {
    "api.custom_profile_attributes.license_error": "needs-licence",
    "api.license.upgrade_needed.app_error": "needs-licence",
    "api.bot.create_disabled": "not-on-this-target",
    "api.user.delete_user.not_enabled.app_error": "not-on-this-target",
    "api.team.is_team_creation_allowed.disabled.app_error": None,  # so whoever lacks `create_team` is refused
    "api.context.mfa_required.app_error": "not-on-this-target",
    "app.terms_of_service.get.no_rows.app_error": "needs-licence",
    "app.user_terms_of_service.get_by_user.no_rows.app_error": "needs-licence",
    "app.emoji.get.no_rows.app_error": None,
    "api.context.permissions.app_error": None,
    "store.sql_command.save.get.app_error": None,
    "api.server.cws.needs_enterprise_edition": "not-on-this-target",
    "api.user.add_user_to_group_syncables.not_ldap_user.app_error": "needs-licence",
    "api.context.404.app_error": "not-on-this-target",
    "app.pap.get_policy.app_error": None,
    "": None,
}


@pytest.mark.parametrize("error_id", GATES)
def test_what_is_not_offered_is_no_refusal_of_somebody(error_id):
    found = gate(error_id)
    assert (None if found is None else found.reason) == GATES[error_id]


def test_what_a_server_says_it_does_not_implement_it_does_not_offer_whatever_the_id():
    assert gate("app.pap.get_policy.app_error", 501) == Unknown("not-on-this-target")
    assert gate("", 501) is None, "whoever stands in front says so too"
    assert gate("api.no_license", 501) == Unknown("needs-licence")


JOBS = {"4.1.0": "data_retention", "5.36.1": "data_retention", "6.0.0": "active_users", "6.4.0": "active_users"}


@pytest.mark.parametrize("version", [*JOBS, "11.6.0"])
def test_the_job_that_does_nothing_needs_manage_jobs_and_nothing_else(version):
    assert harmless_job(Version.parse(version)) == JOBS.get(version, "active_users")


def test_a_version_is_newer_when_its_line_is():
    major, minor, _ = newest()
    assert not is_newer(Version(major, minor, 99)) and is_newer(Version(major, minor + 1)) and is_newer(Version(major + 1))
