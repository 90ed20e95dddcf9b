/* SPDX-License-Identifier: ISC */
/* Runs a call on a stack of its own, and looks there afterwards for every secret that it met. Registers are out of scope. */
#ifndef VPN_TESTS_MEMORY_STACK_H
#define VPN_TESTS_MEMORY_STACK_H

#include <stddef.h>
#include <stdint.h>

/* Something that may not stay behind; at least 16 bytes. stack_wraps.c adds what the library computes with. */
void stack_secret(const char *name, const void *bytes, size_t length);
void stack_forget(void);
size_t stack_secrets(void);

/* Returns NULL or what was left on the stack. The call gets what it needs from static memory and must not use Check. */
const char *stack_scan(void (*call)(void));

#endif
