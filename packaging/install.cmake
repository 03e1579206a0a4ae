# What `cmake --install` puts where. `--component probe` is what a program that is watched needs to be built.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(TARGET heapfloor)
  install(TARGETS heapfloor RUNTIME DESTINATION bin)
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
