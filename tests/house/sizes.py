"""Lengths of files, functions and lines."""

from __future__ import annotations

import re

from tree import Problem, Tree

MOST_LINES = 800
MOST_FUNCTION_LINES = 70
MOST_COLUMNS = 100

# A raw string, a comment, a string, a character, a preprocessor line. Blanked before braces count.
NOISE = re.compile(
    r'R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"'
    r"|//[^\n]*"
    r"|/\*.*?\*/"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'"
    r"|^[ \t]*#(?:[^\n\\]|\\\n|\\.)*",
    re.DOTALL | re.MULTILINE,
)
AFTER_PARAMETERS = re.compile(r"\)[\s\w&*:<>,]*(?:->[^;{}]*)?$", re.DOTALL)
INITIALISERS = re.compile(r"\)\s*(?:noexcept\s*)?:\s*[A-Za-z_]", re.DOTALL)
NOT_FUNCTIONS = re.compile(r"^\s*(?:namespace|class|struct|enum|union|extern|concept)\b")


def blank(code: str) -> str:
    """The code with strings, comments and preprocessor lines as blanks; lines stay."""
    return NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), code)


def opens_function(head: str) -> bool:
    head = head.strip()
    if "(" not in head or NOT_FUNCTIONS.search(head):
        return False
    if INITIALISERS.search(head):
        return head.endswith((")", "}"))
    return bool(AFTER_PARAMETERS.search(head))


def functions(code: str) -> list[tuple[int, int]]:
    """First and last line of each outermost function body, its signature included."""
    found = []
    line, head, head_line = 1, "", 0
    stack: list[tuple[str, str, int]] = []  # kind, head to go on with, its line
    depth_in_function = 0
    for c in blank(code):
        if c == "\n":
            line += 1
        if depth_in_function:
            depth_in_function += (c == "{") - (c == "}")
            if depth_in_function == 0:
                found.append((head_line, line))
                head, head_line = "", 0
            continue
        if c == "{":
            if opens_function(head):
                depth_in_function = 1
                continue
            is_member = bool(INITIALISERS.search(head))
            stack.append(("member" if is_member else "block", head + "{}", head_line))
            head, head_line = "", 0
        elif c == "}":
            kind, old, old_line = stack.pop() if stack else ("block", "", 0)
            head, head_line = (old, old_line) if kind == "member" else ("", 0)
        elif c == ";":
            head, head_line = "", 0
        else:
            head += c
            if head_line == 0 and not c.isspace():
                head_line = line
            if head.strip() in ("public:", "private:", "protected:"):
                head, head_line = "", 0
    return found


def check(tree: Tree) -> list[Problem]:
    problems = []
    for path in tree.files(".h", ".cc", ".py", ".sh"):
        if path.startswith("tests/vectors/"):
            continue
        code = tree.text(path)
        lines = code.splitlines()
        if len(lines) > MOST_LINES:
            problems.append(Problem(path, 1, f"{len(lines)} lines, at most {MOST_LINES}: split it"))
        for number, line in enumerate(lines, 1):
            if len(line) > MOST_COLUMNS:
                problems.append(
                    Problem(path, number, f"{len(line)} columns, at most {MOST_COLUMNS}"))
        if path.endswith((".h", ".cc")):
            for first, last in functions(code):
                if last - first + 1 > MOST_FUNCTION_LINES:
                    problems.append(Problem(
                        path, first,
                        f"a function of {last - first + 1} lines, at most {MOST_FUNCTION_LINES}"))
    return problems
