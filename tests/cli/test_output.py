"""Logs of roles never hold up the supervisor, and no line is torn or lost while there is room."""

import json
import os
import selectors
from pathlib import Path

import pytest

from wasl.cli import output
from wasl.cli.output import Output


class Bench:
    """An Output that writes into a pipe of ours."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.selector = selectors.PollSelector()
        self.reader, self.writer = os.pipe()
        self.output = Output(self.selector, as_json=as_json, target=self.writer)

    def turn(self, times: int = 50) -> None:
        for _ in range(times):
            for key, _ in self.selector.select(0):
                key.data()

    def read(self) -> str:
        os.set_blocking(self.reader, False)
        try:
            return os.read(self.reader, 1 << 20).decode()
        except BlockingIOError:
            return ""


def test_lines_are_named_and_whole_whatever_the_pieces() -> None:
    bench = Bench()
    web, mail = bench.output.pipe("web"), bench.output.pipe("mail")
    for descriptor, piece in (
        (web, b"one\ntw"),
        (mail, b"first\n"),
        (web, b"o\n"),
        (web, "الط".encode()[:3]),
    ):
        os.write(descriptor, piece)
        bench.turn(5)
    os.write(web, "الط".encode()[3:] + b" last")
    os.close(web)
    bench.turn()
    assert bench.read() == "web     | one\nmail    | first\nweb     | two\nweb     | الط last\n"


def test_a_reader_that_pauses_stops_nobody_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "PENDING_LIMIT", 200_000)
    bench = Bench()
    role = bench.output.pipe("web")
    for _ in range(100):
        os.write(role, b"x" * 49 + b"\n" + b"y" * 3949 + b"\n")
        bench.turn(3)
    text = ""
    for _ in range(400):
        bench.turn(3)
        text += bench.read()
    lines = text.splitlines()
    left_out = [line for line in lines if "were left out" in line]
    assert len(left_out) == 1
    kept = [line for line in lines if line.startswith("web")]
    assert set(map(len, kept)) == {59, 3959}, "no line is torn"
    assert len(kept) + int(left_out[0].split()[2]) == 200


def test_when_nobody_will_ever_read_again_it_goes_on() -> None:
    bench = Bench()
    role = bench.output.pipe("web")
    os.close(bench.reader)
    for _ in range(5):
        os.write(role, b"anything\n")
        bench.turn()
    os.close(role)
    bench.turn()
    assert [key.fd for key in bench.selector.get_map().values()] == []


def test_a_line_without_an_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "LINE_LIMIT", 1000)
    bench = Bench()
    role = bench.output.pipe("web")
    os.write(role, b"z" * 2500)
    bench.turn()
    assert bench.read().startswith("web     | zzz")


def test_json_lines_stay_json() -> None:
    bench = Bench(as_json=True)
    role = bench.output.pipe("web")
    os.write(role, b'{"text": "from a role"}\n')
    bench.output.say("web was killed", name="")
    bench.turn()
    assert {json.loads(line)["text"] for line in bench.read().splitlines()} == {
        "from a role",
        "web was killed",
    }


def test_it_writes_to_a_file_as_well(tmp_path: Path) -> None:
    target = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    made = Output(selectors.PollSelector(), as_json=False, target=target)
    made.say("hello\nworld")
    made.flush(1)
    os.close(target)
    assert (tmp_path / "log").read_text() == "wasl    | hello\nwasl    | world\n"
