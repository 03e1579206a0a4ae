"""The files of the repository that lint looks at, and C++ text without its comments."""

import os
import re

TOP = ("agent", "collectors", "dashboards", "packaging", "tests", ".ci")
NOT_OURS_TO_STYLE = ("tests/fixtures/", "tests/golden/", "tests/fuzz/corpus/", "tests/corpus/data/", "tests/bench/out/")
CPP = (".cpp", ".h", ".def", ".bpf.c")


def files(root):
    """Paths relative to `root` of every text file that is written by hand, sorted."""
    found = [name for name in os.listdir(root) if os.path.isfile(os.path.join(root, name))]
    for top in TOP:
        for folder, subfolders, names in os.walk(os.path.join(root, top)):
            subfolders[:] = sorted(s for s in subfolders if s not in ("__pycache__", "node_modules", "build"))
            relative = os.path.relpath(folder, root)
            found += [os.path.join(relative, name) for name in names if not name.endswith(".pyc")]
    return sorted(p for p in found if not p.startswith(NOT_OURS_TO_STYLE) and not os.path.islink(os.path.join(root, p)))


def cpp_files(root):
    return [p for p in files(root) if p.endswith(CPP)]


def read(root, path):
    with open(os.path.join(root, path), "rb") as file:
        return file.read().decode("utf-8", "surrogateescape")


TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/"""
    r"""|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)\""""
    r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""",
    re.S,
)


def without_comments(text):
    """The same text, lines kept, with every comment blanked; string literals stay."""

    def blank(match):
        token = match.group(0)
        return re.sub(r"[^\n]", " ", token) if token.startswith(("//", "/*")) else token

    return TOKEN.sub(blank, text)
