# A part of cmake --install: fills in the templates, with the places that install.cmake says.
set(PREFIX "${CMAKE_INSTALL_PREFIX}")
foreach(place LIBDIR INCLUDEDIR CMAKE_DIR)
  if(NOT IS_ABSOLUTE "${${place}}")
    set(${place} "${PREFIX}/${${place}}")
  endif()
endforeach()
foreach(place LIBDIR INCLUDEDIR)
  file(RELATIVE_PATH from_config "${CMAKE_DIR}" "${${place}}")
  string(REGEX REPLACE "/$" "" ${place}_FROM_CONFIG "${from_config}")
endforeach()

foreach(file "${LIBDIR}/pkgconfig/pop3connect.pc" "${CMAKE_DIR}/pop3connectConfig.cmake"
    "${CMAKE_DIR}/pop3connectConfigVersion.cmake")
  get_filename_component(name "${file}" NAME)
  configure_file("${templates}/${name}.in" "$ENV{DESTDIR}${file}" @ONLY)
  message(STATUS "Installing: $ENV{DESTDIR}${file}")
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${file}")
endforeach()
