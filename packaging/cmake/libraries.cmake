# The libraries, and the targets that stand for them: of `kinds`, each `file_<kind>`.
set(made "${CMAKE_CURRENT_BINARY_DIR}/libraries")
set(commands COMMAND ${cargo})

if(WIN32)
  set(file_shared "${results}/pop3connect.dll")
  set(import_library "${results}/libpop3connect.dll.a")
  if(MSVC)
    set(import_library "${results}/pop3connect.dll.lib")
  endif()
  set(byproducts "${file_shared}" "${import_library}")
elseif(APPLE)
  set(soname "@rpath/libpop3connect.${PROJECT_VERSION_MAJOR}.dylib")
  set(file_shared "${results}/libpop3connect.dylib")
  set(file_static "${results}/libpop3connect.a")
  set(byproducts "${file_shared}" "${file_static}")
else()
  find_program(POP3CONNECT_MAKE NAMES gmake make DOC "GNU make")
  if(NOT POP3CONNECT_MAKE)
    message(FATAL_ERROR "pop3connect is linked by GNU make, which is not here: set POP3CONNECT_MAKE")
  endif()
  set(soname libpop3connect.so.${PROJECT_VERSION_MAJOR})
  set(file_shared "${made}/${soname}")
  set(file_static "${made}/libpop3connect.a")
  set(byproducts)
  foreach(kind ${kinds})
    list(APPEND byproducts "${file_${kind}}")
  endforeach()
  set(make "${CMAKE_COMMAND}" -E env ${cargo_environment} "${POP3CONNECT_MAKE}" --no-print-directory --silent
    -C "${PROJECT_SOURCE_DIR}" "TARGET=${POP3CONNECT_CARGO_TARGET_DIR}" "RELEASE=${results}"
    "CARGO='${POP3CONNECT_CARGO}'")
  list(APPEND commands COMMAND ${make} ${kinds} "VERSIONED_DIR=${made}" "CC=${compiler}" "AR=${CMAKE_AR}"
    "LD=${CMAKE_LINKER}" "OBJCOPY=${CMAKE_OBJCOPY}" "LDFLAGS=${CMAKE_SHARED_LINKER_FLAGS}" "SYSTEM_LIBS=${system_libs}"
    "STRIP_FLAGS=${strip_flags}")
  # by a program of this machine
  if(POP3CONNECT_MANUAL AND NOT target)
    list(APPEND commands COMMAND ${make} pages "RELEASE=${POP3CONNECT_CARGO_TARGET_DIR}/release"
      "MAN=${CMAKE_CURRENT_BINARY_DIR}/man")
  endif()
endif()

# cargo is always asked: it alone knows what the library is built from
set(all)
if(POP3CONNECT_INSTALL)
  set(all ALL)
endif()
add_custom_target(pop3connect_libraries ${all} ${commands} BYPRODUCTS ${byproducts}
  COMMENT "Building libpop3connect by cargo" USES_TERMINAL VERBATIM)

# pop3connect_add(TARGET KIND)
function(pop3connect_add name kind)
  string(TOUPPER "${kind}" type)
  add_library(${name} ${type} IMPORTED GLOBAL)
  add_dependencies(${name} pop3connect_libraries)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION "${file_${kind}}"
    INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include")
  if(kind STREQUAL "static")
    set_target_properties(${name} PROPERTIES INTERFACE_LINK_LIBRARIES "${needed}")
  elseif(WIN32)
    set_target_properties(${name} PROPERTIES IMPORTED_IMPLIB "${import_library}")
  else()
    set_target_properties(${name} PROPERTIES IMPORTED_SONAME "${soname}")
  endif()
endfunction()

list(GET kinds 0 kind)
pop3connect_add(pop3connect::pop3connect ${kind})
if(static IN_LIST kinds)
  pop3connect_add(pop3connect::static static)
endif()
