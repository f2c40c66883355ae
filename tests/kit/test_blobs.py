"""The blob store, on disk and in an S3-compatible bucket (moto's server, over real HTTP)."""

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from wasl.kit import blobs
from wasl.kit.ids import uuid7

HERE, THERE = uuid7(), uuid7()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> blobs.Store:
    if request.param == "disk":
        return blobs.DiskStore(tmp_path / "blobs")
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    made = blobs.S3Store("wasl", "/some/prefix/", endpoint_url=request.getfixturevalue("endpoint"), **keys)
    made._client.create_bucket(Bucket="wasl")
    return made


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def test_what_was_put_is_read_again(store: blobs.Store, tmp_path: Path) -> None:
    small, large = b"one", b"x" * 700_000
    store.put(HERE, digest(small), small)
    (tmp_path / "large").write_bytes(large)
    store.put_file(HERE, digest(large), tmp_path / "large")
    for content in (small, large):
        with store.open(HERE, digest(content)) as source:
            assert source.read() == content


def test_names_are_synced_even_of_a_blob_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    store = blobs.DiskStore(tmp_path / "blobs")
    for _ in range(2):
        store.put(HERE, digest(b"one"), b"one")
        inner = tmp_path / "blobs" / HERE.hex
        folders = [inner / digest(b"one").hex()[:2], inner, tmp_path / "blobs", tmp_path]
        assert synced[-4:] == [str(folder) for folder in folders]
    assert len(synced) == 9, "the bytes once, the names each time"


def test_each_workspace_has_its_own_space(store: blobs.Store) -> None:
    content = b"the same in both"
    for workspace in (HERE, THERE):
        store.put(workspace, digest(content), content)
    store.delete(HERE, digest(content))
    with pytest.raises(blobs.MissingBlob):
        store.open(HERE, digest(content))
    with store.open(THERE, digest(content)) as source:
        assert source.read() == content


def test_putting_and_deleting_twice_is_once(store: blobs.Store) -> None:
    content = b"again"
    for _ in range(2):
        store.put(HERE, digest(content), content)
    for _ in range(2):
        store.delete(HERE, digest(content))


def test_what_is_not_there_is_said_at_once(store: blobs.Store) -> None:
    with pytest.raises(blobs.MissingBlob):
        store.open(HERE, digest(b"never put"))


def test_half_a_file_is_never_left_under_its_name(tmp_path: Path) -> None:
    store = blobs.DiskStore(tmp_path)
    with pytest.raises(FileNotFoundError):
        store.put_file(HERE, digest(b"x"), tmp_path / "absent")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_the_store_of_the_settings(cluster: object) -> None:
    key, size = blobs.put_stream(HERE, io.BytesIO(b"y" * 300_000))
    assert (key, size) == (digest(b"y" * 300_000), 300_000)
    assert b"".join(blobs.stream(HERE, key)) == blobs.read(HERE, key) == b"y" * 300_000
