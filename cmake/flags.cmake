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

if(TR_LTO)
    include(CheckIPOSupported)
    check_ipo_supported(LANGUAGES C)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    # The static library must also serve programs that are linked without it.
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-ffat-lto-objects)
    endif()
endif()
