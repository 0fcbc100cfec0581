# SPDX-License-Identifier: MIT
#
# What `make install` puts where: libraries, headers, and the files by which pkg-config and CMake
# find them. Both find the library relative to themselves, so that an installed tree can be moved.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/troupe)

install(TARGETS troupe_shared troupe_static EXPORT troupe-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES share/troupe/troupe-gdb.py DESTINATION ${CMAKE_INSTALL_DATADIR}/troupe)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h*")

file(RELATIVE_PATH pc_to_prefix /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(cmake/troupe.pc.in troupe.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/troupe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

configure_package_config_file(cmake/troupe-config.cmake.in troupe-config.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(troupe-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${PROJECT_BINARY_DIR}/troupe-config.cmake
    ${PROJECT_BINARY_DIR}/troupe-config-version.cmake
    DESTINATION ${package_dir})
install(EXPORT troupe-targets NAMESPACE troupe:: DESTINATION ${package_dir})

# The libraries of their own, where they are built.
foreach(part http sqlite)
    if(TARGET troupe_${part}_shared)
        install(TARGETS troupe_${part}_shared troupe_${part}_static EXPORT troupe-${part}-targets
            LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
        install(EXPORT troupe-${part}-targets NAMESPACE troupe:: DESTINATION ${package_dir})
        configure_file(cmake/troupe-${part}.pc.in troupe-${part}.pc @ONLY)
        install(FILES ${PROJECT_BINARY_DIR}/troupe-${part}.pc
            DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
    endif()
endforeach()
