"""``python -m mmconform`` is the command ``mmconform``."""

from mmconform.cli import main

raise SystemExit(main())
