#!/usr/bin/env python3
"""Checks models/*.json and the tests' entries against the schema beside them.

Usage: schema_test.py SOURCE_DIR
"""
import json
import pathlib
import sys
import unittest

import jsonschema

SOURCE = pathlib.Path(sys.argv[1])
ENTRIES = SOURCE / "tests/registry/entries"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


class Schema(unittest.TestCase):
    def setUp(self):
        schema = read(SOURCE / "models/model-family.schema.json")
        jsonschema.Draft7Validator.check_schema(schema)
        self.validator = jsonschema.Draft7Validator(schema)

    def test_shipped_models_keep_to_it(self):
        files = [path for path in (SOURCE / "models").glob("*.json") if not path.name.endswith(".schema.json")]
        self.assertGreater(len(files), 0)
        for path in files:
            self.assertEqual([each.message for each in self.validator.iter_errors(read(path))], [], path)

    def test_it_takes_the_entries_that_the_program_takes(self):
        for path in (ENTRIES / "good").glob("*.json"):
            self.assertEqual([each.message for each in self.validator.iter_errors(read(path))], [], path)

    def test_it_refuses_the_entries_that_the_program_refuses(self):
        for path in (ENTRIES / "bad").glob("*.json"):
            self.assertFalse(self.validator.is_valid(read(path)), path)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
