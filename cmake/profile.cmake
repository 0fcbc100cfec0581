# SPDX-License-Identifier: MIT
#
# Optimising the library by a profile. TR_PGO=generate makes a library that counts what it runs;
# tools/train runs some programs with that and puts the counts into the folder of the release build,
# where gcc looks for those of x.c beside x.c.o. TR_PGO=use optimises with what is found there.

if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
    return() # clang has another way
endif()

if(TR_PGO STREQUAL "generate")
    target_compile_options(troupe_objects PRIVATE -fprofile-generate -fprofile-update=atomic)
    add_link_options(-fprofile-generate)
elseif(TR_PGO STREQUAL "use")
    file(GLOB_RECURSE tr_profile ${PROJECT_BINARY_DIR}/CMakeFiles/troupe_objects.dir/*.gcda)
    if(tr_profile)
        # What the training did not run is optimised as without a profile, not for size. A file that
        # was changed since then is, too. gcc inlines otherwise with a profile, and is then wrong
        # about what it sees: the other builds have its warnings.
        set(wrong -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-string-compare)
        target_compile_options(troupe_objects PRIVATE
            -fprofile-use -fprofile-partial-training -fprofile-correction
            -Wno-missing-profile -Wno-coverage-mismatch ${wrong})
        add_link_options(${wrong})
        target_link_options(troupe_shared PRIVATE ${wrong}) # which was there before
    else()
        message(STATUS "no profile: tools/train makes one")
    endif()
endif()
