# Fetches the packages of package-lock.json, once for all build trees that share MODULES.
# cmake -DNPM=... -DNODE=... -DSOURCE=... -DMODULES=... [-DWITHOUT_TESTS=ON] -P modules.cmake
#
# MODULES is named by what it holds (see CMakeLists.txt), so a folder that is complete never changes. No script of a
# package runs.

set(complete ${MODULES}/complete)
get_filename_component(parent ${MODULES} DIRECTORY)
file(MAKE_DIRECTORY ${parent})
file(LOCK ${MODULES}.lock GUARD PROCESS TIMEOUT 900)
if(EXISTS ${complete})
  return()
endif()

file(REMOVE_RECURSE ${MODULES})
file(MAKE_DIRECTORY ${MODULES})
file(COPY ${SOURCE}/package.json ${SOURCE}/package-lock.json ${SOURCE}/.npmrc DESTINATION ${MODULES})
if(WITHOUT_TESTS)
  set(omit --omit=dev)
endif()
get_filename_component(node_folder ${NODE} DIRECTORY)
set(ENV{PATH} "${node_folder}:$ENV{PATH}")
execute_process(
  COMMAND ${NPM} ci --ignore-scripts --no-progress --loglevel=error ${omit}
  WORKING_DIRECTORY ${MODULES} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  message("${output}")
  message(FATAL_ERROR "npm ci could not fetch the packages of the web page (agent/web/package-lock.json). The npm registry "
                      "must be reachable the first time.")
endif()
file(TOUCH ${complete})
