# Builds and runs the outside project in this folder, in WORK, which is emptied first:
#
#   MODE=install     from an install of the build tree BUILD
#   MODE=sources     with the sources SOURCES beside it
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${WORK})
if(MODE STREQUAL install)
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
  set(where -DCMAKE_PREFIX_PATH=${WORK}/prefix)
else()
  # What is tried is that the sources build inside another project; unoptimised and many in one do for that, in a
  # quarter of the time. That each source includes what it uses is tried by the preset tidy.
  set(where -DCLINICDB_SOURCES=${SOURCES} -DCMAKE_CXX_FLAGS=-O0 -DCMAKE_UNITY_BUILD=ON)
endif()
run(${CMAKE_COMMAND} -G Ninja -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/build ${where})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer ${WORK}/data)
file(REMOVE_RECURSE ${WORK})
