# What every module of ClinicDB has in common: the language level, and, where ClinicDB is the project being
# built, its warnings. The warnings are an interface target that is never exported: they are ours, not our users'.

add_library(clinicdb_warnings INTERFACE)
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(clinicdb_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
    -Woverloaded-virtual -Werror
    # g++ 12 gives these without cause: the first two for strings inlined out of a Result or built by "+" at -O2, the
    # others where a precompiled header has made it forget that the standard library is a system header.
    "$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread>")
  # And this one in a unity build, which to it is a header.
  if(CMAKE_UNITY_BUILD)
    target_compile_options(clinicdb_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
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

# clinicdb_precompile(target [PROTOBUF] [CLINIC] [TESTS]): parses once what nearly every source of the target includes;
# parsing is most of what a source costs here. Only where ClinicDB is the project being built; without it (preset tidy)
# each source has to include what it uses.
option(CLINICDB_PRECOMPILE "Precompile common headers" ${PROJECT_IS_TOP_LEVEL})
function(clinicdb_precompile target)
  cmake_parse_arguments(ARG "PROTOBUF;CLINIC;TESTS" "" "" ${ARGN})
  if(NOT CLINICDB_PRECOMPILE)
    return()
  endif()
  set(headers <algorithm> <atomic> <chrono> <functional> <map> <memory> <mutex> <optional> <set> <string> <thread>
    <unordered_map> <vector>)
  if(ARG_PROTOBUF)
    list(APPEND headers <google/protobuf/arena.h> <google/protobuf/message.h>)
  endif()
  if(ARG_CLINIC)
    list(APPEND headers <clinicdb/clinic/clinic.h>)
  endif()
  if(ARG_TESTS)
    list(APPEND headers <catch2/catch.hpp>)
  endif()
  target_precompile_headers(${target} PRIVATE ${headers})
endfunction()

# clinicdb_generated(target): sources that protoc wrote. In a unity build they meet, each with statics of the same names.
# Presets with sanitizers leave these out of them: they cost half as much then, and what they call is not
# instrumented either.
set(CLINICDB_GENERATED_OPTIONS "" CACHE STRING "Compile options of generated sources")
function(clinicdb_generated target)
  target_compile_options(${target} PRIVATE ${CLINICDB_GENERATED_OPTIONS})
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD_UNIQUE_ID CLINICDB_UNITY_ID
    UNITY_BUILD_CODE_BEFORE_INCLUDE "#include <google/protobuf/generated_message_reflection.h>
#define CLINICDB_UNITY_JOIN_(a, b) a##b
#define CLINICDB_UNITY_JOIN(a, b) CLINICDB_UNITY_JOIN_(a, b)
#undef schemas
#undef file_default_instances
#define schemas CLINICDB_UNITY_JOIN(schemas_, CLINICDB_UNITY_ID)
#define file_default_instances CLINICDB_UNITY_JOIN(file_default_instances_, CLINICDB_UNITY_ID)")
endfunction()
