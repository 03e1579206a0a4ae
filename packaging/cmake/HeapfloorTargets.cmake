# How every target of the project is made: one warning set, one include root, one naming.

find_program(HEAPFLOOR_CCACHE ccache)
if(HEAPFLOOR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths below the source folder are hashed as relative ones, so that every clone of a machine shares what was compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    ${HEAPFLOOR_CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(tl-expected REQUIRED)

add_library(heapfloor_options INTERFACE)
target_compile_features(heapfloor_options INTERFACE cxx_std_20)
target_compile_options(heapfloor_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion)
target_include_directories(heapfloor_options INTERFACE ${CMAKE_SOURCE_DIR})
target_link_libraries(heapfloor_options INTERFACE tl::expected)

# heapfloor_library(NAME SOURCES ... [LINKS ...])
# A static library of the product. LINKS are private: a layer sees only what it names.
function(heapfloor_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC heapfloor_options PRIVATE ${arg_LINKS})
endfunction()

# What the thread sanitizer has to see: `cmake --build --preset tsan --target threads_tests`.
add_custom_target(threads_tests)

# heapfloor_test(NAME SOURCES ... LINKS ... [LABELS ...] [TIMEOUT SECONDS])
# One GoogleTest program of a test folder, registered with ctest as one test a case.
function(heapfloor_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE heapfloor_options ${arg_LINKS} GTest::gmock GTest::gtest_main)
  # Only where it is used: what holds the folder's name cannot be shared with another clone.
  foreach(source IN LISTS arg_SOURCES)
    file(STRINGS ${source} uses_source_dir REGEX "HEAPFLOOR_SOURCE_DIR" LIMIT_COUNT 1)
    if(uses_source_dir)
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS HEAPFLOOR_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    endif()
  endforeach()
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if("threads" IN_LIST arg_LABELS)
    add_dependencies(threads_tests ${name})
  endif()
  gtest_discover_tests(${name} TEST_PREFIX ${name}. PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} DISCOVERY_TIMEOUT 60)
endfunction()

# heapfloor_fuzz_target(NAME SOURCE file LINKS ...)
# NAME_fuzz defines LLVMFuzzerTestOneInput. With HEAPFLOOR_FUZZ it is a libFuzzer program; otherwise the same file
# is linked to a small main that replays tests/fuzz/corpus/NAME and bounded mutations of it, as a ctest.
function(heapfloor_fuzz_target name)
  cmake_parse_arguments(arg "" "SOURCE" "LINKS" ${ARGN})
  if(HEAPFLOOR_FUZZ)
    add_executable(${name}_fuzz ${arg_SOURCE})
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name}_fuzz ${arg_SOURCE} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
    add_test(NAME fuzz.${name} COMMAND ${name}_fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS corpus TIMEOUT 300)
  endif()
  target_link_libraries(${name}_fuzz PRIVATE heapfloor_options ${arg_LINKS})
endfunction()
