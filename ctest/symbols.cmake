# What the shared library exports is what symbols.txt lists, no more and no less; its name for the loader is fixed,
# it stays when unloaded, it needs only the libraries that NEEDED matches, and the reserve of memory takes no room in the
# file. With NODE, each symbol has that version.
execute_process(COMMAND "${NM}" -D --defined-only --format=posix "${LIBRARY}"
  OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${NM} cannot read ${LIBRARY}")
endif()
string(REGEX REPLACE " [^\n]*" "" symbols "${symbols}")
file(READ "${EXPECTED}" expected)
if(DEFINED NODE)
  # nm lists the node itself as well, which GNU's linker makes a symbol
  string(REPLACE "\n" "@@${NODE}\n" expected "${expected}")
  string(REGEX REPLACE "^${NODE}\n" "" symbols "${symbols}")
endif()
if(NOT symbols STREQUAL expected)
  message(FATAL_ERROR "exported symbols are\n${symbols}\nbut ${EXPECTED} lists\n${expected}")
endif()

execute_process(COMMAND "${READELF}" -d "${LIBRARY}" OUTPUT_VARIABLE dynamic RESULT_VARIABLE failed)
foreach(wanted "SONAME[^\n]*\\[libpop3connect\\.so\\.1\\]" "NODELETE")
  if(failed OR NOT dynamic MATCHES "${wanted}")
    message(FATAL_ERROR "${LIBRARY} has no ${wanted}:\n${dynamic}")
  endif()
endforeach()
string(REGEX MATCHALL "NEEDED[^\n]*\\[[^]]*\\]" needed "${dynamic}")
foreach(library ${needed})
  if(NOT library MATCHES "\\[(${NEEDED})\\.so")
    message(FATAL_ERROR "${LIBRARY} needs what it should not: ${library}")
  endif()
endforeach()

# .data: a few KiB of the library and its crates; the reserve, which is 2.6 MB, is all zeros and so in .bss
execute_process(COMMAND "${READELF}" -SW "${LIBRARY}" OUTPUT_VARIABLE sections RESULT_VARIABLE failed)
if(failed OR NOT sections MATCHES "] \\.data +PROGBITS +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) ")
  message(FATAL_ERROR "${LIBRARY} has no .data:\n${sections}")
endif()
math(EXPR data "0x${CMAKE_MATCH_1}")
if(data GREATER 100000)
  message(FATAL_ERROR "${LIBRARY} has ${data} bytes of .data")
endif()
message(STATUS "exported: as listed; SONAME and NODELETE set; needed: ${needed}; .data: ${data} bytes")
