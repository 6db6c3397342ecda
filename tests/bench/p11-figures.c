#include "p11-figures.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void figures_sort(uint64_t *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
}

uint64_t figures_quantile(const uint64_t *values, size_t count, unsigned percent)
{
    size_t i = count * percent / 100;

    return values[i < count ? i : count - 1];
}

static unsigned status_value(const char *key)
{
    FILE *file = fopen("/proc/self/status", "re");
    unsigned value = 0;
    char line[256];

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            value = (unsigned)strtoul(line + strlen(key), NULL, 10);
    fclose(file);
    return value;
}

unsigned resident_kilobytes(void)
{
    return status_value("VmRSS:");
}

unsigned peak_kilobytes(void)
{
    return status_value("VmHWM:");
}

static int count_object(struct dl_phdr_info *info, size_t size, void *counter)
{
    (void)size;
    *(unsigned *)counter += info->dlpi_name != NULL && strstr(info->dlpi_name, ".so") != NULL;
    return 0;
}

unsigned mapped_libraries(void)
{
    unsigned counter = 0;

    dl_iterate_phdr(count_object, &counter);
    return counter;
}
