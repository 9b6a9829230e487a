# The negative control: runs a campaign with something left out and passes only if it exits with 1 (found), not by a
# signal or a wrong argument, and names the loss. cmake -DPROGRAM=... "-DARGUMENTS=a;b" -P expect_caught.cmake
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
message("${output}")
if(NOT result STREQUAL "1")
  message(FATAL_ERROR "the control was not caught: exit ${result}, not 1")
endif()
if(NOT output MATCHES "acknowledged data is lost|open after a power cut|on a healthy disk: open")
  message(FATAL_ERROR "the control failed for another reason than the loss")
endif()
