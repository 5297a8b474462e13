"""Each check is shown a broken project and must find exactly what is wrong in it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import commands
import headers
import layering
import papers
import sizes
from tree import Problem, Tree


def make(root: Path, files: dict[str, str]) -> Tree:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Tree(root)


def expect(what: str, problems: list[Problem], places: list[str]) -> None:
    found = sorted(f"{p.path}:{p.line}" for p in problems)
    if found != sorted(places):
        raise SystemExit(f"house: the check of {what} is itself broken: on its sample it found "
                         f"{found}, expected {sorted(places)}")


def try_layering(root: Path, rules: layering.Rules) -> None:
    tree = make(root, {
        "src/base/a.h": '#include <string>\n#include "run/m.h"\n#include <regex>\n',
        "src/base/b.cc": '#include "base/a.h"\n#include <iostream>\n#include <boost/json.hpp>\n',
        "src/base/c.h": "#include <iostream>\n#include <sys/stat.h>\n#include <xxhash.h>\n",
        "src/base/d.cc": '#include "base/gone.h"\n#include <unheard/of.h>\n',
        "src/run/m.h": '#include "base/a.h"\n#include "clock/z.h"\n#include "store/s.h"\n',
        "src/clock/z.h": "// #include <regex>\n",
        "src/store/s.h": '#include "run/m.h"\n',
        "src/attic/x.cc": '#include "base/a.h"\n',
    })
    expect("layering", layering.check(tree, rules), [
        "src/base/a.h:2", "src/base/a.h:3", "src/base/b.cc:3", "src/base/c.h:1", "src/base/c.h:3",
        "src/base/d.cc:1", "src/base/d.cc:2", "src/run/m.h:3", "src/attic/x.cc:1"])


def try_sizes(root: Path) -> None:
    body = "  f();\n"
    tree = make(root, {
        "long.cc": "int a;\n" * 801,
        "wide.cc": "int a;\n// " + "x" * 98 + "\n",
        "fits.cc": "namespace n {\nvoid f() {\n" + body * 68 + "}\n}\n",
        "function.cc": "namespace n {\n\nvoid f() {\n" + body * 69 + "}\n\n}\n",
        "method.h": "class A {\n public:\n  A(int x)\n      : x_{x}, y_(1) {\n" + body * 68
                    + "  }\n};\n",
        "noise.cc": 'auto t = R"({{{)";\nconst char* s = "{"; // {\nchar c = \'{\';\nint g() {\n'
                    + body * 69 + "}\n",
        "table.cc": "const T kTable[] = {\n" + "    {1, f(2)},\n" * 90 + "};\n",
        "digits.cc": "int n = 1'000'000;\nint f() {\n" + body * 69 + "}\n",
    })
    expect("lengths", sizes.check(tree), ["long.cc:1", "wide.cc:2", "function.cc:3", "method.h:3",
                                          "noise.cc:4", "digits.cc:2"])


def try_papers(root: Path) -> None:
    tree = make(root, {
        "src/base/a.cc": "",
        "src/README.md": "[good](base/a.cc) and\n[bad](base/b.cc)\n```\n[code](not/a/link)\n```\n",
        "docs/README.md": "# One thing\n[up](../src/README.md#none) [self](#one-thing)\n"
                          "![gone](x.svg) <https://x.y>\n",
    })
    expect("documents", papers.check(tree),
           ["src/base/README.md:1", "src/README.md:2", "docs/README.md:2", "docs/README.md:3"])


def try_headers(root: Path) -> None:
    tree = make(root, {"src/base/good.h": "#pragma once\n#include <string>\nstd::string f();\n",
                       "src/base/bad.h": "#pragma once\nstd::string f();\n"})
    for _ in range(2):  # a failure is not remembered as a success
        expect("headers", headers.check(tree, root / "cache"), ["src/base/bad.h:1"])


def try_commands(root: Path) -> None:
    text = "```text\n$ no\n```\n\n```console\n$ one\nsays\n$ two \\\n> more\n```\n"
    found = [(c.line, c.text) for c in commands.commands(text)]
    if found != [(6, "one"), (8, "two \\\nmore")]:
        raise SystemExit(f"house: the reading of documents is itself broken: {found}")
    example = make(root, {"hello/x": "", "serve": "#!/bin/sh\necho '{\"address\":\"a:1\"}'\n"
                                                  "sleep 9 &\ntrap \"kill $!; exit\" TERM\nwait\n"})
    program = example.root / "serve"
    program.chmod(0o755)
    shop = commands.Shop(example.root / "hello", program)
    try:
        good = shop.run("a.md", [commands.Command(3, "test -e x"), commands.Command(4, "true")])
        bad = shop.run("a.md", [commands.Command(3, "X=1"), commands.Command(4, "test $X = 2"),
                                commands.Command(5, "true")])
    finally:
        shop.close()
    expect("commands", [p for p in (good, bad) if p], ["a.md:4"])


def run(rules: layering.Rules) -> None:
    for attempt in (lambda root: try_layering(root, rules), try_sizes, try_papers, try_headers,
                    try_commands):
        with tempfile.TemporaryDirectory(prefix="tidemill-house-") as folder:
            attempt(Path(folder))
