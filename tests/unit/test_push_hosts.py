"""Which URLs a browser may have us call: the push services we know, by https, at public addresses, however it is spelled."""

from typing import Any

import pytest

from notifications.channels.public_addresses import is_public
from notifications.checks import check_settings
from notifications.push_hosts import EndpointError, checked


@pytest.fixture
def live(settings: Any) -> None:
    settings.POSTROOM_MODE = "live"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:APA91b-x_y",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://web.push.apple.com/QABC",
        "https://db5p.notify.windows.com/w/?token=a%2fb%3d",
        "https://fcm.googleapis.com:443/fcm/send/x",
        "https://FCM.googleapis.com/x",
    ],
)
def test_the_push_services_of_the_browsers_are_called(live: None, endpoint: str) -> None:
    assert checked(endpoint).scheme == "https"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilfcm.googleapis.com.example/x",
        "https://notfcm.googleapis.com/x",
        "https://evil.example/fcm.googleapis.com",
        "https://fcm.googleapis.com@evil.example/x",
        "https://evil.example\\@fcm.googleapis.com/x",
        "https://fcm.googleapis.com\\.evil.example/x",
        "https://evil.example#@fcm.googleapis.com/x",
        "https://evil.example?.fcm.googleapis.com/x",
        "https://fcm.googleapis.com",
        "https://fcm.googleapis.com./x",
        "https://fcm.googleapis.com/x\r\nX-Injected: 1",
        "https://fcm.googleapis.com /x",
        "https://ﬁcm.googleapis.com/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://[fcm.googleapis.com]/x",
        "https://localhost/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://fcm.googleapis.com:99999/x",
        "ftp://fcm.googleapis.com/x",
        "file:///etc/passwd",
        "",
    ],
)
def test_nothing_else_is_in_whatever_spelling(live: None, endpoint: str) -> None:
    with pytest.raises(EndpointError) as refused:
        checked(endpoint)
    assert "/x" not in str(refused.value)


def test_the_sandbox_is_called_in_sandbox_mode_alone(settings: Any) -> None:
    assert checked("http://127.0.0.1:8025/push/1").port == 8025
    with pytest.raises(EndpointError):
        checked("http://10.0.0.1:8025/push/1")
    settings.POSTROOM_MODE = "live"
    with pytest.raises(EndpointError):
        checked("http://127.0.0.1:8025/push/1")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1",
    ],
)  # fmt: skip
def test_an_address_of_ours_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["142.250.1.95", "2607:f8b0:4004:c07::5f", "::ffff:142.250.1.95", "64:ff9b::8efa:15f"]
)
def test_an_address_of_the_internet_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "wrong", ["fcm.googleapis.com", ("https://x.example",), ("localhost",), ("10.0.0.1",), ("X.example",)]
)
def test_a_malformed_list_is_named(settings: Any, wrong: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "PUSH_HOSTS": wrong}
    assert ["PUSH_HOSTS" in error.msg for error in check_settings() if error.id == "postroom.E010"] == [True]
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "PUSH_HOSTS": ("push.example",)}
    assert [error for error in check_settings() if error.id == "postroom.E010"] == []
