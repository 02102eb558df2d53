"""What each Python loads that a test starts: how often it looks for garbage, which else is a seventh of its start."""

import gc

gc.set_threshold(50_000, 20, 50)
