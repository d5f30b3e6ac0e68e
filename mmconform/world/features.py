"""Features that operations and kinds need, as the document's ``x-needs`` names them."""

TOKENS, COMMANDS, WEBRTC = "personal access tokens", "slash commands", "WebRTC"
OAUTH = "OAuth applications"
#: With a licence the job that does nothing without one does something.
JOBS = "jobs that do nothing"
#: From 11.10 on a server can demand that tokens end (model/user_access_token.go@0c97a1ef93): then ours do, and to make one as
#: the document says, without an end, is no valid request there.
ENDLESS = "personal access tokens without an end"
