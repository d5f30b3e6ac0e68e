"""Flaws of commands, jobs and WebRTC."""

from typing import Any

from mmconform.reference.app import App, Call, RefusedError
from mmconform.reference.golang import TEXT, first_value, struct
from mmconform.reference.mutants.flaw import after, before, error, fields, ignoring, instead, mutant, showing
from mmconform.reference.store import new_id
from mmconform.world.behaviours import JobType

REGEN, JOB, WEBRTC = "RegenCommandToken", "CreateJob", "GetWebrtcToken"


# -- commands ------------------------------------------------------------------------------------------------------


@mutant(REGEN, "permission")
def regen_needs_no_permission(app: App) -> None:
    """Whoever has a session makes a new token for any command."""
    app.needs[REGEN] = None


@mutant(REGEN, "permission")
def regen_in_any_team(app: App) -> None:
    """The administrator of one team is let into every other."""
    usual = app.has_in_team

    def anywhere(call: Call, team: str, permission: str | None) -> bool:
        teams = app.store.teams if call.operation == REGEN else [team]
        return any(usual(call, team, permission) for team in teams)

    app.has_in_team = anywhere  # type: ignore[method-assign]


@mutant(REGEN, "permission")
def regen_asks_for_the_second_permission(app: App) -> None:
    """Holders of manage_slash_commands are refused: manage_others_slash_commands is asked for instead."""
    app.needs[REGEN] = "manage_others_slash_commands"


@mutant(REGEN, "permission")
def regen_tells_that_a_command_is(app: App) -> None:
    """Who may not manage the command is told 403 instead of 404, and so that it is there."""
    instead(app, REGEN, "denied", lambda call: app.refuse(call, "no-permission"))


@mutant(REGEN, "effect.makes-a-new-token")
def regen_keeps_the_token(app: App) -> None:
    """The token that is told is the old one, which stays."""
    first_tokens: dict[str, str] = {}

    def same(made: dict[str, Any], call: Call) -> dict[str, Any]:
        command = app.store.commands[call.parameters["command_id"]]
        command.token = first_tokens.setdefault(command.id, made["token"])
        return {"token": command.token}

    fields(app, REGEN, same)


@mutant(REGEN, "effect.makes-a-new-token")
def regen_tells_a_token_that_the_command_does_not_get(app: App) -> None:
    """The command has another token than the one that is told."""
    fields(app, REGEN, lambda made, call: {"token": new_id()})


@mutant(REGEN, "status")
def regen_of_deleted_commands(app: App) -> None:
    """A deleted command gets a new token."""

    def undelete(call: Call) -> None:
        command = app.store.commands.get(call.parameters["command_id"])
        if command:
            command.is_deleted = False

    before(app, REGEN, undelete)


@mutant(REGEN, "status")
def regen_ignores_the_switch(app: App) -> None:
    """Commands get new tokens while they are switched off."""
    ignoring(app, REGEN, "ServiceSettings", EnableCommands=True)


@mutant(REGEN, "status")
def regen_takes_the_token_from_the_body(app: App) -> None:
    """The caller chooses the token."""

    def chosen(made: dict[str, Any], call: Call) -> dict[str, Any]:
        try:
            return {"token": struct(first_value(call.body), {"token": TEXT})[0].get("token", made["token"])}
        except ValueError:
            return made

    fields(app, REGEN, chosen)


@mutant(REGEN, "schema effect.makes-a-new-token")
def regen_tells_an_empty_token(app: App) -> None:
    """Whoever is no system administrator is told an empty token."""
    fields(app, REGEN, lambda made, call: made if app.is_administrator(call.caller) else {"token": ""})


@mutant(REGEN, "auth")
def regen_takes_the_commands_token_for_a_session(app: App) -> None:
    """Who knows the token of a command is let in as the one who made it."""
    usual = app.session

    def session(call: Call) -> Any:
        found = usual(call)
        known = call.headers.get("authorization", "").removeprefix("Bearer ")
        command = next((kept for kept in app.store.commands.values() if kept.token == known), None)
        if found or not command:
            return found
        return next((session for session in app.store.sessions.values() if session.user == command.creator), None)

    app.session = session  # type: ignore[method-assign]


# -- jobs ----------------------------------------------------------------------------------------------------------


@mutant(JOB, "permission")
def job_needs_no_permission(app: App) -> None:
    """Whoever has a session creates jobs."""
    app.needs[JOB] = None


@mutant(JOB, "permission")
def job_for_administrators_only(app: App) -> None:
    """Who may manage jobs is refused unless they may manage the system."""
    app.needs[JOB] = "manage_system"


@mutant(JOB, "permission")
def job_for_holders_of_tokens(app: App) -> None:
    """Who may make tokens may create jobs."""
    app.needs[JOB] = "create_user_access_token"


@mutant(JOB, "status")
def job_answers_200(app: App) -> None:
    """200 for 201."""
    after(app, JOB, lambda answer, call: answer._replace(status=200))


@mutant(JOB, "schema")
def job_tells_its_progress_as_text(app: App) -> None:
    """progress is a text instead of a number."""
    fields(app, JOB, lambda made, call: {**made, "progress": str(made["progress"])})


@mutant(JOB, "effect.creates-a-job")
def job_takes_its_state_from_the_body(app: App) -> None:
    """The caller says that the job is done."""
    fields(app, JOB, lambda made, call: {**made, **struct(first_value(call.body), {"status": TEXT})[0]})


@mutant(JOB, "effect.creates-a-job")
def job_drops_its_data(app: App) -> None:
    """The data are not kept."""
    fields(app, JOB, lambda made, call: {**made, "data": made["data"] and {}})


@mutant(JOB, "input")
def job_takes_numbers_as_data(app: App) -> None:
    """Data that are no texts are taken."""
    showing(app, JOB, "job-data-are-texts", False)


@mutant(JOB, "permission input")
def job_looks_at_the_permission_before_the_body(app: App) -> None:
    """Who may create no job is not told that the body cannot be read."""

    def look(call: Call) -> None:
        if not app.has(call, app.needs[JOB]):
            raise RefusedError("denied")

    before(app, JOB, look)


@mutant(JOB, "input permission")
def job_of_an_unknown_kind_is_a_bad_request_of_another_name(app: App) -> None:
    """The error id for an unknown type is not the one that clients know."""
    instead(app, JOB, "unknown-job-type", lambda call: error(400))


@mutant(JOB, "status")
def job_fails_on_much_data(app: App) -> None:
    """There is room for 1024 bytes of data, and more is an error of the server."""
    showing(app, JOB, "job-data-have-little-room", True)


@mutant(JOB, "since", on="4.0.5")
def job_is_there_too_early(app: App) -> None:
    """The operation is there before 4.1."""
    app.exists[JOB] = True
    app.jobs["data_retention"] = JobType("data_retention", "manage_jobs", has_worker=False)


@mutant(JOB, "since status auth permission input effect.creates-a-job")
def job_is_gone(app: App) -> None:
    """The operation is not there any more."""
    app.exists[JOB] = False


# -- WebRTC --------------------------------------------------------------------------------------------------------


@mutant(WEBRTC, "status", on="5.5.3")
def webrtc_ignores_the_switch(app: App) -> None:
    """WebRTC is served while it is switched off."""
    ignoring(app, WEBRTC, "WebrtcSettings", Enable=True, GatewayWebsocketUrl="ws://conformance.invalid")


@mutant(WEBRTC, "effect.belongs-to-the-session", on="5.5.3")
def webrtc_has_one_token_for_all(app: App) -> None:
    """Every session gets the same token."""
    fields(app, WEBRTC, lambda made, call: {**made, "token": "c2hhcmVkIGJ5IGV2ZXJ5Ym9keQ=="})


@mutant(WEBRTC, "effect.gives-credentials", on="5.5.3")
def webrtc_gives_no_password(app: App) -> None:
    """The password for TURN is missing."""
    fields(app, WEBRTC, lambda made, call: {name: made[name] for name in made if name != "turn_password"})


@mutant(WEBRTC, "permission status", on="5.5.3")
def webrtc_for_members_of_a_team(app: App) -> None:
    """Who is in no team is refused, with a status that no document names."""

    def look(call: Call) -> None:
        if not any(call.caller in team.members for team in app.store.teams.values()):
            raise RefusedError("no-permission")

    before(app, WEBRTC, look)


@mutant(WEBRTC, "since", on="5.6.5")
def webrtc_is_still_there(app: App) -> None:
    """The operation is there after it was taken out."""
    app.exists[WEBRTC] = True
    gateway = {"GatewayWebsocketUrl": "", "StunURI": "", "TurnUsername": "", "TurnURI": "", "Enable": True}
    app.store.config["WebrtcSettings"] = gateway
