#!/usr/bin/env bash
# Runs the tests in C under a checker: sanitize.sh memcheck|helgrind|address|thread
#
# memcheck looks at the very library that is installed; for the others it is compiled anew, and linked by the same rule.
# Before, the checker must report defects that are planted into a host and show in the library (ctest/planted.c).
set -euo pipefail
cd "$(dirname "$0")/.."
checker=$1
root=${CARGO_TARGET_DIR:-$PWD/target}
work=$root/sanitize/$checker
triple=$(rustc -vV | sed -n 's/^host: //p')
# kept by tools/setup.sh: a Rust that comes with the sources of its standard library
rust=$root/tools/rust-web/usr

# What must not run: tests that search or measure memory, or put themselves between the library and libc, which is where
# the checkers are; such as do not run the library that is checked; and large, which is run with a smaller size.
exclude='secrets|omnis|out_of_memory_.*|syscalls|random|static|split_.*'
# what these do over a loop bulk and collect do as well
exclude="$exclude|(bulk_top_dele|collect_crashes|large|memory|options)_by_loop"
exclude="$exclude|symbols|abi|cargo_.*|clang_.*|cmake_routes|debian|documents|examples|install|manual|pictures|recipes"
exclude="$exclude|rust|tools|large"
cmake=(-DCMAKE_BUILD_TYPE=RelWithDebInfo -DPOP3_TEST_TIMEOUT=1200 -DPOP3_SANITIZE=OFF -DPOP3_KILLS=30
  "-DPOP3_TEST_SERVER=$root/release/pop3-test-server")
only='.*'
# where cargo has put the library
libraries=$root/release
environment=()
emulator=()

# what the library is linked with; a sanitizer's own functions come with the program
linking=()
build() { # RUSTFLAGS [CARGO ARGUMENT…]
  local flags=$1
  shift
  libraries=$work/$triple/release
  echo "== building the library for $checker"
  # unstable flags are taken by a stable compiler with the first
  RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags -Cdebuginfo=1" CARGO_PROFILE_RELEASE_LTO=off cargo build --locked --release --quiet \
    --lib --target "$triple" --target-dir "$work" "$@"
  make --no-print-directory --silent shared "RELEASE=$libraries" STRIP_FLAGS= "${linking[@]}" > /dev/null
}

# with a standard library that is built like the rest
build_with_std() { # RUSTFLAGS [CARGO ARGUMENT…]
  LD_LIBRARY_PATH=$(echo "$rust"/lib/*-linux-gnu) RUSTC=$rust/bin/rustc build "$1" -Zbuild-std=std,panic_unwind "${@:2}"
}

under_valgrind() { # ARGUMENT…
  emulator=(valgrind --error-exitcode=99 --quiet "$@")
  cmake+=("-DCMAKE_CROSSCOMPILING_EMULATOR=$(IFS=';' && echo "${emulator[*]}")")
  # everything takes some twenty times as long: sweeps, thousands of sessions, waits of milliseconds
  exclude="$exclude|faults|host|dlopen|timeouts|progress|samples|mailbox|tls|collect|collect_crashes|message|secure_folder|split|loop_crowd"
  # and what a forked process leaves of other threads is no loss of ours
  exclude="$exclude|fork"
}

instrumented() { # SANITIZER
  linking=(CC=clang-22 LDFLAGS=-Wl,-z,undefs)
  cmake+=(-DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 "-DCMAKE_C_FLAGS=-fsanitize=$1"
    "-DCMAKE_CXX_FLAGS=-fsanitize=$1")
}

case $checker in
  memcheck)
    under_valgrind --leak-check=full --errors-for-leak-kinds=definite,indirect
    planted=(leak freed)
    ;;
  helgrind)
    # helgrind knows the locks of pthreads, not those that Rust has of its own on Linux
    sources=$work/std
    rm -rf "$sources" && mkdir -p "$sources"
    cp -a "$rust/lib/rustlib/src/rust/library" "$sources"
    for file in sync/mutex/mod.rs sync/condvar/mod.rs pal/unix/sync/mod.rs; do
      sed -i '0,/target_os = "linux",/s///' "$sources/library/std/src/sys/$file"
    done
    __CARGO_TESTS_ONLY_SRC_ROOT=$sources/library build_with_std ''
    under_valgrind --tool=helgrind "--suppressions=$PWD/tools/helgrind.supp"
    only='threads|arguments|families' # where there is more than one thread
    planted=(race)
    ;;
  address)
    instrumented address
    build -Zsanitizer=address
    environment=(ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1)
    planted=(leak freed)
    ;;
  thread)
    instrumented thread
    build_with_std "-Zsanitizer=thread -Zexternal-clangrt -Clinker=clang-22 -Clink-arg=-fsanitize=thread"
    exclude="$exclude|dlopen" # of which address space is measured
    planted=(race)
    ;;
  *)
    echo "usage: sanitize.sh memcheck|helgrind|address|thread" >&2
    exit 2
    ;;
esac

tests=$work/ctest
mkdir -p "$work"
cmake -S ctest -B "$tests" "${cmake[@]}" "-DPOP3_LIBRARY_DIR=$libraries" "-DPOP3_SHARED_DIR=$libraries/versioned" \
  > "$work/configure.log" ||
  { cat "$work/configure.log" && exit 1; }
cmake --build "$tests" --parallel 2 > "$work/build.log" || { cat "$work/build.log" && exit 1; }

for defect in "${planted[@]}"; do
  if env "${environment[@]}" "${emulator[@]}" "$tests/planted" "$defect" > "$work/planted.log" 2>&1; then
    echo "sanitize: $checker does not report what was planted: $defect" >&2
    exit 1
  fi
  grep -q 'pop3_options' "$work/planted.log" || { cat "$work/planted.log" && exit 1; }
  echo "sanitize: $checker reports the planted defect: $defect"
done

cd "$tests"
env "${environment[@]}" ctest --output-on-failure --no-tests=error --parallel 2 \
  --tests-regex "^($only)$" --exclude-regex "^($exclude)(_by_loop)?$"
env "${environment[@]}" "${emulator[@]}" ./test_large 100
echo "sanitize: $checker found nothing"
