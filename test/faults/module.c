/* SPDX-License-Identifier: MIT */
/* What code_fault_test.c loads. */

extern const int fault_module_answer;

__attribute__((visibility("default"))) const int fault_module_answer = 42;
