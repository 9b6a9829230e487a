# The install package: find_package(clinicdb) gives clinicdb::embedded, the whole store for embedding, in every form
# that the build tree has it. The static libraries it is made of ride in the same export set.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

add_library(clinicdb_embedded INTERFACE)
add_library(clinicdb::embedded ALIAS clinicdb_embedded)
target_link_libraries(clinicdb_embedded INTERFACE clinicdb::clinic clinicdb::engine clinicdb::base)

if(PROJECT_IS_TOP_LEVEL)
  set(clinicdb_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/clinicdb)
  set(clinicdb_installed clinicdb_embedded clinicdb_clinic clinicdb_schema clinicdb_engine clinicdb_base)
  foreach(target IN LISTS clinicdb_installed)
    string(REPLACE clinicdb_ "" exported ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${exported})
  endforeach()
  install(TARGETS ${clinicdb_installed} EXPORT clinicdb FILE_SET HEADERS)
  install(EXPORT clinicdb NAMESPACE clinicdb:: DESTINATION ${clinicdb_package_dir} FILE clinicdb-targets.cmake)
  install(TARGETS clinicdb)

  configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/clinicdb-config.cmake.in clinicdb-config.cmake
    INSTALL_DESTINATION ${clinicdb_package_dir})
  # Before 1.0 a minor version may break; what was built for 0.1 is not offered 0.2.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/clinicdb-config-version.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES
    ${PROJECT_BINARY_DIR}/clinicdb-config.cmake ${PROJECT_BINARY_DIR}/clinicdb-config-version.cmake
    ${CMAKE_CURRENT_LIST_DIR}/Findlz4.cmake ${CMAKE_CURRENT_LIST_DIR}/Findutf8proc.cmake
    ${CMAKE_CURRENT_LIST_DIR}/FindxxHash.cmake
    DESTINATION ${clinicdb_package_dir})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
    DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()
