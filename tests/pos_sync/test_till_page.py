"""The till's page and files under a strict policy: nothing inline, nothing evaluated, nothing from another host."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from pos_sync import shell

FILES = sorted(path for path in shell.SOURCE.rglob("*") if path.suffix in {".js", ".css"})
OWN = [path for path in FILES if "vendor" not in path.parts]
EVALUATED = re.compile(r"\beval\(|new Function\(|set(?:Timeout|Interval)\(\s*[\"'`]")
WRITTEN = re.compile(r"\.innerHTML|insertAdjacentHTML|document\.write")
ELSEWHERE = re.compile(r"[\"'`(](?:https?:)?//[\w.-]+\.\w+")


def test_the_page_runs_under_a_policy_of_its_own_host_alone() -> None:
    answer = Client().get("/till/")
    policy = dict(each.strip().split(" ", 1) for each in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert not {"script-src", "style-src", "connect-src"} & policy.keys()
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_nothing_in_the_page_is_inline() -> None:
    page = Client().get("/till/").content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(shell.SOURCE).as_posix())
def test_no_file_evaluates_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert EVALUATED.findall(text) == []
    assert path not in OWN or WRITTEN.findall(text) == []


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(shell.SOURCE).as_posix())
def test_no_file_asks_another_host(path: Path) -> None:
    assert ELSEWHERE.findall(path.read_text(encoding="utf-8")) == []


def test_every_file_that_a_module_names_is_kept_for_offline_use() -> None:
    kept = {each["url"] for each in shell._files()}
    for path in OWN:
        for name in re.findall(r"from \"(\.[^\"]+)\"", path.read_text(encoding="utf-8")):
            address = shell._address((path.parent / name).resolve().relative_to(shell.SOURCE).as_posix())
            assert address in kept, f"{path.name} names {name}"


def test_the_files_are_those_that_are_served() -> None:
    assert all(finders.find(f"till/{path.relative_to(shell.SOURCE).as_posix()}") for path in FILES)
