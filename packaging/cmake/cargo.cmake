# How cargo is called: `cargo` is the command, `results` the folder where it puts the libraries, `cargo_environment`
# what it is told by variables, `compiler` the command of CMake's compiler, for a shell.
find_program(POP3CONNECT_CARGO cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin" DOC "cargo")
if(NOT POP3CONNECT_CARGO)
  message(FATAL_ERROR "pop3connect is written in Rust, and cargo is not here: https://rustup.rs, or set "
    "POP3CONNECT_CARGO")
endif()

set(cargo "${POP3CONNECT_CARGO}" build --locked --lib --manifest-path "${PROJECT_SOURCE_DIR}/Cargo.toml"
  --target-dir "${POP3CONNECT_CARGO_TARGET_DIR}")
set(results "${POP3CONNECT_CARGO_TARGET_DIR}")
set(strip_flags -Wl,--strip-debug)

# make's jobs are not cargo's: it is no part of that make
set(cargo_environment --unset=MAKEFLAGS --unset=MAKELEVEL --unset=CARGO_TARGET_DIR --unset=CARGO_BUILD_TARGET
  ${needed_environment})

set(compiler "'${CMAKE_C_COMPILER}'")
set(compiler_flags)
if(CMAKE_C_COMPILER_TARGET)
  list(APPEND compiler_flags "--target=${CMAKE_C_COMPILER_TARGET}")
endif()
if(CMAKE_SYSROOT)
  list(APPEND compiler_flags "--sysroot=${CMAKE_SYSROOT}")
endif()
foreach(flag ${compiler_flags})
  string(APPEND compiler " '${flag}'")
endforeach()

set(target "${POP3CONNECT_CARGO_TARGET}")
if(NOT target)
  include(packaging/cmake/target.cmake)
  pop3connect_target(target)
endif()
if(target)
  list(APPEND cargo --target ${target})
  string(APPEND results "/${target}")
  string(REPLACE - _ under "${target}")
  string(TOUPPER "${under}" upper)
  # what the environment says goes before, as everywhere with cargo
  foreach(setting "CC_${under}=${CMAKE_C_COMPILER}" "CARGO_TARGET_${upper}_LINKER=${CMAKE_C_COMPILER}")
    string(REGEX MATCH "^[^=]+" variable "${setting}")
    if(NOT DEFINED ENV{${variable}})
      list(APPEND cargo_environment "${setting}")
    endif()
  endforeach()
  if(compiler_flags)
    string(REPLACE ";" " " flags "${compiler_flags}")
    list(APPEND cargo_environment "CFLAGS_${under}=${flags}")
    list(TRANSFORM compiler_flags PREPEND "-Clink-arg=" OUTPUT_VARIABLE flags)
    string(REPLACE ";" " " flags "${flags}")
    string(STRIP "$ENV{CARGO_TARGET_${upper}_RUSTFLAGS} ${flags}" flags)
    list(APPEND cargo_environment "CARGO_TARGET_${upper}_RUSTFLAGS=${flags}")
  endif()
endif()

# a generator of many configurations has one library for all of them: its interface is C
if(CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT CMAKE_CONFIGURATION_TYPES)
  string(APPEND results /debug)
  set(strip_flags)
else()
  list(APPEND cargo --release)
  string(APPEND results /release)
endif()
list(APPEND cargo ${POP3CONNECT_CARGO_FLAGS})
set(cargo "${CMAKE_COMMAND}" -E env ${cargo_environment} ${cargo})
