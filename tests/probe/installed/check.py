#!/usr/bin/env python3
"""check.py BUILD CXX: what is installed is enough to build programs by CMake and by pkg-config, needs libc alone and
exports nothing but what the headers declare."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HOOKS = ("malloc", "free", "calloc", "realloc", "reallocarray", "memalign", "posix_memalign", "aligned_alloc", "valloc",
         "pvalloc", "cfree", "malloc_trim", "prctl", "pthread_create", "dlclose", "_Znw", "_Zna", "_Zdl", "_Zda")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_symbols(library):
    needed = [line.split("[")[1].split("]")[0] for line in run("readelf", "-dW", library).splitlines() if "(NEEDED)" in line]
    # The loader's own library counts as libc's.
    strange = [name for name in needed if not name.startswith(("libc.so", "ld-linux"))]
    if strange:
        sys.exit(f"{library} needs {strange}")
    for line in run("nm", "-D", "--defined-only", library).splitlines():
        name = line.split()[-1].split("@")[0]
        if not name.startswith(("heapfloor_",) + HOOKS):
            sys.exit(f"{library} exports {name}")


def main():
    build, compiler = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "prefix")
        run("cmake", "--install", build, "--component", "probe", "--prefix", prefix)
        library = next(os.path.join(root, "libheapfloor_probe.so") for root, _, files in os.walk(prefix)
                       if "libheapfloor_probe.so" in files)
        check_symbols(library)

        made = os.path.join(folder, "made")
        run("cmake", "-S", os.path.join(HERE), "-B", made, f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", made)
        run(os.path.join(made, "linked"))
        run(os.path.join(made, "linked_shared"))

        pkgconfig = {**os.environ, "PKG_CONFIG_PATH": os.path.join(os.path.dirname(library), "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "heapfloor_probe", env=pkgconfig).split()
        program = os.path.join(folder, "by_pkg_config")
        run(compiler, "-std=c++17", os.path.join(HERE, "../programs/user_program.cpp"), *flags, "-o", program)
        run(program)


if __name__ == "__main__":
    main()
