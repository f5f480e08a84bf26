"""What front ends look at to recognise a file."""

from rnnlite.frontends.paths import head_of


def test_the_first_bytes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(range(32)))
    assert head_of(path) == bytes(range(16))
    assert head_of(path, 4) == b"\x00\x01\x02\x03"
    assert head_of(tmp_path) == b""
    assert head_of(tmp_path / "missing") == b""
