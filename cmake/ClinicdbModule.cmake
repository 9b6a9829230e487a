# What every module of ClinicDB has in common: the language level, and, where ClinicDB is the project being
# built, its warnings. The warnings are an interface target that is never exported: they are ours, not our users'.

add_library(clinicdb_warnings INTERFACE)
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(clinicdb_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
    -Woverloaded-virtual -Werror
    # g++ 12 gives both without cause, for strings inlined out of a Result or built by "+" at -O2.
    "$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-restrict>")
endif()

# clinicdb_module(target): one module, one include root.
function(clinicdb_module target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:clinicdb_warnings>)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF
    POSITION_INDEPENDENT_CODE ON
    VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
endfunction()
