/* SPDX-License-Identifier: MIT */
/*
 * Counting and mapping macro arguments.
 *
 * TR__COUNT(a, b, c) is 3 and TR__COUNT() is 0. TR__MAP(m, a, b, c) is m(a), m(b), m(c). Up to 64
 * arguments; the argument lists of build, match, send and tr_atoms are made of these two.
 */
#ifndef TROUPE_EACH_H
#define TROUPE_EACH_H

#define TR__CAT_(a, b) a##b
#define TR__CAT(a, b)  TR__CAT_(a, b)

/* clang-format off */
#define TR__COUNT(...) TR__COUNT_(0, ##__VA_ARGS__, TR__COUNTDOWN)
#define TR__COUNT_(...) TR__COUNT_NTH(__VA_ARGS__)
#define TR__COUNTDOWN \
    64, 63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, \
    42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, \
    20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0
#define TR__COUNT_NTH( \
    _0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, _18, \
    _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32, _33, _34, _35, \
    _36, _37, _38, _39, _40, _41, _42, _43, _44, _45, _46, _47, _48, _49, _50, _51, _52, \
    _53, _54, _55, _56, _57, _58, _59, _60, _61, _62, _63, _64, n, ...) n

#define TR__MAP(m, ...) TR__CAT(TR__MAP, TR__COUNT(__VA_ARGS__))(m, ##__VA_ARGS__)
#define TR__MAP0(m)
#define TR__MAP1(m, x) m(x)
#define TR__MAP2(m, x, ...) m(x), TR__MAP1(m, __VA_ARGS__)
#define TR__MAP3(m, x, ...) m(x), TR__MAP2(m, __VA_ARGS__)
#define TR__MAP4(m, x, ...) m(x), TR__MAP3(m, __VA_ARGS__)
#define TR__MAP5(m, x, ...) m(x), TR__MAP4(m, __VA_ARGS__)
#define TR__MAP6(m, x, ...) m(x), TR__MAP5(m, __VA_ARGS__)
#define TR__MAP7(m, x, ...) m(x), TR__MAP6(m, __VA_ARGS__)
#define TR__MAP8(m, x, ...) m(x), TR__MAP7(m, __VA_ARGS__)
#define TR__MAP9(m, x, ...) m(x), TR__MAP8(m, __VA_ARGS__)
#define TR__MAP10(m, x, ...) m(x), TR__MAP9(m, __VA_ARGS__)
#define TR__MAP11(m, x, ...) m(x), TR__MAP10(m, __VA_ARGS__)
#define TR__MAP12(m, x, ...) m(x), TR__MAP11(m, __VA_ARGS__)
#define TR__MAP13(m, x, ...) m(x), TR__MAP12(m, __VA_ARGS__)
#define TR__MAP14(m, x, ...) m(x), TR__MAP13(m, __VA_ARGS__)
#define TR__MAP15(m, x, ...) m(x), TR__MAP14(m, __VA_ARGS__)
#define TR__MAP16(m, x, ...) m(x), TR__MAP15(m, __VA_ARGS__)
#define TR__MAP17(m, x, ...) m(x), TR__MAP16(m, __VA_ARGS__)
#define TR__MAP18(m, x, ...) m(x), TR__MAP17(m, __VA_ARGS__)
#define TR__MAP19(m, x, ...) m(x), TR__MAP18(m, __VA_ARGS__)
#define TR__MAP20(m, x, ...) m(x), TR__MAP19(m, __VA_ARGS__)
#define TR__MAP21(m, x, ...) m(x), TR__MAP20(m, __VA_ARGS__)
#define TR__MAP22(m, x, ...) m(x), TR__MAP21(m, __VA_ARGS__)
#define TR__MAP23(m, x, ...) m(x), TR__MAP22(m, __VA_ARGS__)
#define TR__MAP24(m, x, ...) m(x), TR__MAP23(m, __VA_ARGS__)
#define TR__MAP25(m, x, ...) m(x), TR__MAP24(m, __VA_ARGS__)
#define TR__MAP26(m, x, ...) m(x), TR__MAP25(m, __VA_ARGS__)
#define TR__MAP27(m, x, ...) m(x), TR__MAP26(m, __VA_ARGS__)
#define TR__MAP28(m, x, ...) m(x), TR__MAP27(m, __VA_ARGS__)
#define TR__MAP29(m, x, ...) m(x), TR__MAP28(m, __VA_ARGS__)
#define TR__MAP30(m, x, ...) m(x), TR__MAP29(m, __VA_ARGS__)
#define TR__MAP31(m, x, ...) m(x), TR__MAP30(m, __VA_ARGS__)
#define TR__MAP32(m, x, ...) m(x), TR__MAP31(m, __VA_ARGS__)
#define TR__MAP33(m, x, ...) m(x), TR__MAP32(m, __VA_ARGS__)
#define TR__MAP34(m, x, ...) m(x), TR__MAP33(m, __VA_ARGS__)
#define TR__MAP35(m, x, ...) m(x), TR__MAP34(m, __VA_ARGS__)
#define TR__MAP36(m, x, ...) m(x), TR__MAP35(m, __VA_ARGS__)
#define TR__MAP37(m, x, ...) m(x), TR__MAP36(m, __VA_ARGS__)
#define TR__MAP38(m, x, ...) m(x), TR__MAP37(m, __VA_ARGS__)
#define TR__MAP39(m, x, ...) m(x), TR__MAP38(m, __VA_ARGS__)
#define TR__MAP40(m, x, ...) m(x), TR__MAP39(m, __VA_ARGS__)
#define TR__MAP41(m, x, ...) m(x), TR__MAP40(m, __VA_ARGS__)
#define TR__MAP42(m, x, ...) m(x), TR__MAP41(m, __VA_ARGS__)
#define TR__MAP43(m, x, ...) m(x), TR__MAP42(m, __VA_ARGS__)
#define TR__MAP44(m, x, ...) m(x), TR__MAP43(m, __VA_ARGS__)
#define TR__MAP45(m, x, ...) m(x), TR__MAP44(m, __VA_ARGS__)
#define TR__MAP46(m, x, ...) m(x), TR__MAP45(m, __VA_ARGS__)
#define TR__MAP47(m, x, ...) m(x), TR__MAP46(m, __VA_ARGS__)
#define TR__MAP48(m, x, ...) m(x), TR__MAP47(m, __VA_ARGS__)
#define TR__MAP49(m, x, ...) m(x), TR__MAP48(m, __VA_ARGS__)
#define TR__MAP50(m, x, ...) m(x), TR__MAP49(m, __VA_ARGS__)
#define TR__MAP51(m, x, ...) m(x), TR__MAP50(m, __VA_ARGS__)
#define TR__MAP52(m, x, ...) m(x), TR__MAP51(m, __VA_ARGS__)
#define TR__MAP53(m, x, ...) m(x), TR__MAP52(m, __VA_ARGS__)
#define TR__MAP54(m, x, ...) m(x), TR__MAP53(m, __VA_ARGS__)
#define TR__MAP55(m, x, ...) m(x), TR__MAP54(m, __VA_ARGS__)
#define TR__MAP56(m, x, ...) m(x), TR__MAP55(m, __VA_ARGS__)
#define TR__MAP57(m, x, ...) m(x), TR__MAP56(m, __VA_ARGS__)
#define TR__MAP58(m, x, ...) m(x), TR__MAP57(m, __VA_ARGS__)
#define TR__MAP59(m, x, ...) m(x), TR__MAP58(m, __VA_ARGS__)
#define TR__MAP60(m, x, ...) m(x), TR__MAP59(m, __VA_ARGS__)
#define TR__MAP61(m, x, ...) m(x), TR__MAP60(m, __VA_ARGS__)
#define TR__MAP62(m, x, ...) m(x), TR__MAP61(m, __VA_ARGS__)
#define TR__MAP63(m, x, ...) m(x), TR__MAP62(m, __VA_ARGS__)
#define TR__MAP64(m, x, ...) m(x), TR__MAP63(m, __VA_ARGS__)
/* clang-format on */

#endif
