# What vcpkg gives a portfile, as far as packaging/vcpkg/portfile.cmake uses it, so that CMake alone runs that:
#
#   cmake -DPORTFILE=… -DVCPKG_LIBRARY_LINKAGE=dynamic|static -DWORK=FOLDER -DINSTALLED=PREFIX -DOPTIONS=…
#     -P vcpkg_stand_in.cmake
#
# WORK is for the build; INSTALLED gets the package, and may have what it depends on. OPTIONS are further ones of the
# project.
cmake_minimum_required(VERSION 3.21)
get_filename_component(port "${PORTFILE}" DIRECTORY)
file(READ "${port}/vcpkg.json" manifest)
string(JSON PORT GET "${manifest}" name)
set(CURRENT_PACKAGES_DIR "${WORK}/package")
set(CURRENT_INSTALLED_DIR "${INSTALLED}")
set(build "${WORK}/build")

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_find_acquire_program name)
  if(NOT name STREQUAL "PKGCONFIG")
    message(FATAL_ERROR "no ${name} is here")
  endif()
  find_program(program pkg-config REQUIRED)
  set(${name} "${program}" PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 given "" "SOURCE_PATH" "OPTIONS")
  if(given_UNPARSED_ARGUMENTS OR NOT VCPKG_BUILD_TYPE STREQUAL "release")
    message(FATAL_ERROR "this is not stood in for: ${given_UNPARSED_ARGUMENTS}")
  endif()
  set(shared OFF)
  if(VCPKG_LIBRARY_LINKAGE STREQUAL "dynamic")
    set(shared ON)
  endif()
  run("${CMAKE_COMMAND}" -S "${given_SOURCE_PATH}" -B "${build}" -DCMAKE_BUILD_TYPE=Release
    -DBUILD_SHARED_LIBS=${shared} "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}" -DCMAKE_INSTALL_LIBDIR=lib
    "-DCMAKE_PREFIX_PATH=${CURRENT_INSTALLED_DIR}" ${given_OPTIONS} ${OPTIONS})
endfunction()

function(vcpkg_cmake_install)
  run("${CMAKE_COMMAND}" --build "${build}" --target install)
endfunction()

# paths become relative, so that the package can be moved
function(vcpkg_fixup_pkgconfig)
  file(READ "${CURRENT_PACKAGES_DIR}/lib/pkgconfig/${PORT}.pc" text)
  string(REPLACE "${CURRENT_PACKAGES_DIR}" "\${prefix}" text "${text}")
  string(REGEX REPLACE "(^|\n)prefix=[^\n]*" "\\1prefix=\${pcfiledir}/../.." text "${text}")
  file(WRITE "${CURRENT_PACKAGES_DIR}/lib/pkgconfig/${PORT}.pc" "${text}")
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 given "" "" "FILE_LIST")
  foreach(file ${given_FILE_LIST})
    file(READ "${file}" text)
    file(APPEND "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" "${text}")
  endforeach()
endfunction()

include("${PORTFILE}")

# some of what vcpkg refuses
foreach(file share/${PORT}/copyright share/${PORT}/usage share/${PORT}/${PORT}Config.cmake include)
  if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/${file}")
    message(FATAL_ERROR "the package has no ${file}")
  endif()
endforeach()
file(GLOB_RECURSE shared "${CURRENT_PACKAGES_DIR}/*.so*")
file(GLOB_RECURSE static "${CURRENT_PACKAGES_DIR}/*.a")
if((VCPKG_LIBRARY_LINKAGE STREQUAL "dynamic" AND (static OR NOT shared))
    OR (VCPKG_LIBRARY_LINKAGE STREQUAL "static" AND shared))
  message(FATAL_ERROR "not the libraries of ${VCPKG_LIBRARY_LINKAGE}: ${shared} ${static}")
endif()
file(GLOB_RECURSE texts "${CURRENT_PACKAGES_DIR}/*.cmake" "${CURRENT_PACKAGES_DIR}/*.pc")
foreach(file ${texts})
  file(READ "${file}" text)
  string(FIND "${text}" "${WORK}" at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "${file} knows where it was built")
  endif()
endforeach()
if(EXISTS "${CURRENT_PACKAGES_DIR}/lib/cmake" OR EXISTS "${CURRENT_PACKAGES_DIR}/debug")
  message(FATAL_ERROR "files are where vcpkg wants none")
endif()
file(INSTALL "${CURRENT_PACKAGES_DIR}/" DESTINATION "${INSTALLED}")
