/* A machine whose clock can be stepped while its programs run: preloaded (LD_PRELOAD) into each of them.
 *
 * The wall clock is the machine's plus the nanoseconds that stand in the file KOUAN_FAULTS_CLOCK (a 64-bit
 * integer, mapped once, so that a step is seen at once by every process). Clocks that cannot be stepped
 * (CLOCK_MONOTONIC and the like) stay as they are, as they do on a real machine.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset;

__attribute__((constructor)) static void find_offset(void)
{
    const char *path = getenv("KOUAN_FAULTS_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *place = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (place != MAP_FAILED)
        offset = place;
}

static int64_t wall_clock(clockid_t clock)
{
    struct timespec now;
    syscall(SYS_clock_gettime, clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec + (offset ? *offset : 0);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return syscall(SYS_clock_gettime, clock, now);
    int64_t ns = wall_clock(clock);
    now->tv_sec = ns / 1000000000;
    now->tv_nsec = ns % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    int64_t ns = wall_clock(CLOCK_REALTIME);
    now->tv_sec = ns / 1000000000;
    now->tv_usec = ns % 1000000000 / 1000;
    return 0;
}

time_t time(time_t *now)
{
    time_t seconds = wall_clock(CLOCK_REALTIME) / 1000000000;
    if (now)
        *now = seconds;
    return seconds;
}
