"""``python -m mmconform`` is the command ``mmconform``."""

from mmconform.commands.cli import main

raise SystemExit(main())
