# SPDX-License-Identifier: MIT
#
# Compiler flags, for every target of this tree.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()
set(CMAKE_C_FLAGS_DEBUG "-O1 -g" CACHE STRING "Flags of the Debug kind" FORCE)
set(CMAKE_C_FLAGS_RELEASE "-O3 -g" CACHE STRING "Flags of the Release kind" FORCE)

# The context switch keeps callee-saved registers only, and a process may wake on another thread:
# initial-exec makes each read of a thread-local variable one load, in the shared library too.
add_compile_options(
    -ftls-model=initial-exec
    -fno-omit-frame-pointer
    "$<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Wshadow;-Wconversion>")

# Functions with a context switch in them are opaque to gcc (TR__OPAQUE); this is for the tests,
# which switch in functions of their own.
add_compile_options("$<$<AND:$<COMPILE_LANGUAGE:C>,$<C_COMPILER_ID:GNU>>:-fno-ipa-reference>")

if(TR_WERROR)
    add_compile_options(-Werror)
endif()
if(TR_CHECKS)
    add_compile_definitions(TR_CHECKS=1 TR_FAULTS=1)
endif()
if(TR_HOSTILE)
    add_compile_definitions(TR_HOSTILE=1)
endif()
if(TR_VALGRIND)
    add_compile_definitions(TR_VALGRIND=1)
endif()
if(TR_SANITIZE)
    add_compile_options(-fsanitize=${TR_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${TR_SANITIZE})
endif()

# Both steps in one build folder: gcc looks for the profile of x.c.o beside it. What the training does
# not run is optimised as without a profile, not for size. gcc inlines otherwise with a profile, and is
# then wrong about what it sees: release has its warnings.
if(TR_PGO AND NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
    message(FATAL_ERROR "TR_PGO needs gcc")
elseif(TR_PGO STREQUAL "generate")
    add_compile_options(-fprofile-generate -fprofile-update=atomic)
    add_link_options(-fprofile-generate)
elseif(TR_PGO STREQUAL "use")
    file(GLOB_RECURSE tr_profiles ${PROJECT_BINARY_DIR}/*.gcda)
    if(NOT tr_profiles)
        message(FATAL_ERROR "there is no profile in ${PROJECT_BINARY_DIR}: run tools/pgo")
    endif()
    add_compile_options(-fprofile-use -fprofile-partial-training -fprofile-correction
        -Wno-missing-profile -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-string-compare)
endif()

if(TR_LTO)
    include(CheckIPOSupported)
    check_ipo_supported(LANGUAGES C)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    # The static library must also serve programs that are linked without it.
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-ffat-lto-objects)
    endif()
endif()
