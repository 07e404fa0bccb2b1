#!/usr/bin/env python3
"""Checks the files that put Spyhop into service, and what `cmake --install` lays out.

Usage: deploy_test.py SOURCE_DIR BUILD_DIR. Run by Debian's interpreter, which has python3-yaml.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

SOURCE, BUILD = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
UNIT = SOURCE / "scripts/deploy/spyhop.service"
COMPOSE = SOURCE / "scripts/deploy/compose.yaml"
PROGRAM = BUILD / "spyhop"
MOST_EXPOSURE = 20  # tenths of what `systemd-analyze security` rates from 0 (safe) to 10


def output_of(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def settings_of_launch():
    with_config = {**os.environ, "SPYHOP_CONFIG": ""}
    return json.loads(output_of(PROGRAM, "config", "--json", env=with_config))["settings"]


def known_variables():
    """What launch reads: SPYHOP_* of its flags, its folder, and the hubs' own."""
    flags = {"SPYHOP_" + name.upper().replace("-", "_") for name in settings_of_launch()}
    return flags | {"SPYHOP_HOME", "HF_HOME", "HF_TOKEN", "MODELSCOPE_CACHE", "MODELSCOPE_API_TOKEN", "HOME"}


def unit_entries():
    """[(section, key, value)], lines that go on joined."""
    section, entries = None, []
    for line in UNIT.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            entries.append((section, key, value))
    return entries


def drain_seconds(profile):
    return json.loads((SOURCE / "configs" / profile).read_text(encoding="utf-8")).get("drain-timeout", 30)


class Unit(unittest.TestCase):
    def value(self, key):
        return [value for _, name, value in unit_entries() if name == key]

    def test_it_has_the_sections_and_keys_of_a_unit(self):
        self.assertEqual({section for section, _, _ in unit_entries()}, {"Unit", "Service", "Install"})
        once = [key for _, key, _ in unit_entries() if key not in ("Environment", "SystemCallFilter")]
        self.assertEqual(len(once), len(set(once)))

    def test_it_is_hardened(self):
        for key, value in {"DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
                           "PrivateTmp": "yes", "CapabilityBoundingSet": "", "RestrictNamespaces": "yes"}.items():
            self.assertEqual(self.value(key), [value], key)
        self.assertNotIn("MemoryDenyWriteExecute", [key for _, key, _ in unit_entries()])

    def test_it_waits_for_running_answers(self):
        self.assertGreater(int(self.value("TimeoutStopSec")[0]), drain_seconds("server.json"))

    def test_its_variables_are_known(self):
        names = {word.split("=")[0] for line in self.value("Environment") for word in line.split()}
        self.assertEqual(names - known_variables(), set())

    def test_it_writes_into_its_own_folders_only(self):
        owned = {f"/var/lib/{self.value('StateDirectory')[0]}", f"/var/cache/{self.value('CacheDirectory')[0]}"}
        for line in self.value("Environment"):
            for word in line.split():
                path = word.split("=", 1)[1]
                self.assertTrue(any(path == each or path.startswith(each + "/") for each in owned), word)

    def installed_unit(self, folder):
        """The unit as it is once the program lies where it says."""
        text = UNIT.read_text(encoding="utf-8").replace("/usr/local/bin/spyhop", str(PROGRAM))
        path = pathlib.Path(folder) / "spyhop.service"
        path.write_text(text, encoding="utf-8")
        return path

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_systemd_understands_it(self):
        with tempfile.TemporaryDirectory() as folder:
            said = subprocess.run(["systemd-analyze", "verify", "--man=no", self.installed_unit(folder)], check=False,
                                  capture_output=True, text=True)
        if "Failed to connect" in said.stderr or "Failed to initialize" in said.stderr:
            self.skipTest(said.stderr)
        self.assertEqual((said.returncode, said.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_systemd_finds_it_little_exposed(self):
        with tempfile.TemporaryDirectory() as folder:
            unit = self.installed_unit(folder)
            said = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSURE}",
                                   "--no-pager", unit], check=False, capture_output=True, text=True)
        if "unrecognized option" in said.stderr:
            self.skipTest("an older systemd")
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)


class Compose(unittest.TestCase):
    def setUp(self):
        self.document = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
        self.service = self.document["services"]["spyhop"]

    def test_its_keys_are_those_of_the_format(self):
        self.assertEqual(set(self.document), {"name", "services", "volumes"})
        known = {"image", "build", "command", "entrypoint", "ports", "environment", "volumes", "depends_on", "read_only", "tmpfs",
                 "cap_drop", "cap_add", "security_opt", "pids_limit", "stop_grace_period", "restart", "user", "network_mode"}
        for name, service in self.document["services"].items():
            self.assertEqual(set(service) - known, set(), name)

    def test_it_is_hardened(self):
        self.assertTrue(self.service["read_only"])
        for service in self.document["services"].values():
            self.assertEqual(service["cap_drop"], ["ALL"])
        self.assertIn("no-new-privileges:true", self.service["security_opt"])
        self.assertTrue(all(port.startswith("127.0.0.1:") for port in self.service["ports"]))

    def test_it_asks_for_a_key(self):
        self.assertRegex(self.service["environment"]["SPYHOP_API_KEY"], r"^\$\{SPYHOP_API_KEY:\?")

    def test_its_variables_are_known(self):
        self.assertEqual(set(self.service["environment"]) - known_variables(), set())

    def test_the_files_that_it_names_exist(self):
        folder = COMPOSE.parent
        self.assertTrue((folder / self.service["build"]["context"] / "Dockerfile").is_file())
        mounted = [volume.split(":")[0] for volume in self.service["volumes"]]
        for path in [each for each in mounted if each.startswith(".")]:
            self.assertTrue((folder / path).is_file(), path)
        named = {each for each in mounted if not each.startswith(".")}
        self.assertEqual(named, set(self.document["volumes"]))

    def test_it_waits_for_running_answers(self):
        self.assertGreater(int(self.service["stop_grace_period"].rstrip("s")), drain_seconds("server.json"))

    def test_the_cache_belongs_to_the_user_of_the_image(self):
        uid = re.search(r"useradd --uid (\d+)", (SOURCE / "Dockerfile").read_text(encoding="utf-8")).group(1)
        self.assertEqual(self.document["services"]["cache-owner"]["entrypoint"][1], f"{uid}:{uid}")

    def test_its_launch_is_one_that_the_program_takes(self):
        command = self.service["command"]
        self.assertEqual(command[0], "launch")
        target = next(volume.split(":")[1] for volume in self.service["volumes"] if "config.json" in volume)
        flags = [str(SOURCE / "configs/server.json") if word == target else word for word in command[1:]]
        self.assertEqual(json.loads(output_of(PROGRAM, "config", "--json", *flags))["settings"]["host"]["value"], "0.0.0.0")


class Install(unittest.TestCase):
    def test_it_lays_out_program_page_completions_profiles_and_models(self):
        with tempfile.TemporaryDirectory() as folder:
            prefix = pathlib.Path(folder)
            output_of("cmake", "--install", BUILD, "--prefix", prefix)
            share = prefix / "share"
            self.assertEqual(output_of(prefix / "bin/spyhop", "man"), (share / "man/man1/spyhop.1").read_text(encoding="utf-8"))
            for shell, path in {"bash": "bash-completion/completions/spyhop", "zsh": "zsh/site-functions/_spyhop",
                                "fish": "fish/vendor_completions.d/spyhop.fish"}.items():
                self.assertEqual(output_of(prefix / "bin/spyhop", "completion", shell),
                                 (share / path).read_text(encoding="utf-8"), shell)
            for kind in ("configs", "models"):
                # A model that comes with the program is a folder.
                installed = {path.name for path in (share / "spyhop" / kind).iterdir() if path.is_file()}
                self.assertEqual(installed, {path.name for path in (SOURCE / kind).glob("*.json")})
            demo = share / "spyhop/models/demo"
            self.assertLessEqual({"config.json", "tokenizer.json"}, {path.name for path in demo.iterdir()})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
