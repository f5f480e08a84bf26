"""What front ends look at to recognise a file."""

from rnnlite.frontends.paths import head_of


def test_the_first_bytes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(40)))
    assert head_of(path) == bytes(range(16))
    assert head_of(path, 3) == b"\0\1\2"
    path.write_bytes(b"ab")
    assert head_of(path) == b"ab"


def test_what_cannot_be_read_has_none(tmp_path, monkeypatch):
    assert head_of(tmp_path) == b""
    assert head_of(tmp_path / "nothing") == b""
    path = tmp_path / "file"
    path.write_bytes(b"content")

    def refuse(*args, **kwargs):
        raise PermissionError

    monkeypatch.setattr(type(path), "open", refuse)
    assert head_of(path) == b""
