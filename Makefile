# What there is to do here; `make help` lists it. Every target installs what it lacks, by way of setup.

# Paths may have spaces in them, so make's functions for lists must not see them, and recipes quote them.
TARGET := target
override TARGET := $(if $(filter /%,$(firstword $(TARGET))),,$(CURDIR)/)$(TARGET)
RELEASE := $(TARGET)/release
LIBRARY := $(RELEASE)/libpop3connect.so
# the libraries that are installed: cargo's, linked once more, so that symbols of the one have versions, and those of the
# other that are not for hosts are its own
VERSIONED_DIR := $(RELEASE)/versioned
VERSIONED := $(VERSIONED_DIR)/libpop3connect.so.1
STATIC := $(VERSIONED_DIR)/libpop3connect.a
MAN := $(TARGET)/man
TEST_SERVER := $(RELEASE)/pop3-test-server
CARGO := cargo
# what follows looks for the results there
export CARGO_TARGET_DIR := $(TARGET)
CARGO_FLAGS := --locked
CTEST_FLAGS := --output-on-failure --parallel 2
# all tests and measurements are of the library that is installed
CMAKE_FLAGS := '-DPOP3_LIBRARY_DIR=$(RELEASE)' '-DPOP3_SHARED_DIR=$(RELEASE)/versioned' -DCMAKE_BUILD_TYPE=RelWithDebInfo

# where `install` puts it; DESTDIR goes before all of them
PREFIX := /usr/local
LIBDIR := $(PREFIX)/lib
INCLUDEDIR := $(PREFIX)/include
MANDIR := $(PREFIX)/share/man
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)

.DEFAULT_GOAL := build
.PHONY: help build demo test check lint header man site site-check bench fuzz mutants sanitize soak abi deb install uninstall setup clean

help:
	@echo 'make            builds the library, target/release/libpop3connect.so and .a, and its manual pages'
	@echo 'make install    installs what make has built; PREFIX, LIBDIR, INCLUDEDIR, MANDIR, DESTDIR say where'
	@echo 'make uninstall  removes it'
	@echo 'make deb        builds the Debian packages: target/deb'
	@echo 'make sources    the sources with all crates, the same bytes wherever it is made, and an SBOM: target/sources'
	@echo 'make dist       these, archives for Windows, macOS and Linux with musl, and their SHA-256: target/dist; builds what'
	@echo '                is not built (PLATFORMS="…" for some of windows, macos, musl)'
	@echo 'make routes     each way to take the library, used: CMake, crate, Conan, vcpkg, RPM, Alpine (10 minutes at'
	@echo '                first; ROUTES="…" for some of crate, conan, vcpkg, rpm, alpine)'
	@echo 'make abi        records the ABI as the one that later versions must keep'
	@echo 'make demo       sessions with the test server: in the clear, TLS, STARTTLS, an impostor, a mailbox'
	@echo 'POP3_PASS=… make demo SERVER=host[:port] POP3_USER=… SECURE=0|1|2 VERIFY=0|1 [FOLDER=…]'
	@echo '                a session with a server of yours, and if FOLDER is given what is new in a Maildir there'
	@echo 'make test       all tests but that of the Debian packages, which make debian-check runs'
	@echo 'make check      formatting, lints, all tests, the Debian packages, the tests for Windows, defects planted into what'
	@echo '                has changed, each fuzz target for a moment, AddressSanitizer, memcheck'
	@echo 'make mutants    plants defects into the sources one by one: the unit tests must find each of them'
	@echo 'make minimum-rust  compiles by the oldest Rust that will do, fetched from static.rust-lang.org where it is not here'
	@echo 'make cross      the library for 32 bits (i386) and for ARM (arm64), tested under qemu; 8 minutes'
	@echo 'make musl       the library for Linux with musl, with OpenSSL in it, tested; 8 minutes'
	@echo 'make freebsd    whether the library compiles for FreeBSD, which nothing here runs; 2 minutes'
	@echo 'make windows    the DLL for Windows on x86-64, import libraries, headers, examples: target/windows/dist'
	@echo 'make test-windows  the unit tests and the tests in C and C++ for Windows, under Wine; ONLY=regex for some in C'
	@echo 'make macos      the library for macOS, arm64 and x86-64: target/macos/dist; linted, not run (10 minutes, 260 MB)'
	@echo 'make wheel      the package for Python, with the library, OpenSSL and SQLite in it: target/wheel/dist (5 minutes at first)'
	@echo 'make test-python  its tests, in a virtual environment that has the wheel alone'
	@echo 'make python-check the same of its sources, over the library that was built'
	@echo 'make harvest-demo 2000 mailboxes polled by two workers, one of which is killed; HARVEST="--mailboxes 100 …"'
	@echo 'make header     writes include/pop3connect.h anew from the sources'
	@echo 'make man        writes the manual pages, target/man/man3, and docs/errors.md from the header'
	@echo 'make site       the documents and manual pages as a site, target/site/index.html; builds mdBook once (a minute)'
	@echo 'make site-check its links and titles, and in Chromium that no page is wider than the screen (2 minutes)'
	@echo 'make bench      client CPU and round trips beside bare socket/OpenSSL loops, libcurl and libEtPan; messages taken'
	@echo '                apart beside libEtPan and Python; and draws it: target/bench/pictures'
	@echo 'make pictures   draws the pictures in docs/pictures anew, of bench/results'
	@echo 'make fuzz       every fuzz target for a minute (SECONDS=n for longer)'
	@echo 'make sanitize   the tests in C under memcheck, helgrind, AddressSanitizer and ThreadSanitizer (CHECKERS="…")'
	@echo 'make soak       100000 sessions in a loop (SESSIONS=n for another number): memory and descriptors must stay;'
	@echo '                and a minute of 64 threads that connect, read and cancel at random'
	@echo 'make setup      installs what building and testing need (each target does it for itself)'
	@echo 'make clean      removes what was built'

setup:
	@tools/setup.sh test

build:
	@tools/setup.sh build
	@echo '== building the library'
	$(CARGO) build $(CARGO_FLAGS) --release
	@$(MAKE) --no-print-directory versioned pages
	@echo 'build: $(LIBRARY)'

.PHONY: workspace
workspace:
	@echo '== building the library and the test server'
	$(CARGO) build $(CARGO_FLAGS) --release --workspace
	@$(MAKE) --no-print-directory versioned pages

# rustc hands the linker a version script whose node has no name, beside which there may be no other: so the library with
# versions is linked here, by the flags that cargo's is linked by (see build.rs), and by LDFLAGS.
VERSION_SCRIPT := $(VERSIONED_DIR)/symbols.map
SYSTEM_LIBS = $$(pkg-config --libs openssl sqlite3)
STRIP_FLAGS := -Wl,--strip-debug
OBJCOPY := objcopy
.PHONY: versioned shared static
versioned: shared static
shared:
	@mkdir -p '$(VERSIONED_DIR)'
	@abi/version_script.sh ctest/symbols.txt > '$(VERSION_SCRIPT)'
	@tools/if_changed.sh '$(VERSIONED)' '$(RELEASE)/libpop3connect.a' ctest/symbols.txt abi/version_script.sh -- \
	  $(CC) -shared -o '$(VERSIONED)' -Wl,-soname,libpop3connect.so.1 -Wl,--version-script='$(VERSION_SCRIPT)' \
	  -Wl,--whole-archive '$(RELEASE)/libpop3connect.a' -Wl,--no-whole-archive -Wl,--gc-sections -Wl,--no-undefined \
	  -Wl,-z,nodelete -Wl,-z,now -Wl,-z,relro $(STRIP_FLAGS) $(LDFLAGS) \
	  -Wl,--as-needed $(SYSTEM_LIBS) -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
static:
	@mkdir -p '$(VERSIONED_DIR)'
	@tools/if_changed.sh '$(STATIC)' '$(RELEASE)/libpop3connect.a' ctest/symbols.txt packaging/static.sh -- \
	  env LD='$(LD)' AR='$(AR)' OBJCOPY='$(OBJCOPY)' packaging/static.sh ctest/symbols.txt \
	  '$(RELEASE)/libpop3connect.a' '$(STATIC)'

# what is set as an argument of make may have a $ in it, as the environment may
$(foreach variable,SERVER POP3_USER POP3_PASS FOLDER,$(if $(filter command,$(firstword $(origin $(variable)))),\
  $(eval override export $(variable) := $$(value $(variable)))))
# $(call build_example,NAME)
build_example = cc -Wall -Wextra -Iinclude examples/$(1).c -o '$(RELEASE)/$(1)' '$(VERSIONED)' \
	  -Wl,-rpath,'$(RELEASE)/versioned'
demo:
	@tools/setup.sh build
	@$(MAKE) --no-print-directory workspace
	@echo '== building the examples'
	$(call build_example,connect)
	$(call build_example,collect)
	@examples/demo.sh '$(RELEASE)/connect' '$(RELEASE)/collect' '$(TEST_SERVER)'

# $(call configure,FOLDER) for CMake
configure = cmake -S $(1) -B '$(TARGET)/$(1)' $(CMAKE_FLAGS) > '$(TARGET)/$(1)-configure.log' || \
	  { cat '$(TARGET)/$(1)-configure.log'; exit 1; }
.PHONY: ctests
ctests:
	@echo '== building the tests in C'
	$(call configure,ctest)
	cmake --build '$(TARGET)/ctest' --parallel 2 -- --quiet

# The Debian packages are built without a network. The crates that ours are built from name others for other systems, which
# cargo wants to know before packaging/debian.sh leaves them out.
define fetch_trimmed
@packaging/trim.sh '$(TARGET)/trimmed'
$(CARGO) fetch --quiet --manifest-path '$(TARGET)/trimmed/Cargo.toml'
endef

test:
	@tools/setup.sh test
	@$(MAKE) --no-print-directory workspace
	@echo '== tests in Rust'
	$(CARGO) test $(CARGO_FLAGS) --workspace --quiet
	@$(MAKE) --no-print-directory ctests
	@echo '== tests in C'
	cd '$(TARGET)/ctest' && ctest $(CTEST_FLAGS) --exclude-regex '^debian$$'
	@echo 'test: all passed'

# takes minutes, so it is not among what make test runs
.PHONY: debian-check
debian-check:
	@tools/setup.sh test
	@$(MAKE) --no-print-directory workspace
	$(fetch_trimmed)
	$(call configure,ctest)
	@echo '== the Debian packages'
	cd '$(TARGET)/ctest' && ctest --output-on-failure --tests-regex '^debian$$'

# for Windows on x86-64: the DLL, import libraries, headers and examples
WINDOWS := $(TARGET)/windows/dist
.PHONY: windows test-windows
windows:
	@tools/setup.sh windows
	@echo '== building for Windows'
	@packaging/windows.sh '$(WINDOWS)'

test-windows:
	@tools/setup.sh wine
	@$(MAKE) --no-print-directory windows
	$(CARGO) build $(CARGO_FLAGS) --release --quiet --package pop3-test-server
	@ctest/windows/test.sh '$(WINDOWS)' '$(TEST_SERVER)' '$(TARGET)/windows/test' '$(ONLY)'
	@echo 'test-windows: all passed'

# for macOS on both of its processors: built, linked and linted here, where nothing can run it. Its clippy is of the same
# version as its compiler, and takes it that pointers have a default, as they do since Rust 1.88.
MACOS := $(TARGET)/macos/dist
POINTERS_DEFAULT := derivable_impls mem_replace_with_default unwrap_or_default
.PHONY: macos
macos:
	@tools/setup.sh macos
	@echo '== building for macOS'
	@packaging/macos.sh '$(MACOS)'
	tools/macos.sh arm64 clippy --lib -- -D warnings $(POINTERS_DEFAULT:%=-A clippy::%)

lint:
	@tools/setup.sh lint
	@echo '== formatting and lints'
	tools/arrows.py
	tools/versions.py
	$(CARGO) metadata $(CARGO_FLAGS) --all-features --format-version 1 | tools/crates.py deny.toml
	$(CARGO) fmt --all -- --check
	rustfmt --edition 2024 --check ctest/rust/src/main.rs
	$(CARGO) clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings
	$(CARGO) clippy $(CARGO_FLAGS) --lib --no-default-features -- -D warnings
	$(CARGO) clippy $(CARGO_FLAGS) --lib --no-default-features --features capi -- -D warnings
	$(CARGO) clippy $(CARGO_FLAGS) --lib --no-default-features --features mime -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc $(CARGO_FLAGS) --quiet --no-deps --workspace
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc $(CARGO_FLAGS) --quiet --no-deps --lib --no-default-features

check: lint test python-check debian-check bench-programs test-windows mutants-check fuzz-check sanitize-check
	@echo 'check: all passed'

# the oldest Rust that will do, and so no newer one's words in the sources
.PHONY: minimum-rust
minimum-rust:
	@tools/setup.sh check
	@echo '== the oldest Rust that is promised'
	@tools/minimum_rust.sh

# a processor of 32 bits, and one that is not Intel's
ARCHITECTURES := i386 arm64
.PHONY: cross musl
cross:
	@$(call run_cross,$(ARCHITECTURES))

# another C library than GNU's, with OpenSSL in the library
musl:
	@$(call run_cross,musl)
	@echo 'musl: $(TARGET)/cross/build/x86_64-unknown-linux-musl/release/versioned/libpop3connect.so.1'

# $(call run_cross,ARCHITECTURES)
run_cross = tools/setup.sh cross && echo '== the test server' && \
	  $(CARGO) build $(CARGO_FLAGS) --quiet --release --package pop3-test-server && tools/cross.sh $(1)

# the package for Python, with the library in it
WHEELS := $(TARGET)/wheel/dist
.PHONY: wheel test-python
wheel:
	@tools/setup.sh python
	@packaging/wheel.sh '$(WHEELS)'

# its sources over the library that was built, which takes seconds: each check does it
.PHONY: python-check
python-check:
	@tools/setup.sh python-check
	@$(MAKE) --no-print-directory workspace
	@echo '== the package for Python'
	@python=$$(tools/python.sh) && \
	  PYTHONPATH='$(CURDIR)/python' PYTHONDONTWRITEBYTECODE=1 POP3CONNECT_LIBRARY='$(VERSIONED)' \
	  POP3_TEST_SERVER='$(TEST_SERVER)' \
	  "$$python/bin/python" -W error -X faulthandler python/tests/main.py

# many mailboxes and two workers, of which one is killed; HARVEST='--mailboxes 100 --workers 3' and the like
.PHONY: harvest-demo
harvest-demo:
	@tools/setup.sh python-check
	@$(MAKE) --no-print-directory workspace
	@python=$$(tools/python.sh) && PYTHONDONTWRITEBYTECODE=1 \
	  POP3CONNECT_LIBRARY='$(VERSIONED)' POP3_TEST_SERVER='$(TEST_SERVER)' \
	  "$$python/bin/python" python/tests/demo.py $(HARVEST)

test-python:
	@tools/setup.sh python-check
	@$(MAKE) --no-print-directory wheel
	$(CARGO) build $(CARGO_FLAGS) --release --quiet --package pop3-test-server
	@python/tests/test.sh '$(WHEELS)' '$(TEST_SERVER)' '$(TARGET)/wheel/test'
	@echo 'test-python: all passed'

# compiled only: nothing here runs it
.PHONY: freebsd
freebsd:
	@tools/setup.sh cross
	@echo '== compiling for FreeBSD'
	@tools/freebsd.sh

header:
	@tools/setup.sh build
	UPDATE_HEADER=1 $(CARGO) test $(CARGO_FLAGS) --quiet --test header
	@echo 'header: include/pop3connect.h is what the sources say'

man:
	@tools/setup.sh build
	@$(MAKE) --no-print-directory pages
	cp '$(MAN)/errors.md' docs/errors.md
	@echo 'man: $(TARGET)/man/man3, docs/errors.md'

# the date is today's, or that of the sources where whoever packages them says so
.PHONY: pages
pages:
	$(CARGO) build $(CARGO_FLAGS) --release --quiet --package pop3-manual
	'$(RELEASE)/pop3-manual' include/pop3connect.h README.md $(VERSION) \
	  "$$(date -u -d "@$${SOURCE_DATE_EPOCH:-$$(date +%s)}" +%F)" '$(MAN)/man3' '$(MAN)/errors.md'

# mdBook 0.4 is the newest that is built by the oldest Rust that builds the library
SITE := $(TARGET)/site
site:
	@tools/setup.sh site
	@$(MAKE) --no-print-directory pages
	@echo '== the site'
	@tools/site/book.py '$(TARGET)/book' '$(TARGET)/man/man3'
	@mdbook=$$(tools/cargo_tool.sh mdbook 0.4.52 --no-default-features --features search) && \
	  RUST_LOG=warn "$$mdbook" build '$(TARGET)/book' --dest-dir '$(SITE)'
	@echo 'site: $(SITE)/index.html'

site-check:
	@tools/setup.sh site-check
	@$(MAKE) --no-print-directory site
	@tools=$$(tools/python.sh tools/site)/bin && export PYTHONDONTWRITEBYTECODE=1 && \
	  "$$tools/mypy" --strict --no-error-summary --cache-dir /dev/null tools/versions.py tools/site/*.py \
	    bench/draw.py bench/record.py bench/test_pictures.py && \
	  LYCHEE="$$tools/lychee" python3 -W error tools/site/test_site.py && tools/site/check.py '$(SITE)' "$$tools/lychee"

# each table is recorded, and drawn at the end
BENCH_RESULTS := $(TARGET)/bench/results
record = bench/record.py '$(BENCH_RESULTS)/recorded.json'
bench: bench-programs
	@rm -rf '$(BENCH_RESULTS)'
	$(record) connect '$(TARGET)/bench/bench_connect'
	$(record) fetch '$(TARGET)/bench/bench_fetch'
	$(record) again '$(TARGET)/bench/bench_again'
	$(record) collect '$(TARGET)/bench/bench_collect'
	$(record) loop '$(TARGET)/bench/bench_loop'
	$(record) collectors bench/bench_collectors.py '$(TEST_SERVER)' '$(TARGET)/bench/collect'
	$(record) split bench/bench_split.py '$(TARGET)/bench/bench_split'
	@bench/draw.py '$(BENCH_RESULTS)' '$(TARGET)/bench/pictures'

# of the figures that docs/benchmarks.md has, and of the guide's round trips
.PHONY: pictures
pictures:
	@bench/draw.py bench/results docs/pictures

# built with each check, lest they are found broken when somebody measures
.PHONY: bench-programs
bench-programs:
	@tools/setup.sh bench
	@$(MAKE) --no-print-directory workspace
	@echo '== building the benchmark'
	$(call configure,bench)
	cmake --build '$(TARGET)/bench' --parallel 2 -- --quiet

SECONDS := 60
fuzz:
	@tools/setup.sh test
	tools/fuzz.sh $(SECONDS)

# each target for a moment, so that none of them rots
.PHONY: fuzz-check
fuzz-check:
	@echo '== fuzzing, for a moment'
	@tools/fuzz.sh 5

# those that need no standard library of Rust's that is built for them
.PHONY: sanitize-check
sanitize-check:
	@tools/setup.sh check
	@$(MAKE) --no-print-directory workspace
	@for checker in address memcheck; do tools/sanitize.sh $$checker || exit 1; done

CHECKERS := address memcheck thread helgrind
sanitize:
	@tools/setup.sh sanitize
	@$(MAKE) --no-print-directory workspace
	@for checker in $(CHECKERS); do tools/sanitize.sh $$checker || exit 1; done

mutants:
	@tools/setup.sh build
	tools/mutants.sh all

# in what has changed, for three minutes at the most
.PHONY: mutants-check
mutants-check:
	@tools/setup.sh build
	@echo '== defects planted into what has changed'
	@tools/mutants.sh changed

# sessions in a loop, and for a minute many threads at random
soak:
	@tools/setup.sh test
	@$(MAKE) --no-print-directory workspace ctests
	'$(TARGET)/ctest/soak' $(SESSIONS)
	POP3_TEST_SECONDS=60 '$(TARGET)/ctest/test_host'

# the ABI is recorded when a version with additions is released; see docs/abi.md
abi:
	@tools/setup.sh test
	abi/abi.sh record abi

# cargo fetches the crates, which are packed with the source: a Debian package is built without a network
deb:
	@tools/setup.sh test
	$(fetch_trimmed)
	@$(MAKE) --no-print-directory pages
	packaging/debian.sh '$(TARGET)/deb'
	@echo 'deb: the packages are in $(TARGET)/deb'

# each way to take the library: built, and used by programs. What cmake_routes and recipes tell is in make test as well.
ROUTES := crate conan vcpkg rpm alpine
.PHONY: routes
routes:
	@tools/setup.sh routes
	@$(MAKE) --no-print-directory workspace
	$(fetch_trimmed)
	$(call configure,ctest)
	cd '$(TARGET)/ctest' && ctest $(CTEST_FLAGS) --tests-regex '^(cmake_routes|install|recipes)$$'
	@for route in $(ROUTES); do \
	  echo "== $$route" && ctest/routes/$$route.sh . '$(TEST_SERVER)' '$(TARGET)/routes' || exit 1; done
	@echo 'routes: all passed'

# with all crates, and a list of them; what is made of it again must be the same
.PHONY: sources
sources:
	@tools/setup.sh test
	@echo '== the sources with their crates'
	@packaging/source.sh '$(TARGET)/sources'
	@ctest/source.sh . '$(TARGET)/sources'

# for those who only use it: what these targets make, packed. Linkers write the time into what they make as well.
PLATFORMS := windows macos musl
PACKED = sources $(PLATFORMS)
.PHONY: dist
dist:
	@tools/setup.sh test
	@export SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH:-$$(dpkg-parsechangelog --show-field Timestamp)}" && \
	  $(MAKE) --no-print-directory $(PACKED) && packaging/dist.sh '$(TARGET)/dist' $(PACKED)
	@ctest/dist.sh . '$(TARGET)/dist'
	@echo 'dist: $(TARGET)/dist'

# builds nothing: whoever may write there need not have Rust
HEADERS = $(wildcard include/pop3connect.h include/pop3connect.hpp)
install:
	$(check_places)
	@for library in '$(VERSIONED)' '$(STATIC)'; do \
	  test -e "$$library" || { echo "install: $$library is not there: run make first" >&2; exit 1; }; done
	$(call make_folder,$(INCLUDEDIR))
	$(call make_folder,$(LIBDIR)/pkgconfig)
	$(call make_folder,$(LIBDIR)/cmake/pop3connect)
	$(call make_folder,$(MANDIR)/man3)
	install -m 644 $(HEADERS) '$(DESTDIR)$(INCLUDEDIR)'
	install -m 755 '$(VERSIONED)' '$(DESTDIR)$(LIBDIR)/libpop3connect.so.$(VERSION)'
	ln -sf libpop3connect.so.$(VERSION) '$(DESTDIR)$(LIBDIR)/libpop3connect.so.1'
	ln -sf libpop3connect.so.1 '$(DESTDIR)$(LIBDIR)/libpop3connect.so'
	install -m 644 '$(STATIC)' '$(DESTDIR)$(LIBDIR)'
	$(call fill_in,pop3connect.pc,$(LIBDIR)/pkgconfig)
	$(call fill_in,pop3connectConfig.cmake,$(LIBDIR)/cmake/pop3connect)
	$(call fill_in,pop3connectConfigVersion.cmake,$(LIBDIR)/cmake/pop3connect)
	@echo 'manual pages into $(DESTDIR)$(MANDIR)/man3'
	@[ ! -d '$(MAN)/man3' ] || install -m 644 '$(MAN)'/man3/*.3 '$(DESTDIR)$(MANDIR)/man3'
	$(tell_loader)

# what would need to be quoted in pop3connect.pc, for CMake, or here
PLACES = $(DESTDIR)$(PREFIX)$(LIBDIR)$(INCLUDEDIR)$(MANDIR)
HASH := \#
check_places = $(foreach character,' " \ $$ ` ; $(HASH),$(if $(findstring $(character),$(PLACES)),\
  $(error install: the name of a folder must not have $(character) in it)))

# $(call make_folder,FOLDER)
define make_folder
@mkdir -p '$(DESTDIR)$(1)' && [ -w '$(DESTDIR)$(1)' ] || { \
	  echo 'install: $(DESTDIR)$(1) may not be written: run make install as root, or say where else: make install PREFIX=…' >&2; \
	  exit 1; }
endef

# the loader finds libraries by its cache: for who installs into the running system
define tell_loader
@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ]; then PATH="$$PATH:/usr/sbin:/sbin" ldconfig; fi
endef

# $(call fill_in,FILE,FOLDER): packaging/FILE.in with the places and the version
in_sed = $(subst &,\&,$(subst |,\|,$(1)))
define fill_in
@echo '$(1) into $(DESTDIR)$(2)'
@from_config=$$(realpath -m --relative-to='$(LIBDIR)/cmake/pop3connect' '$(INCLUDEDIR)' | sed 's/[&|]/\\&/g') && \
	  sed -e 's|@VERSION@|$(VERSION)|' -e 's|@PREFIX@|$(call in_sed,$(PREFIX))|' -e 's|@LIBDIR@|$(call in_sed,$(LIBDIR))|' \
	  -e 's|@INCLUDEDIR@|$(call in_sed,$(INCLUDEDIR))|' -e "s|@INCLUDEDIR_FROM_CONFIG@|$$from_config|" \
	  -e 's|@LIBDIR_FROM_CONFIG@|../..|' \
	  packaging/$(1).in > '$(DESTDIR)$(2)/$(1)' && chmod 644 '$(DESTDIR)$(2)/$(1)'
endef

# the names alone say what is ours: neither what was built nor this version's list need be there
uninstall:
	rm -f '$(DESTDIR)$(INCLUDEDIR)/pop3connect.h' '$(DESTDIR)$(INCLUDEDIR)/pop3connect.hpp'
	rm -f '$(DESTDIR)$(LIBDIR)/libpop3connect.so' '$(DESTDIR)$(LIBDIR)/libpop3connect.so.1' '$(DESTDIR)$(LIBDIR)'/libpop3connect.so.1.*
	rm -f '$(DESTDIR)$(LIBDIR)/libpop3connect.a' '$(DESTDIR)$(LIBDIR)/pkgconfig/pop3connect.pc'
	rm -rf '$(DESTDIR)$(LIBDIR)/cmake/pop3connect'
	rm -f '$(DESTDIR)$(MANDIR)/man3/pop3connect.3' '$(DESTDIR)$(MANDIR)/man3'/pop3_*.3
	$(tell_loader)

clean:
	$(CARGO) clean
