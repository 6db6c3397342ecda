/*
 * Several workers that sign as fast as they can. One line: "KIND WORKERS RATE P50 P99 FAILED": signatures a
 * second, the latency of one in microseconds, and how many were refused. False when any was.
 */
#ifndef BENCH_P11_LOAD_H
#define BENCH_P11_LOAD_H

#include "p11-client.h"

bool load_by_threads(const struct p11_options *options, unsigned workers, unsigned seconds);
bool load_by_processes(const struct p11_options *options, unsigned workers, unsigned seconds);

#endif
