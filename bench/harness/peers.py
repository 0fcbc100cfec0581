# SPDX-License-Identifier: MIT
"""How each language's programs are built and started.

A peer says what it lacks, names its version, builds a row's program into the build folder and gives
the command that runs it on a number of cores. To add a peer, add a class and name it in PEERS.
"""

import re
import shutil
import subprocess
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent


def output_of(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()


class Peer:
    name = title = suffix = ""
    tools = ()

    def __init__(self, build):
        self.build = build / "bench"
        self.out = self.build / self.name

    def folder(self, row):
        """Where the row's program is built: suites may use the same names."""
        return self.out / row.suite

    def missing(self):
        """The tools that are not installed."""
        return [tool for tool in self.tools if not shutil.which(tool)]

    def source(self, row):
        return BENCH / f"{row.path}.{self.suffix}"

    def takes_part(self, row):
        return self.source(row).exists() and (not row.peers or self.name in row.peers)


class Troupe(Peer):
    name, title, suffix = "troupe", "Troupe", "c"

    def takes_part(self, row):
        return True

    def version(self):
        cache = (self.build.parent / "CMakeCache.txt").read_text()
        settings = dict(re.findall(r"^(\w+):\w+=(.*)$", cache, re.M))
        kind = settings.get("CMAKE_BUILD_TYPE", "")
        flags = settings.get(f"CMAKE_C_FLAGS_{kind.upper()}", "")
        if settings.get("TR_LTO") == "ON":
            flags += " -flto"
        if settings.get("TR_PGO") == "use" and next(self.build.parent.rglob("*.gcda"), None):
            flags += ", the library by a profile"
        compiler = output_of(settings["CMAKE_C_COMPILER"], "--version").splitlines()[0]
        return " ".join(f"{self.commit()}, {compiler}, {kind} {flags}".split())

    def commit(self):
        try:
            return output_of("git", "-C", str(BENCH), "describe", "--always", "--dirty")
        except (OSError, subprocess.CalledProcessError):
            return "no git"

    def prepare(self, row):
        """The programs are built with the library."""
        program = self.program(row)
        if not program.exists():
            raise FileNotFoundError(f"{program} is not built: make builds it")

    def program(self, row):
        return self.build / f"bench_{row.suite and row.suite + '_'}{row.folder}"

    def command(self, row, cores, size):
        return [str(self.program(row)), str(size), *row.arguments]


class OtherBuild(Troupe):
    """The same programs, built otherwise: a folder of build/."""

    def __init__(self, build):
        super().__init__(build)
        self.name = self.title = build.name


class Erlang(Peer):
    name, title, suffix = "erlang", "Erlang", "erl"
    tools = ("erl", "erlc")

    def version(self):
        ask = ('io:format("OTP ~s, erts ~s, ~s", [erlang:system_info(otp_release), '
               'erlang:system_info(version), erlang:system_info(emu_flavor)]), halt().')
        return output_of("erl", "-noshell", "-eval", ask)

    def prepare(self, row):
        self.folder(row).mkdir(parents=True, exist_ok=True)
        shared = BENCH / row.suite / f"{row.suite}.erl"
        sources = [str(self.source(row)), *([str(shared)] if row.suite else [])]
        output_of("erlc", "-o", str(self.folder(row)), *sources)

    def command(self, row, cores, size):
        return ["erl", "+S", f"{cores}:{cores}", "+P", "2000000", "-noshell", "-noinput",
                "-pa", str(self.folder(row)), "-run", row.folder, "main", str(size), *row.arguments]


class Elixir(Erlang):
    """Programs are modules Bench.NAME with a function main that takes the arguments."""
    name, title, suffix = "elixir", "Elixir", "ex"
    tools = ("elixir", "elixirc")

    def version(self):
        return output_of("elixir", "--short-version")

    def prepare(self, row):
        self.out.mkdir(parents=True, exist_ok=True)
        output_of("elixirc", "-o", str(self.out), str(self.source(row)))

    def command(self, row, cores, size):
        module = "Bench." + row.folder.title().replace("_", "")
        arguments = ", ".join(f'"{word}"' for word in (size, *row.arguments))
        return ["elixir", "--erl", f"+S {cores}:{cores} +P 2000000", "-pa", str(self.out),
                "-e", f"{module}.main([{arguments}])"]


class Go(Peer):
    name, title, suffix = "go", "Go", "go"
    tools = ("go",)

    def version(self):
        return output_of("go", "version").removeprefix("go version ")

    def prepare(self, row):
        self.out.mkdir(parents=True, exist_ok=True)
        output_of("go", "build", "-o", str(self.out / row.folder), str(self.source(row)))

    def command(self, row, cores, size):
        return ["env", f"GOMAXPROCS={cores}", str(self.out / row.folder), str(size), *row.arguments]


PEERS = (Erlang, Elixir, Go)
