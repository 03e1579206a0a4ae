# What `cmake --install` puts where. `--component probe` is what a program that is watched needs to be built.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
find_package(Git QUIET)

# Of the revision, so that it gives the same files whenever it is built.
string(TIMESTAMP revision_date "%Y-%m-%d" UTC)
string(TIMESTAMP CHANGELOG_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
if(GIT_FOUND)
  foreach(form cs cD)
    execute_process(COMMAND ${GIT_EXECUTABLE} log -1 --format=%${form} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      OUTPUT_VARIABLE git_date_${form} OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endforeach()
  if(git_date_cs AND git_date_cD)
    set(revision_date ${git_date_cs})
    set(CHANGELOG_DATE ${git_date_cD})
  endif()
endif()

# heapfloor_packed(OUT SOURCE NAME [DEPENDS ...]): NAME.gz below share/ of the build folder, as Debian wants documents.
function(heapfloor_packed out source name)
  set(packed ${CMAKE_BINARY_DIR}/share/${name}.gz)
  get_filename_component(folder ${packed} DIRECTORY)
  add_custom_command(OUTPUT ${packed}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND sh -c "exec gzip -9n <\"$1\" >\"$2\"" sh ${source} ${packed}
    DEPENDS ${source} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY heapfloor_shared_files ${packed})
  set(${out} ${packed} PARENT_SCOPE)
endfunction()

if(TARGET heapfloor)
  install(TARGETS heapfloor COMPONENT agent RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

  # Manual pages and completion are what the program itself says of its options.
  foreach(form heapfloor.1 heapfloor.yml.5 bash-completion)
    set(document ${CMAKE_BINARY_DIR}/share/${form})
    add_custom_command(OUTPUT ${document}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/share
      COMMAND sh -c "exec \"$1\" document ${form} --date=${revision_date} >\"$2\"" sh $<TARGET_FILE:heapfloor> ${document}
      DEPENDS heapfloor COMMENT "Writing ${form}" VERBATIM)
    set_property(GLOBAL APPEND PROPERTY heapfloor_shared_files ${document})
  endforeach()
  heapfloor_packed(manual ${CMAKE_BINARY_DIR}/share/heapfloor.1 heapfloor.1)
  heapfloor_packed(config_manual ${CMAKE_BINARY_DIR}/share/heapfloor.yml.5 heapfloor.yml.5)
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT agent)
  install(FILES ${config_manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT agent)
  install(FILES ${CMAKE_BINARY_DIR}/share/bash-completion RENAME heapfloor
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT agent)

  # The service. Not among what a plain `cmake --install` does: it configures the machine.
  configure_file(${CMAKE_SOURCE_DIR}/packaging/systemd/heapfloor.service.in ${CMAKE_BINARY_DIR}/share/heapfloor.service @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/share/heapfloor.service DESTINATION lib/systemd/system
    COMPONENT service EXCLUDE_FROM_ALL)
  install(FILES ${CMAKE_SOURCE_DIR}/packaging/systemd/heapfloor.sysusers.conf RENAME heapfloor.conf
    DESTINATION lib/sysusers.d COMPONENT service EXCLUDE_FROM_ALL)
  install(FILES ${CMAKE_SOURCE_DIR}/packaging/debian/heapfloor.yml DESTINATION /etc/heapfloor
    COMPONENT service EXCLUDE_FROM_ALL)
endif()

# The probe: `probe` has all of it; packages have what runs and what is needed to build apart.
foreach(component probe probe_runtime)
  install(TARGETS heapfloor_probe COMPONENT ${component} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_SKIP)
endforeach()
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/heapfloor)
configure_package_config_file(${CMAKE_SOURCE_DIR}/packaging/cmake/heapfloor-config.cmake.in
  ${CMAKE_BINARY_DIR}/heapfloor-config.cmake INSTALL_DESTINATION ${package_folder}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/heapfloor-config-version.cmake COMPATIBILITY SameMinorVersion)
# From where the .pc file lies to the prefix: it may be moved.
file(RELATIVE_PATH PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_SOURCE_DIR}/packaging/cmake/heapfloor_probe.pc.in ${CMAKE_BINARY_DIR}/heapfloor_probe.pc @ONLY)
foreach(component probe probe_dev)
  install(TARGETS heapfloor_probe COMPONENT ${component} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_ONLY)
  install(TARGETS heapfloor_probe_static COMPONENT ${component} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/collectors/probe/include/heapfloor DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    COMPONENT ${component} FILES_MATCHING PATTERN "*.h")
  install(FILES ${CMAKE_BINARY_DIR}/heapfloor-config.cmake ${CMAKE_BINARY_DIR}/heapfloor-config-version.cmake
    DESTINATION ${package_folder} COMPONENT ${component})
  install(FILES ${CMAKE_BINARY_DIR}/heapfloor_probe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT ${component})
endforeach()

# What a Prometheus and a Grafana are given.
foreach(folder grafana prometheus runbooks)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/dashboards/${folder} DESTINATION ${CMAKE_INSTALL_DATADIR}/heapfloor
    COMPONENT dashboards PATTERN "*.test.yml" EXCLUDE)
endforeach()
install(FILES ${CMAKE_SOURCE_DIR}/dashboards/METRICS.md DESTINATION ${CMAKE_INSTALL_DATADIR}/heapfloor COMPONENT dashboards)

include(${CMAKE_SOURCE_DIR}/packaging/packages.cmake)

get_property(shared_files GLOBAL PROPERTY heapfloor_shared_files)
if(shared_files)
  add_custom_target(heapfloor_shared_files ALL DEPENDS ${shared_files})
endif()
