# tidemill_test_environment(TEST...): what the sanitizers of a test are told.
function(tidemill_test_environment)
  set_tests_properties(${ARGN} PROPERTIES ENVIRONMENT
    "ASAN_OPTIONS=strict_string_checks=1:detect_leaks=1;UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=second_deadlock_stack=1")
endfunction()

# tidemill_room(NAME DEPS room... LIBS library...)
#
# A room is a folder: every *.cc in it (and in its subfolders) that is not a test goes into the static
# library tidemill_<name>; every *_test.cc goes into one test binary <name>_test.
set(TIDEMILL_PCH ${CMAKE_SOURCE_DIR}/cmake/pch.h)
set(TIDEMILL_TEST_PCH ${CMAKE_SOURCE_DIR}/cmake/pch_test.h)

function(tidemill_room name)
  cmake_parse_arguments(ROOM "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(NOT sources)
    set(sources ${CMAKE_SOURCE_DIR}/cmake/empty.cc)
  endif()
  add_library(tidemill_${name} STATIC ${sources})
  target_include_directories(tidemill_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_precompile_headers(tidemill_${name} PRIVATE ${TIDEMILL_PCH})
  foreach(dep ${ROOM_DEPS})
    target_link_libraries(tidemill_${name} PUBLIC tidemill_${dep})
  endforeach()
  target_link_libraries(tidemill_${name} PUBLIC fmt::fmt ${ROOM_LIBS})
  if(tests)
    add_executable(${name}_test ${tests})
    target_precompile_headers(${name}_test PRIVATE ${TIDEMILL_TEST_PCH})
    target_link_libraries(${name}_test PRIVATE tidemill_${name} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE
      TIDEMILL_SOURCE_DIR="${CMAKE_SOURCE_DIR}" TIDEMILL_BINARY_DIR="${CMAKE_BINARY_DIR}")
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 600)
    tidemill_test_environment(${name})
  endif()
endfunction()
