"""Where to upload, and with which token: written one way, never sent in the open, never in a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.upload.access import Server, Token, find_token, server_at
from runs.upload.errors import UploadError
from tests.runs.upload.uploading import SECRET


@pytest.mark.parametrize(
    "text",
    [
        "https://bench.example.org",
        "https://bench.example.org/",
        " https://Bench.Example.org:443 ",
        "https://bench.example.org./api",
        "https://bench.example.org/api/v1/",
        "https://bench.example.org/api/v1/runs/",
    ],
)
def test_one_server_has_one_address_however_it_is_typed(text: str) -> None:
    server = server_at(text)
    assert server.address == "https://bench.example.org"
    assert server.runs == "https://bench.example.org/api/v1/runs/"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://example.org/bench/", "https://example.org/bench"),
        ("https://example.org:8443", "https://example.org:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_path_and_a_port_are_part_of_it(text: str, address: str) -> None:
    assert server_at(text).address == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bench.example.org",
        "ftp://example.org",
        "file://example.org/x",
        "https://",
        "https://.",
        "https://[::1",
        "https://a..b",
        f"https://{'a' * 64}.org",
        "https://exa%20mple.org",
        "https://example.org:port",
        "https://example.org/?a=1",
        "https://example.org/#a",
        "https://exa mple.org",
        "https://example.org\\@other.org",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UploadError, match=r"One looks like this: https://bench\.example\.org"):
        server_at(text)


@given(st.text() | st.text().map("https://".__add__) | st.text().map("https://example.org/".__add__))
def test_any_text_is_an_address_or_one_clear_error(text: str) -> None:
    try:
        server = server_at(text)
    except UploadError:
        return
    assert server_at(server.address) == server


def test_a_password_in_the_address_is_refused() -> None:
    with pytest.raises(UploadError, match="no user name and no password"):
        server_at("https://ada:secret@bench.example.org")


@pytest.mark.parametrize("host", ["bench.example.org", "10.0.0.7", "localhost.example.org", "128.0.0.1"])
def test_plain_http_to_another_machine_takes_insecure(host: str) -> None:
    with pytest.raises(UploadError, match="not encrypted"):
        server_at(f"http://{host}")
    assert server_at(f"http://{host}", insecure=True) == Server(f"http://{host}")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "[::1]"])
def test_plain_http_within_the_machine_is_fine(host: str) -> None:
    assert server_at(f"http://{host}:8000").is_loopback


# ---------------------------------------------------------------- tokens


def token_file(folder: Path, text: str = SECRET, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


def found(var: Path, *, file: Path | None = None, **environment: str) -> tuple[Token, list[str]]:
    warnings: list[str] = []
    return find_token(file, environment, var, warnings.append), warnings


def test_a_named_file_counts_before_the_variable_and_that_before_var(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    named = token_file(tmp_path / "other", "benchsite_named\n")
    token_file(tmp_path, "benchsite_var")
    assert found(tmp_path, file=named, BENCHSITE_TOKEN="benchsite_env")[0].secret == "benchsite_named"
    assert found(tmp_path, BENCHSITE_TOKEN="benchsite_env\n")[0].secret == "benchsite_env"
    assert found(tmp_path, BENCHSITE_TOKEN="")[0].secret == "benchsite_var"


def test_a_file_that_others_may_read_is_a_warning(tmp_path: Path) -> None:
    path = token_file(tmp_path, mode=0o640)
    assert found(tmp_path)[1] == [f"Others on this machine may read the token in {path}. Type: chmod 600 {path}"]
    path.chmod(0o600)
    assert found(tmp_path)[1] == []


def test_without_a_token_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match=r"createtoken USER --upload.*token.*mode 600"):
        found(tmp_path)
    with pytest.raises(UploadError, match="There is no token file"):
        found(tmp_path, file=tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "\n", "two words", "benchsite_a\nbenchsite_b", "benchsité_abc", "x" * 501])
def test_what_is_no_token_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    path = token_file(tmp_path, text)
    with pytest.raises(UploadError) as caught:
        found(tmp_path)
    assert str(path) in str(caught.value)
    assert not text.strip() or text not in str(caught.value)


def test_a_folder_in_a_token_s_place_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="cannot be read: Is a directory"):
        found(tmp_path, file=tmp_path)


def test_a_token_is_not_in_its_own_description() -> None:
    assert SECRET not in repr(Token(SECRET, "var/token"))
