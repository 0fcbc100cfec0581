# SPDX-License-Identifier: MIT
#
# The words each folder uses to list what is in it.

# Sources of the library: .c and .S files of the calling folder.
function(troupe_sources)
    foreach(source ${ARGN})
        target_sources(troupe_objects PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${source})
    endforeach()
endfunction()

# Tests: each x_test.c becomes a program of its own, linked with the static library, so that names
# internal to the library (tr__) and the headers in src/ are within its reach.
function(troupe_tests)
    if(NOT TR_TESTS)
        return()
    endif()
    foreach(source ${ARGN})
        get_filename_component(name ${source} NAME_WE)
        add_executable(${name} ${source})
        target_include_directories(${name} PRIVATE
            ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/test)
        target_link_libraries(${name} PRIVATE check troupe::static m)
        if(CMAKE_CROSSCOMPILING)
            target_compile_definitions(${name} PRIVATE CHECK_EMULATED=1)
        endif()
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test)
        if(TR_LTO)
            # Each takes seconds to link; make and make demo do without, tools/test asks for them.
            set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
            set_property(GLOBAL APPEND PROPERTY troupe_tests ${name})
        endif()
        add_test(NAME ${name} COMMAND ${name})
        set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
    endforeach()
endfunction()

# Examples: each x.c becomes the program examples/x. Where a file x.out stands beside it, a test
# runs the program and compares what it prints.
function(troupe_examples)
    foreach(source ${ARGN})
        get_filename_component(name ${source} NAME_WE)
        add_executable(${name} ${source})
        target_link_libraries(${name} PRIVATE troupe::static)
        set(expected ${CMAKE_CURRENT_SOURCE_DIR}/${name}.out)
        if(TR_TESTS AND EXISTS ${expected})
            add_test(NAME example_${name}
                COMMAND ${PROJECT_SOURCE_DIR}/tools/compare ${expected}
                    ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:${name}>)
            set_tests_properties(example_${name} PROPERTIES SKIP_RETURN_CODE 77)
        endif()
    endforeach()
endfunction()

# Examples whose output is a matter of time: their tests run in a replay, where a busy machine is late
# for nothing and a pause takes no time.
function(troupe_in_virtual_time)
    foreach(name ${ARGN})
        if(TEST example_${name})
            set_tests_properties(example_${name} PROPERTIES ENVIRONMENT TROUPE_REPLAY=1)
        endif()
    endforeach()
endfunction()

# Fuzz targets: each x_fuzz.c becomes a libFuzzer program in fuzz/, with TR_FUZZ and clang only.
function(troupe_fuzz_targets)
    if(NOT TR_FUZZ)
        return()
    endif()
    foreach(source ${ARGN})
        get_filename_component(name ${source} NAME_WE)
        add_executable(${name} ${source})
        target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
        target_link_libraries(${name} PRIVATE troupe::static)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    endforeach()
endfunction()

# A library of its own beside the main one, for those who link LIBRARY anyway: libtroupe-NAME, shared
# and static, as troupe::NAME_shared and troupe::NAME_static.
function(troupe_component name library)
    add_library(troupe_${name}_objects OBJECT ${ARGN})
    target_link_libraries(troupe_${name}_objects PRIVATE troupe_objects)
    target_include_directories(troupe_${name}_objects PRIVATE ${PROJECT_SOURCE_DIR}/src)
    add_library(troupe_${name}_shared SHARED $<TARGET_OBJECTS:troupe_${name}_objects>)
    add_library(troupe_${name}_static STATIC $<TARGET_OBJECTS:troupe_${name}_objects>)
    foreach(kind shared static)
        add_library(troupe::${name}_${kind} ALIAS troupe_${name}_${kind})
        target_link_libraries(troupe_${name}_${kind} PUBLIC troupe_${kind} PRIVATE ${library})
        set_target_properties(troupe_${name}_${kind} PROPERTIES
            OUTPUT_NAME troupe-${name}
            EXPORT_NAME ${name}_${kind}
            LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
            ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    endforeach()
    set_target_properties(troupe_${name}_shared PROPERTIES
        VERSION ${PROJECT_VERSION}
        SOVERSION ${PROJECT_VERSION_MAJOR})
endfunction()
