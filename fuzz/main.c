/* SPDX-License-Identifier: ISC */
/*
 * Runs a harness over files: corpora as ordinary tests, AFL++, and single inputs that broke something. A directory stands for
 * the files in it; without arguments the input comes from standard input.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

#define LONGEST (1u << 20)

static size_t inputs;

static void run_stream(FILE *stream)
{
    uint8_t *data = malloc(LONGEST);
    size_t size;

    FUZZ_CHECK(data != NULL);
    size = fread(data, 1, LONGEST, stream);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    inputs++;
}

static int run_file(const char *path)
{
    FILE *stream = fopen(path, "rb");

    if (stream == NULL) {
        perror(path);
        return 1;
    }
    run_stream(stream);
    (void)fclose(stream);
    return 0;
}

static int run_directory(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    char name[4096];
    int failed = 0;

    if (directory == NULL) {
        perror(path);
        return 1;
    }
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        failed |= run_file(name);
    }
    (void)closedir(directory);
    return failed;
}

int main(int argc, char **argv)
{
    struct stat about;
    int failed = 0;

    if (argc == 1)
        run_stream(stdin);
    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode))
            failed |= run_directory(argv[i]);
        else
            failed |= run_file(argv[i]);
    }
    printf("%zu inputs\n", inputs);
    return failed || inputs == 0;
}
