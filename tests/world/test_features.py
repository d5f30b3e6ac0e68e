"""Features of servers, as data: their switches, their versions, and what their absence answers."""

import pytest

from mmconform.documents.reader import read
from mmconform.paths import DATA
from mmconform.version import Version
from mmconform.wire.exchange import Exchange
from mmconform.world.behaviours import refusals
from mmconform.world.features import features, has, lacking, missing, needed_by, settings_of, switched_off, wanted_by_probes

NOW = Version(5, 36, 1)
ON = {"ServiceSettings": {"EnableCommands": True, "EnableUserAccessTokens": True}}
TOKENS, COMMANDS, ENDLESS = "personal access tokens", "slash commands", "personal access tokens without an end"


def service(**settings):
    return {"ServiceSettings": {**ON["ServiceSettings"], **settings}}


@pytest.mark.parametrize(
    ("version", "config", "off"),
    [
        ("5.36.1", ON, set()),
        ("5.36.1", service(EnableCommands=False), {COMMANDS}),
        ("5.36.1", {"ServiceSettings": {}}, {COMMANDS, TOKENS}),
        ("4.0.5", {"ServiceSettings": {"EnableCommands": True}}, {"WebRTC"}),
        ("5.5.3", {**ON, "WebrtcSettings": {"Enable": True}}, {"WebRTC"}),
        ("11.10.0", service(MaximumPersonalAccessTokenLifetimeDays=10), {ENDLESS}),
        ("11.10.0", service(MaximumPersonalAccessTokenLifetimeDays=0), set()),
        ("5.36.1", service(EnableBotAccountCreation=False), set()),
    ],
)
def test_what_a_run_needs_and_a_server_has_switched_off(version, config, off):
    """WebRTC is off without a gateway of ours, whatever the server's setting says."""
    assert switched_off(config, Version.parse(version)) == off


LINKS, BOTS, PLUGINS = "links to files for everybody", "bot accounts", "plugins"
OFF = {"FileSettings": {"EnablePublicLink": False}, "PluginSettings": {"Enable": False}, "ServiceSettings": {}}


@pytest.mark.parametrize(
    ("config", "disruptive", "wanted"),
    [
        (OFF, False, {LINKS}),
        (OFF, True, {LINKS, PLUGINS}),
        ({**OFF, "FileSettings": {"EnablePublicLink": True}}, False, set()),
        (service(EnableBotAccountCreation=False), False, {BOTS}),
        ({}, True, set()),
    ],
)
def test_what_probes_of_a_whole_document_want_switched_on_is_what_a_server_tells_to_be_off(config, disruptive, wanted):
    assert {feature.name for feature in wanted_by_probes(config, NOW, disruptive=disruptive)} == wanted


def test_what_switches_a_feature_on():
    wanted = [features()[name] for name in (COMMANDS, ENDLESS, "WebRTC")]
    assert settings_of(wanted) == {"ServiceSettings": {"EnableCommands": True, "MaximumPersonalAccessTokenLifetimeDays": 0}}


@pytest.mark.parametrize(
    ("feature", "first", "before"),
    [(TOKENS, "4.1.0", "4.0.5"), ("roles that are data", "4.9.0", "4.8.9"), ("bot accounts", "5.12.0", "5.11.9")],
)
def test_a_feature_is_there_from_its_first_version_on(feature, first, before):
    assert has(feature, Version.parse(first)) and not has(feature, Version.parse(before))


def test_an_operation_needs_what_the_document_says_and_what_the_row_says(contract):
    assert needed_by(contract.operations["CreateUserAccessToken"]) == {TOKENS, ENDLESS}
    assert needed_by(contract.operations["RegenCommandToken"]) == {COMMANDS}


def answer(status, id_):
    return Exchange("", "member", "self", "POST", "/x", {}, None, status, {}, f'{{"id": "{id_}"}}'.encode())


@pytest.mark.parametrize(
    ("said", "feature"),
    [
        (answer(501, "api.file.attachments.disabled.app_error"), "files"),
        (answer(403, "api.bot.create_disabled"), "bot accounts"),
        (answer(403, "api.context.permissions.app_error"), ""),
        (answer(501, "somebody.else"), ""),
    ],
)
def test_an_answer_says_which_feature_is_missing(said, feature):
    assert missing(said, NOW) == feature


def test_every_feature_that_a_document_needs_is_known_and_its_absence_is_a_refusal(contract):
    assert {operation.needs for operation in contract.operations.values()} - {""} <= features().keys()
    assert {feature.absent for feature in features().values()} - {""} <= refusals().keys()
    assert [row["name"] for row in read(DATA / "features.yaml")[0].data] == list(features())


@pytest.mark.parametrize(
    ("config", "told", "lacks"),
    [
        ({}, {"IsLicensed": "false", "BuildEnterpriseReady": "true"}, {"a licence"}),
        ({}, {"IsLicensed": "true", "BuildEnterpriseReady": "false"}, {"an Enterprise build"}),
        ({}, {}, set()),
        ({}, {"IsLicensed": None}, set()),
        ({}, {"IsLicensed": "", "BuildEnterpriseReady": "no"}, set()),
        (service(EnableCommands=False), {}, {COMMANDS}),
        ({"ServiceSettings": {"EnableCommands": None}}, {}, set()),
    ],
)
def test_a_server_lacks_only_what_it_says_itself(config, told, lacks):
    assert lacking(config, told) == lacks


def test_what_a_list_or_a_document_needs_is_known():
    named = {row["needs"] for row in read(DATA / "dangerous.yaml")[0].data if "needs" in row}
    assert named and named <= features().keys()
    assert all(features()[name].told for name in named), "a setting can be switched on while a run goes on"


@pytest.mark.parametrize(
    ("operation", "needs"),
    [("CreateUserAccessToken", {TOKENS, ENDLESS}), ("GetUserAccessTokens", set()), ("RevokeUserAccessToken", set())],
)
def test_while_tokens_are_off_none_is_made_and_those_there_are_can_be_seen_and_ended(contract, operation, needs):
    """Of seven operations that are served so nothing was asked where they are off, as they are on a fresh server."""
    assert needed_by(contract.operations[operation]) == needs
