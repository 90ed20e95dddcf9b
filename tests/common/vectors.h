/* SPDX-License-Identifier: ISC */
/* Published test vectors in JSON, which are not part of the source tree: a program that lacks them is skipped. */
#ifndef VPN_TESTS_COMMON_VECTORS_H
#define VPN_TESTS_COMMON_VECTORS_H

#include "common/test.h"

#include <cjson/cJSON.h>

/* Where they are by default; the environment variable of the same name wins. */
#ifndef VPN_VECTORS
#define VPN_VECTORS "../shared/vectors"
#endif

static inline const char *test_vectors_path(void)
{
    const char *path = getenv("VPN_VECTORS");
    return path && *path ? path : VPN_VECTORS;
}

/* NULL when it cannot be opened. */
static inline FILE *test_vectors_open(const char *name)
{
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/%s", test_vectors_path(), name);
    return length > 0 && (size_t)length < sizeof(path) ? fopen(path, "rb") : NULL;
}

/* A file of vectors, parsed; the caller frees it with cJSON_Delete. A file that is missing or broken fails the test. */
static inline cJSON *test_vectors_load(const char *name)
{
    FILE *file = test_vectors_open(name);
    ck_assert_msg(file != NULL, "cannot open %s in %s", name, test_vectors_path());
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    ck_assert_int_gt(length, 0);
    rewind(file);
    char *text = malloc((size_t)length + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(fread(text, 1, (size_t)length, file), (size_t)length);
    text[length] = '\0';
    fclose(file);
    cJSON *root = cJSON_Parse(text);
    free(text);
    ck_assert_msg(root != NULL, "%s is not JSON", name);
    return root;
}

/* A member that must be text. */
static inline const char *test_vectors_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    ck_assert_msg(text != NULL, "a vector lacks \"%s\"", name);
    return text;
}

/* A member that must be hexadecimal text. */
static inline size_t test_vectors_hex(uint8_t *out, size_t room, const cJSON *object, const char *name)
{
    return test_hex(out, room, test_vectors_text(object, name));
}

static inline int test_vectors_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(cJSON_IsNumber(item), "a vector lacks \"%s\"", name);
    return item->valueint;
}

/* As test_run; without the file `name` it says so and gives TEST_SKIPPED. */
static inline int test_vectors_run(Suite *(*suite_fn)(void), const char *name)
{
    FILE *file = test_vectors_open(name);
    if (!file) {
        printf("SKIPPED: vectors not found at %s\n", test_vectors_path());
        return TEST_SKIPPED;
    }
    fclose(file);
    return test_run(suite_fn());
}

/* main of a program that tests nothing without the file `name`. */
#define TEST_MAIN_VECTORS(suite_fn, name)                                                                              \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        return test_vectors_run(suite_fn, name);                                                                       \
    }

#endif
