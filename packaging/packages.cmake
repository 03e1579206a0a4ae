# Debian packages, by CPack: packaging/deb makes them. What they hold says packaging/install.cmake.
set(HEAPFLOOR_MAINTAINER "heapfloor <heapfloor@localhost>" CACHE STRING "Who builds the packages: NAME <ADDRESS>")
set(debian ${CMAKE_SOURCE_DIR}/packaging/debian)

configure_file(${debian}/changelog.in ${CMAKE_BINARY_DIR}/share/debian/changelog.txt @ONLY)
heapfloor_packed(changelog ${CMAKE_BINARY_DIR}/share/debian/changelog.txt debian/changelog)
heapfloor_packed(history ${CMAKE_SOURCE_DIR}/CHANGELOG.md debian/CHANGELOG.md)

# heapfloor_package(COMPONENT NAME SUMMARY DESCRIPTION)
function(heapfloor_package component name summary description)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${description}" PARENT_SCOPE)
  install(FILES ${debian}/copyright ${changelog} DESTINATION share/doc/${name} COMPONENT ${component}_documents EXCLUDE_FROM_ALL)
  if(EXISTS ${debian}/${name}.lintian-overrides)
    install(FILES ${debian}/${name}.lintian-overrides RENAME ${name} DESTINATION share/lintian/overrides
      COMPONENT ${component}_documents EXCLUDE_FROM_ALL)
  endif()
endfunction()

heapfloor_package(agent heapfloor "memory telemetry agent that names what leaks"
"heapfloor follows the memory of every process and cgroup that is left after
each collection of garbage or trough, and says which one leaks, how fast and
when it meets its limit: on a page, for Prometheus and to Alertmanager.
.
It runs as a service with a user of its own and no more privileges than its
collectors need.")
heapfloor_package(probe_runtime heapfloor-probe "heapfloor's probe for C and C++ programs"
"The library that heapfloor run starts a program with. It publishes what the
allocator holds, which allocation sites hold live memory and how large the
structures of the program are, for the heapfloor agent.")
heapfloor_package(probe_dev libheapfloor-dev "heapfloor's probe for C and C++ programs: development files"
"Headers, static library, pkg-config and CMake files to build programs that
name their structures and phases for the heapfloor agent.")
heapfloor_package(dashboards heapfloor-dashboards "heapfloor's rules, dashboards and runbooks"
"Alerting and recording rules for Prometheus, dashboards for Grafana and the
runbooks that alerts lead to, in /usr/share/heapfloor.")

install(FILES ${history} DESTINATION share/doc/heapfloor COMPONENT agent_documents EXCLUDE_FROM_ALL)
install(FILES ${CMAKE_SOURCE_DIR}/packaging/heapfloor.yml DESTINATION share/doc/heapfloor/examples
  COMPONENT agent_documents EXCLUDE_FROM_ALL)
# `heapfloor run` looks for the library by this name, which does not change with the layout of the segment.
install(CODE "
  set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/heapfloor\")
  file(MAKE_DIRECTORY \"\${folder}\")
  file(CREATE_LINK \"$<PATH:RELATIVE_PATH,/${CMAKE_INSTALL_LIBDIR}/$<TARGET_SONAME_FILE_NAME:heapfloor_probe>,/lib/heapfloor>\"
    \"\${folder}/libheapfloor_probe.so\" SYMBOLIC)" COMPONENT probe_runtime_documents EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME heapfloor)
set(CPACK_PACKAGE_CONTACT "${HEAPFLOOR_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL agent service agent_documents probe_runtime probe_runtime_documents probe_dev probe_dev_documents
  dashboards dashboards_documents)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)

set(CPACK_DEBIAN_AGENT_PACKAGE_SECTION admin)
# libcurl and libbpf are loaded when they are needed, so that shlibdeps does not see them.
set(CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS "libcurl4, systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_AGENT_PACKAGE_RECOMMENDS "libbpf1, heapfloor-probe")
set(CPACK_DEBIAN_AGENT_PACKAGE_SUGGESTS "heapfloor-dashboards, prometheus")
set(CPACK_DEBIAN_AGENT_PACKAGE_CONTROL_EXTRA
  "${debian}/postinst;${debian}/prerm;${debian}/postrm;${debian}/conffiles")
set(CPACK_DEBIAN_PROBE_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PROBE_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PROBE_DEV_PACKAGE_DEPENDS "heapfloor-probe (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DASHBOARDS_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_DASHBOARDS_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DASHBOARDS_PACKAGE_SUGGESTS "prometheus")

include(CPack)
foreach(group agent probe_runtime probe_dev dashboards)
  cpack_add_component_group(${group})
  cpack_add_component(${group} GROUP ${group})
  cpack_add_component(${group}_documents GROUP ${group})
endforeach()
cpack_add_component(service GROUP agent)
