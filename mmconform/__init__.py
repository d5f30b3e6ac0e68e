"""Does this server keep the promises of the Mattermost REST API v4?"""

__version__ = "0.1.0"
