"""Where requests of ours may go."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.errors import ForbiddenAddress, InvalidInput, InvalidSetting
from taskforge.domain.outbound import check_addresses, is_public, parse_networks, parse_target

LOOPBACK = parse_networks("127.0.0.0/8,::1/128", "outbound_networks")
PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:0:53aa:64c:0:fbf8:f5ff:fffe",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(ForbiddenAddress):
        check_addresses(parse_target("https://a.example/"), [address], ())


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_what_is_public(address: str) -> None:
    assert check_addresses(parse_target("https://a.example/"), [address], ()) == [address]


def test_one_address_that_is_refused_refuses_the_host() -> None:
    with pytest.raises(ForbiddenAddress):
        check_addresses(parse_target("https://a.example/"), [PUBLIC, "127.0.0.1"], ())


def test_an_allowed_network_may_be_spoken_with_as_one_likes() -> None:
    target = parse_target("http://a.example:25/x")
    assert check_addresses(target, ["127.0.0.1", "::1"], LOOPBACK) == ["127.0.0.1", "::1"]
    assert check_addresses(target, ["::ffff:127.0.0.1"], LOOPBACK)
    for mixed in (["127.0.0.1", "10.0.0.1"], ["127.0.0.1", PUBLIC]):
        with pytest.raises(ForbiddenAddress):
            check_addresses(target, mixed, LOOPBACK)


@pytest.mark.parametrize("url", ["http://a.example/", "https://a.example:22/", "http://a.example:443/"])
def test_the_public_is_spoken_with_as_the_web_is(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        check_addresses(parse_target(url), [PUBLIC], LOOPBACK)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "ftp://a.example/",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@a.example/",
        "https://a.example:0/",
        "https://a.example:99999/",
        "https://a.example:x/",
        "https://[::1/",
        "https://a.example/ x",
        "https://a.example/\r\nHost: b",
        "https://a.example\\@b.example/",
        "https://é.example/",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_target(url)
    assert "secret" not in refused.value.message


def test_the_parts_of_a_url() -> None:
    target = parse_target("https://[2606:2800::1]:8443/a?b=c#d")
    assert (target.scheme, target.host, target.port, target.path) == (
        "https",
        "2606:2800::1",
        8443,
        "/a?b=c",
    )
    assert target.authority == "[2606:2800::1]:8443"
    assert parse_target("http://a.example").authority == "a.example"


def test_networks_that_are_none() -> None:
    assert parse_networks("", "x") == ()
    with pytest.raises(InvalidSetting):
        parse_networks("10.0.0.1/8", "outbound_networks")


@given(st.text(max_size=60) | st.text("htps:/@[]#?\\.1 ", max_size=40))
def test_any_text_is_a_target_or_refused(url: str) -> None:
    try:
        target = parse_target(url)
    except InvalidInput:
        return
    assert target.host
    assert 0 < target.port < 65536
