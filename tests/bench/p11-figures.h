/* Clock, quantiles, and what /proc says of this process. */
#ifndef BENCH_P11_FIGURES_H
#define BENCH_P11_FIGURES_H

#include <stddef.h>
#include <stdint.h>

uint64_t microseconds(void); /* monotonic */
void figures_sort(uint64_t *values, size_t count);
/* Of sorted values, count at least 1. */
uint64_t figures_quantile(const uint64_t *values, size_t count, unsigned percent);

unsigned resident_kilobytes(void);
unsigned peak_kilobytes(void);
unsigned mapped_libraries(void); /* ELF shared objects, the loader among them */

#endif
