"""A small server of ours that keeps the contract, or behaves like a version of Mattermost, or has exactly one flaw.

It is the contract in executable form, and the yardstick of the suites: plain, they pass on it; with a flaw, they have to
say which. It is never evidence about Mattermost, knows no tape and no check, and keeps everything in memory.
"""
