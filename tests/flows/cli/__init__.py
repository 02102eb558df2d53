"""Tests of the command, and what the lake that it reads holds."""

BODY = '{"id": 25, "name": "flabébé",\n "height": 4}'
DRIFT = {"level": "warn", "rule": "renamed", "subject": "move", "message": "1 renamed: 11 vice-grip -> vise-grip"}
