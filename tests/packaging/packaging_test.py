#!/usr/bin/env python3
"""Checks that the image and the scripts install from the one list, and that the list covers what the built program needs.

Usage: packaging_test.py SOURCE_DIR BUILD_DIR
"""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE, BUILD = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
IN_EVERY_IMAGE = {"libc6", "libgcc-s1", "libstdc++6"}  # the base has them, or each of the others brings them
NOT_LINKED = {"ca-certificates", "libopenblas0"}  # https image addresses; what libtorch finds behind libblas.so.3


def packages():
    """The list: group -> set of packages."""
    groups = {}
    for line in (SOURCE / "scripts/packages.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            group, package = line.split()
            groups.setdefault(group, set()).add(package)
    return groups


def stages():
    """The Dockerfile, cut at its FROM lines, lines joined and comments left out: [(image, text)]."""
    text = re.sub(r"^#.*\n", "", (SOURCE / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    return re.findall(r"^FROM (\S+)[^\n]*\n(.*?)(?=^FROM |\Z)", text, re.M | re.S)


def installed_groups(text):
    """The groups that a script or a stage installs."""
    return {group for line in re.findall(r"install_packages ([a-z0-9 ]+)", text) for group in line.split()}


def needed_libraries(path):
    out = subprocess.run(["objdump", "-p", path], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"NEEDED\s+(\S+)", out))


def package_of(library):
    """The package that ships a library, as the loader finds it. Libraries may move between /lib and /usr/lib."""
    known = subprocess.run(["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True).stdout
    paths = re.findall(rf"^\s{re.escape(library)} .*=> (\S+)$", known, re.M)
    for path in [str(each) for found in paths for each in (found, pathlib.Path(found).resolve())]:
        for candidate in (path, path.removeprefix("/usr")):
            owner = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True)
            if owner.returncode == 0:
                return owner.stdout.split(":")[0]
    return None


class Packaging(unittest.TestCase):
    def test_the_image_is_built_from_the_packages_of_run_sh(self):
        (builder, build), (_, run) = stages()
        self.assertEqual(builder, "debian:bookworm")
        self.assertEqual(installed_groups(build), {"build"})
        script = (SOURCE / "scripts/run.sh").read_text()
        self.assertEqual(installed_groups(build) | installed_groups(run), installed_groups(script))

    def test_the_run_time_stage_is_slim_and_takes_the_run_time_libraries_only(self):
        _, (image, text) = stages()
        self.assertEqual(image, "debian:bookworm-slim")
        self.assertEqual(installed_groups(text), {"run"})
        self.assertFalse([each for each in packages()["run"] if each.endswith("-dev")])

    def test_nothing_installs_past_the_list(self):
        for path in ["Dockerfile", ".ci/run", *(f"scripts/{name}.sh" for name in ("run", "test", "dev"))]:
            self.assertNotRegex((SOURCE / path).read_text(), r"apt(-get)? +(-\S+ +)*install|(npm|pip3?) install", path)

    def test_the_image_does_not_run_as_root_and_tells_its_health(self):
        _, (_, text) = stages()
        user = re.findall(r"^USER (\S+)", text, re.M)
        self.assertEqual(len(user), 1)
        self.assertNotIn(user[0], ("root", "0"))
        self.assertRegex(text, r"HEALTHCHECK[^\n]*/health")
        self.assertRegex(text, r"VOLUME[^\n]*/models")

    @unittest.skipUnless(shutil.which("dpkg") and shutil.which("objdump"), "tells packages by dpkg")
    def test_the_run_time_packages_are_those_that_the_program_is_linked_with(self):
        libraries = set()
        for binary in [BUILD / "spyhop", *BUILD.glob("spyhop_*.so")]:
            libraries |= needed_libraries(binary)
        needed = {library: package_of(library) for library in libraries}
        self.assertNotIn(None, needed.values(), needed)
        self.assertEqual(set(needed.values()) - IN_EVERY_IMAGE, packages()["run"] - NOT_LINKED, needed)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
