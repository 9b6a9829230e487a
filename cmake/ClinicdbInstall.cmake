# The install package: find_package(clinicdb COMPONENTS client embedded) gives clinicdb::client, the client library, and
# clinicdb::embedded, the whole store for embedding; without COMPONENTS both. The static libraries that they are made of
# ride in the same export sets; what both need is a set of its own, so that the client asks for no RocksDB.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

add_library(clinicdb_embedded INTERFACE)
add_library(clinicdb::embedded ALIAS clinicdb_embedded)
target_link_libraries(clinicdb_embedded INTERFACE clinicdb::clinic clinicdb::engine clinicdb::base)

if(PROJECT_IS_TOP_LEVEL)
  set(clinicdb_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/clinicdb)
  set(clinicdb_common_installed clinicdb_schema clinicdb_base)
  set(clinicdb_client_installed clinicdb_client clinicdb_wire clinicdb_wire_schema)
  set(clinicdb_embedded_installed clinicdb_embedded clinicdb_clinic clinicdb_engine)
  foreach(set common client embedded)
    foreach(target IN LISTS clinicdb_${set}_installed)
      string(REPLACE clinicdb_ "" exported ${target})
      set_target_properties(${target} PROPERTIES EXPORT_NAME ${exported})
    endforeach()
    install(TARGETS ${clinicdb_${set}_installed} EXPORT clinicdb-${set} FILE_SET HEADERS)
    install(EXPORT clinicdb-${set} NAMESPACE clinicdb:: DESTINATION ${clinicdb_package_dir}
      FILE clinicdb-${set}-targets.cmake)
  endforeach()
  install(TARGETS clinicdb)

  configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/clinicdb-config.cmake.in clinicdb-config.cmake
    INSTALL_DESTINATION ${clinicdb_package_dir})
  # Before 1.0 a minor version may break; what was built for 0.1 is not offered 0.2.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/clinicdb-config-version.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES
    ${PROJECT_BINARY_DIR}/clinicdb-config.cmake ${PROJECT_BINARY_DIR}/clinicdb-config-version.cmake
    ${CMAKE_CURRENT_LIST_DIR}/Findlz4.cmake ${CMAKE_CURRENT_LIST_DIR}/Findutf8proc.cmake
    ${CMAKE_CURRENT_LIST_DIR}/FindxxHash.cmake ${CMAKE_CURRENT_LIST_DIR}/Findasio.cmake
    DESTINATION ${clinicdb_package_dir})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
    DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()
