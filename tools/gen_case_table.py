"""Writes src/sql/kernels/character_table.cc: simple case mapping and cluster extenders.

usage: gen_case_table.py > src/sql/kernels/character_table.cc

The data is Python's own copy of the Unicode Character Database. Mappings that need more than one
character are left out (upper('ﬁ') stays), but for two that have a one-character form of their own.
"""

import unicodedata


def simple_upper(code: int) -> int:
    if code == 0xDF:
        return 0x1E9E  # sharp s
    text = chr(code).upper()
    if len(text) > 1:
        text = chr(code).title()
    return ord(text) if len(text) == 1 else code


def simple_lower(code: int) -> int:
    if code == 0x130:
        return 0x69  # I with a dot
    text = chr(code).lower()
    return ord(text) if len(text) == 1 else code


def runs(pairs: list[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """Groups (code, mapped) into (first, last, stride, delta)."""
    out: list[list[int]] = []
    for code, mapped in pairs:
        delta = mapped - code
        if out and out[-1][3] == delta:
            first, last, stride, _ = out[-1]
            gap = code - last
            if gap <= 2 and (stride == 0 or stride == gap):
                out[-1][1], out[-1][2] = code, gap
                continue
        out.append([code, code, 0, delta])
    return [(a, b, s or 1, d) for a, b, s, d in out]


def table(name: str, rows: list[str], kind: str) -> str:
    body = "\n".join("    " + row for row in rows)
    return (
        f"const {kind} {name}[] = {{\n{body}\n}};\nconst size_t {name}Size = std::size({name});\n"
    )


def main() -> None:
    codes = [c for c in range(0x80, 0x110000) if not 0xD800 <= c <= 0xDFFF]
    upper = [(c, simple_upper(c)) for c in codes if simple_upper(c) != c]
    lower = [(c, simple_lower(c)) for c in codes if simple_lower(c) != c]
    marks: list[list[int]] = []
    for c in codes:
        if (
            unicodedata.category(chr(c)) in ("Mn", "Me", "Mc")
            or c in (0x200C, 0x200D)
            or (0x1F3FB <= c <= 0x1F3FF or 0xE0020 <= c <= 0xE007F or 0x1160 <= c <= 0x11FF)
        ):
            if marks and marks[-1][1] == c - 1:
                marks[-1][1] = c
            else:
                marks.append([c, c])
    print(
        "// Made by tools/gen_case_table.py from the Unicode Character Database "
        f"{unicodedata.unidata_version}. Do not edit."
    )
    print('#include "sql/kernels/character_table.h"\n\n#include <iterator>\n')
    print("namespace tidemill::sql::kernels {\n")
    for name, pairs in (("kUpper", upper), ("kLower", lower)):
        rows = [f"{{0x{a:X}, 0x{b:X}, {s}, {d}}}," for a, b, s, d in runs(pairs)]
        print(table(name, rows, "CaseRun"))
    print(table("kExtenders", [f"{{0x{a:X}, 0x{b:X}}}," for a, b in marks], "CharacterRange"))
    print("}  // namespace tidemill::sql::kernels")


if __name__ == "__main__":
    main()
