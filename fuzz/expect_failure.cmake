# Runs COMMAND, which must fail, and by one of our own CHECKs: anything else means the negative control is broken.
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0 OR NOT output MATCHES "invariant failed")
  message(FATAL_ERROR "the negative control was not caught (result ${result}):\n${output}")
endif()
message(STATUS "the negative control was caught, as it must be")
