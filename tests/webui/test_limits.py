from __future__ import annotations

from webui.limits import Limit, Limits


def test_a_few_slips_are_nobodys_business() -> None:
    limit = Limit(3, 60.0)
    for second in range(3):
        assert limit.wait("x", second) == 0
        limit.failed("x", second)
    assert limit.wait("x", 3) == 57.0
    assert limit.wait("y", 3) == 0
    assert limit.wait("x", 60) == 0


def test_who_fails_on_and_on_waits_on_and_on() -> None:
    limit = Limit(3, 60.0)
    for second in (0, 10, 20, 70):
        limit.failed("x", second)
    assert limit.wait("x", 71) == 0
    limit.failed("x", 72)
    assert limit.wait("x", 73) == 7.0


def test_memory_is_bounded() -> None:
    limit = Limit(3, 1e9)
    for number in range(3 * Limit.KEPT):
        limit.failed(str(number), 0.0)
    assert len(limit._failures) == Limit.KEPT


def test_a_stranger_who_guesses_does_not_keep_the_owner_out() -> None:
    limits = Limits()
    for second in range(30):
        limits.failed("blerim", "192.0.2.9", second)
    assert limits.wait("blerim", "192.0.2.9", 30) > 0
    assert limits.wait("blerim", "192.168.1.5", 30) == 0


def test_but_many_addresses_together_are_slowed_down() -> None:
    limits = Limits()
    for number in range(60):
        limits.failed("blerim", f"192.0.2.{number}", 0.0)
    assert limits.wait("blerim", "198.51.100.1", 1.0) > 0


def test_where_somebody_has_logged_in_before_they_are_not_kept_out_by_strangers() -> None:
    limits = Limits()
    assert limits.attempt("Blerim", "192.168.1.5", 0.0) == 0
    limits.succeeded("Blerim", "192.168.1.5")
    for number in range(500):
        limits.attempt("blerim", f"192.0.2.{number}", 1.0)
    assert limits.wait("blerim", "192.168.1.6", 2.0) > 0
    assert limits.attempt("blerim", "192.168.1.5", 2.0) == 0
    for _ in range(10):
        limits.attempt("blerim", "192.168.1.5", 3.0)
    assert limits.wait("blerim", "192.168.1.5", 4.0) > 0, "guesses from there count as ever"


def test_known_addresses_are_bounded() -> None:
    limits = Limits()
    for number in range(3 * Limits.KNOWN):
        limits.succeeded("blerim", str(number))
    assert len(limits._known) == Limits.KNOWN


def test_one_address_cannot_try_every_name() -> None:
    limits = Limits()
    for number in range(19):
        assert limits.attempt(f"name{number}", "192.0.2.9", 0.0) == 0
    assert limits.attempt("their own", "192.0.2.9", 0.0) == 0
    limits.succeeded("their own", "192.0.2.9")
    assert limits.attempt("another", "192.0.2.9", 1.0) == 0
    assert limits.wait("one more", "192.0.2.9", 1.0) > 0, "a right password in between forgives no other"


def test_tries_at_one_time_are_counted_before_any_of_them_is_judged() -> None:
    limits = Limits()
    assert sum(limits.attempt("arta", "192.0.2.9", 0.0) == 0 for _ in range(28)) == 5


def test_the_right_password_takes_nothing() -> None:
    limits = Limits()
    for second in range(100):
        assert limits.attempt("arta", "192.0.2.9", second) == 0
        limits.succeeded("arta", "192.0.2.9")


def test_strangers_who_name_nobody_keep_nobody_else_waiting() -> None:
    limits = Limits()
    for number in range(200):
        limits.failed("", f"192.0.2.{number % 50}", 0.0)
    assert limits.wait("", "198.51.100.1", 1.0) == 0
