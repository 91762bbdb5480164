"""Templates write what a browser sends back as the server reads it: an id is no number for people (1234, not 1.234)."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
_ID = re.compile(r"\{\{\s*[\w.]*(?:\.pk|\.id|(?<!auto)_id)\s*\}\}")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_ids_are_written_without_the_separator_of_thousands(template: Path) -> None:
    assert _ID.findall(template.read_text("utf-8")) == []
