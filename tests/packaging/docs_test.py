#!/usr/bin/env python3
"""Checks that the files and folders which the documentation names exist.

Usage: docs_test.py SOURCE_DIR
"""
import pathlib
import re
import sys
import unittest

SOURCE = pathlib.Path(sys.argv[1])
PATH = re.compile(r"(?:\.?[\w-]+/)+(?:[\w-]+\.\w+)?|(?:scripts|tests|src|include)(?:/[\w.-]+)+")


def named_paths(document):
    """What stands in backticks and looks like a path in the sources."""
    for quoted in re.findall(r"`([^`\n]+)`", (SOURCE / document).read_text(encoding="utf-8")):
        if PATH.fullmatch(quoted):
            yield quoted


class Documentation(unittest.TestCase):
    def test_every_file_that_src_readme_names_exists(self):
        paths = list(named_paths("src/README.md"))
        self.assertGreater(len(paths), 20)
        foreign = {"torch/torch.h"}
        there = [path for path in paths if (SOURCE / path).exists() or (SOURCE / "src" / path).exists()]
        self.assertEqual(set(paths) - set(there) - foreign, set())

    def test_every_file_that_the_readme_names_exists(self):
        paths = list(named_paths("README.md"))
        self.assertGreater(len(paths), 3)
        self.assertEqual([each for each in paths if not (SOURCE / each).exists()], [])

    def test_the_readme_names_the_two_commands(self):
        text = (SOURCE / "README.md").read_text(encoding="utf-8")
        for command in ("scripts/run.sh", "scripts/test.sh"):
            self.assertIn(command, text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
