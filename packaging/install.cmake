# What `cmake --install` puts where. `--component probe` is what a program that is watched needs to be built.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(TARGET heapfloor)
  install(TARGETS heapfloor COMPONENT agent RUNTIME DESTINATION bin)

  # Manual pages and completion are what the program itself says of its options. They carry the day of the revision, so
  # that a revision gives the same pages whenever it is built.
  find_package(Git QUIET)
  string(TIMESTAMP revision_date "%Y-%m-%d" UTC)
  if(GIT_FOUND)
    execute_process(COMMAND ${GIT_EXECUTABLE} log -1 --format=%cs WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      OUTPUT_VARIABLE git_date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(git_date)
      set(revision_date ${git_date})
    endif()
  endif()
  set(documents)
  foreach(form heapfloor.1 heapfloor.yml.5 bash-completion)
    set(document ${CMAKE_BINARY_DIR}/share/${form})
    add_custom_command(OUTPUT ${document}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/share
      COMMAND sh -c "exec \"$1\" document ${form} --date=${revision_date} >\"$2\"" sh $<TARGET_FILE:heapfloor> ${document}
      DEPENDS heapfloor COMMENT "Writing ${form}" VERBATIM)
    list(APPEND documents ${document})
  endforeach()
  add_custom_target(heapfloor_documents_written ALL DEPENDS ${documents})
  install(FILES ${CMAKE_BINARY_DIR}/share/heapfloor.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT agent)
  install(FILES ${CMAKE_BINARY_DIR}/share/heapfloor.yml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT agent)
  install(FILES ${CMAKE_BINARY_DIR}/share/bash-completion RENAME heapfloor
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT agent)
endif()

install(TARGETS heapfloor_probe heapfloor_probe_static COMPONENT probe
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_COMPONENT probe ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/collectors/probe/include/heapfloor DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT probe FILES_MATCHING PATTERN "*.h")

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/heapfloor)
configure_package_config_file(${CMAKE_SOURCE_DIR}/packaging/cmake/heapfloor-config.cmake.in
  ${CMAKE_BINARY_DIR}/heapfloor-config.cmake INSTALL_DESTINATION ${package_folder}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/heapfloor-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/heapfloor-config.cmake ${CMAKE_BINARY_DIR}/heapfloor-config-version.cmake
  DESTINATION ${package_folder} COMPONENT probe)

# From where the .pc file lies to the prefix: it may be moved.
file(RELATIVE_PATH PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_SOURCE_DIR}/packaging/cmake/heapfloor_probe.pc.in ${CMAKE_BINARY_DIR}/heapfloor_probe.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/heapfloor_probe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT probe)
