import array
import math
import unittest

import numpy

from flywheel_client.command import agent_command
from flywheel_client.errors import AgentNotFound
from flywheel_client.values import bounded_text, duration_ms, instant_us, number_list, task_name
from flywheel_client.wire import BoundedLines


class Numbers(unittest.TestCase):
    def test_takes_numbers_however_they_come(self) -> None:
        for values in (
            [1, 2.5],
            (1, 2.5),
            numpy.array([1, 2.5]),
            numpy.float32([1, 2.5]),
            iter([1, 2.5]),
            array.array("d", [1, 2.5]),
        ):
            self.assertEqual(number_list("observation", values), [1, 2.5])
        for one in (2, numpy.int64(2), numpy.array(2), [numpy.int8(2)]):
            self.assertEqual(repr(number_list("action", one)), "[2]")

    def test_names_the_number_that_is_none(self) -> None:
        with self.assertRaisesRegex(ValueError, r"expected observation\[1\] to be a finite number, got nan"):
            number_list("observation", [1, math.nan])
        with self.assertRaisesRegex(ValueError, "finite"):
            number_list("observation", [10**400])
        with self.assertRaisesRegex(TypeError, r"observation\[0\] to be a number, got list"):
            number_list("observation", numpy.ones((2, 2)))
        for wrong in ("12", b"12", {"a": 1}, None, ["1"]):
            with self.assertRaises(TypeError):
                number_list("observation", wrong)  # type: ignore[arg-type]
        with self.assertRaisesRegex(ValueError, "at most 1024"):
            number_list("observation", iter(lambda: 1.0, None))

    def test_bounds_latencies_instants_tasks_and_text(self) -> None:
        self.assertEqual([duration_ms("latency_ms", 0), instant_us(0), task_name("dock")], [0, 0, "dock"])
        for wrong in (
            lambda: duration_ms("latency_ms", -1),
            lambda: duration_ms("latency_ms", math.inf),
            lambda: instant_us(-1),
            lambda: instant_us(2**53),
            lambda: task_name(""),
        ):
            with self.assertRaises(ValueError):
                wrong()
        with self.assertRaises(ValueError):
            instant_us(1.5)  # type: ignore[arg-type]
        self.assertEqual(bounded_text("a\x1b[31m\nb", 100), "a [31m b")
        self.assertEqual(len(bounded_text("\N{ROBOT FACE}" * 300, 101).encode("utf-16-le")), 200)
        self.assertEqual(bounded_text("\ud800x", 100), "x")


class Lines(unittest.TestCase):
    def test_are_cut_wherever_the_bytes_are(self) -> None:
        lines = BoundedLines(5)
        self.assertEqual(
            [line for byte in b"ab\n\n12345\n" for line in lines.feed(bytes([byte]))], [b"ab", b"", b"12345"]
        )
        self.assertEqual(lines.feed(b"123456"), [])
        self.assertEqual(lines.feed(b"789\nok\nrest"), [b"ok"])
        self.assertEqual([lines.passed_over, lines.rest()], [1, b"rest"])


class Command(unittest.TestCase):
    def test_is_given_or_in_the_environment_or_on_the_path(self) -> None:
        path = {"PATH": "/usr/bin:/bin"}
        self.assertEqual(agent_command(["sh", "-c", "a b"], path)[1:], ["-c", "a b"])
        self.assertEqual(agent_command("sh -c 'a b'", path)[1:], ["-c", "a b"])
        self.assertEqual(agent_command(None, {**path, "FLYWHEEL_AGENT_COMMAND": "sh x.mjs"})[1:], ["x.mjs"])
        for command, where in (
            (None, "the PATH"),
            ("/nowhere/node start.mjs", "command"),
            ("'", "command"),
            ([], "the PATH"),
        ):
            with self.assertRaisesRegex(AgentNotFound, where):
                agent_command(command, {"PATH": "/nowhere"})
        with self.assertRaisesRegex(AgentNotFound, "FLYWHEEL_AGENT_COMMAND, got no program called nod:.*pass command="):
            agent_command(None, {**path, "FLYWHEEL_AGENT_COMMAND": "nod x.mjs"})
