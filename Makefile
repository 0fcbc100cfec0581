# SPDX-License-Identifier: MIT
# The front door. `make help` lists what it does; the work is done by CMake and tools/.

MAKEFLAGS += --no-print-directory
PREFIX ?= /usr/local
BENCH ?=

.PHONY: all demo test check check-all bench bench-guard install format clean help ready

all: ready              # build the release
	tools/build release

demo: all               # run the examples; DEMO=FOLDER counts the words of another folder
	tools/demo $(DEMO)

test: ready             # build, check quickly, run the tests
	tools/build dev
	tools/check quick
	tools/test dev
	tools/seeds dev 200

check: ready            # format, layers, exported names, headers alone, both compilers
	tools/bootstrap --check
	tools/build dev
	tools/check all

check-all: ready        # the above and every build of the tests, stress, fuzzing, arm64
	tools/bootstrap --all
	tools/check-all

bench: ready            # compare with Erlang and Go; BENCH gives the options of bench/run
	tools/bootstrap --bench
	tools/build release benchmarks
	bench/run $(BENCH)

bench-guard: ready      # count the instructions of an operation, compare with bench/guard.txt
	tools/bootstrap --guard
	tools/bench-guard

install: all            # install into PREFIX (and under DESTDIR)
	cmake --install build/release --prefix $(PREFIX)

format:                 # format the C files in place
	tools/format

clean:                  # remove all builds
	rm -rf build

help:                   # show this list
	@sed -n 's/^\([a-z-]*\):[^#]*# /\1\t/p' Makefile | expand -t 12

ready:
	@sh tools/bootstrap
