#!/usr/bin/env python3
"""Checks the layer rule over the include lines of src/ and include/, and the length of every source file.

Usage: check_layers.py ROOT. Prints every violation; exit status 1 if there is one.
"""
import pathlib
import re
import sys

MAY_INCLUDE = {
    "common": set(),
    "registry": {"common"},
    "config": {"common"},
    "hub": {"registry", "common"},
    "prompt": {"registry", "common"},
    "drawing": {"prompt", "registry", "common"},
    "runtime": {"registry", "common"},
    "measure": {"runtime", "registry", "common"},
    "grammar": {"common"},
    "engine": {"prompt", "runtime", "grammar", "registry", "common"},
    "api": {"common"},
    "http": {"api", "common"},
    "host": {"common"},
    "bench": {"common"},
    "cli": {"common", "registry", "config", "hub", "prompt", "drawing", "runtime", "measure", "grammar", "engine", "api", "http",
            "host", "bench"},
}
STANDARD_ONLY = re.compile(r"<[a-z_]+>")  # <vector>, not <nlohmann/json.hpp>
INCLUDE = re.compile(r'^\s*#\s*include\s+(<[^>]+>|"[^"]+")', re.M)
MAX_LINES = 500


def violations(root):
    for path in sorted([*root.glob("src/**/*"), *root.glob("include/**/*"), *root.glob("tests/**/*")]):
        if path.suffix not in (".h", ".cpp", ".cu"):
            continue
        name, text = path.relative_to(root), path.read_text(encoding="utf-8")
        if text.count("\n") > MAX_LINES:
            yield f"{name}: {text.count(chr(10))} lines, at most {MAX_LINES}"
        if name.parts[0] == "tests":
            continue
        for target in INCLUDE.findall(text):
            if name.parts[0] == "include":
                if not STANDARD_ONLY.fullmatch(target) and not target.startswith('"spyhop/'):
                    yield f"{name}: includes {target}; public headers take the standard library and spyhop/ only"
                continue
            folder, other = name.parts[1], target.strip('"').split("/")[0]
            if "httplib" in target and folder != "http" and name.name != "http_client.cpp":
                yield f"{name}: includes {target}; only http/ and common/http_client.cpp may"
            if target.startswith("<curl/") and str(name) != "src/hub/http_transfer.cpp":
                yield f"{name}: includes {target}; only hub/http_transfer.cpp may"
            if target.startswith("<") or other == "spyhop":
                continue
            if other in MAY_INCLUDE and other != folder and other not in MAY_INCLUDE[folder]:
                yield f"{name}: {folder}/ may not include {other}/"
            elif other not in MAY_INCLUDE:
                yield f'{name}: includes {target}; write it relative to src/, as "{folder}/..."'


def main():
    found = list(violations(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "layers: all include lines and file lengths hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
