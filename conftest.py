"""The front door: everything that pytest needs to know is in our plugin."""

pytest_plugins = ("mmconform.plugin.hooks",)
