"""A statement's shape holds none of its values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.sql_shape import sql_shape

SECRET = "quokka"


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        ("SELECT 1", "SELECT ?"),
        (
            "SELECT a1, t.b_2 FROM t1 WHERE x = 12.5 AND y = -3e7",
            "SELECT a1, t.b_2 FROM t1 WHERE x = ? AND y = -?",
        ),
        ("WHERE id = %s AND n = $1 AND m = %(name)s", "WHERE id = %s AND n = $1 AND m = %(name)s"),
        ("WHERE name = 'O''Brien'  AND\n x = 'b'", "WHERE name = ? AND x = ?"),
        (r"WHERE name = E'O\'quokka' AND b = 1", "WHERE name = ? AND b = ?"),
        ("SELECT $$quokka 'x$$, $t$quokka$t$ FROM t", "SELECT ?, ? FROM t"),
        ('SELECT "it\'s", \'quokka\' FROM "a""b"', 'SELECT "it\'s", ? FROM "a""b"'),
        (
            "SELECT 1 -- it's quokka's\nFROM t /* quokka 'x */ WHERE a = 'quokka'",
            "SELECT ? FROM t WHERE a = ?",
        ),
        ("SELECT 'quokka", "SELECT ?"),
        ("INSERT INTO t VALUES (1, 'quokka'::text, U&'quokka')", "INSERT INTO t VALUES (?, ?::text, ?)"),
    ],
)
def test_literals_are_question_marks_and_the_rest_stays(sql: str, shape: str) -> None:
    assert sql_shape(sql) == shape
    assert SECRET not in sql_shape(sql)


@given(st.text(alphabet=st.sampled_from("abz '\"-/*$%_(),0"), max_size=20), st.text(max_size=20))
def test_a_value_that_is_quoted_as_postgresql_wants_it_never_shows(before: str, value: str) -> None:
    """Whatever is in it, after whatever complete statement."""
    head = sql_shape(f"SELECT a FROM b WHERE c = '{before.replace(chr(39), chr(39) * 2)}' AND d = ")
    quoted = "'" + f"{SECRET}{value}".replace("\\", "").replace("'", "''") + "'"
    assert SECRET not in head + sql_shape(f"SELECT a FROM b WHERE d = {quoted} AND e = 5")
