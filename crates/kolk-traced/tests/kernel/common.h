/* What the programs of this folder share. Each prints what calls gave; the same on the machine's clock
   and traced. Times are only compared with what they must lie between. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000LL

static inline long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static inline struct timespec span(long long nanos) {
  return (struct timespec){nanos / (1000 * MS), nanos % (1000 * MS)};
}

/* A result, as 0, a positive number, or an error's name. */
static inline void say(const char *what, long result) {
  if (result < 0)
    printf("%s: %s\n", what, strerrorname_np(errno));
  else
    printf("%s: %ld\n", what, result);
  fflush(stdout);
}

/* Whether so many milliseconds have passed; a machine under load may add a second. */
static inline void took(const char *what, long long began, long long ms) {
  long long passed = now() - began;
  int fits = passed >= ms * MS && passed < (ms + 1500) * MS;
  if (fits)
    printf("%s took its time\n", what);
  else
    printf("%s took %lld us, not %lld ms\n", what, passed / 1000, ms);
  fflush(stdout);
}

/* Whether a time that is left lies between. */
static inline void left(const char *what, long long nanos, long long from_ms, long long to_ms) {
  int fits = nanos >= from_ms * MS && nanos <= to_ms * MS;
  if (fits)
    printf("%s is left\n", what);
  else
    printf("%s: %lld us are left\n", what, nanos / 1000);
  fflush(stdout);
}

static inline void pause_ms(long long ms) {
  struct timespec t = span(ms * MS);
  while (nanosleep(&t, &t) < 0 && errno == EINTR) {
  }
}

/* The first number that the process's table of descriptors has no room for; the last that a set holds,
   if it has room for all of them. */
static inline int beyond_table(void) {
  FILE *status = fopen("/proc/self/status", "r");
  char line[200];
  int size = 0;
  while (status && fgets(line, sizeof line, status))
    sscanf(line, "FDSize: %d", &size);
  if (status)
    fclose(status);
  return size < FD_SETSIZE ? size : FD_SETSIZE - 1;
}

static volatile sig_atomic_t caught;
static inline void note(int number) { caught = number; }

static inline void handle(int number, int flags) {
  struct sigaction action = {.sa_handler = note, .sa_flags = flags};
  sigaction(number, &action, NULL);
}

/* A thread that sends its maker a signal after a while. */
struct later {
  pthread_t to;
  int number;
  int ms;
};
static inline void *send_later(void *argument) {
  struct later *later = argument;
  pause_ms(later->ms);
  pthread_kill(later->to, later->number);
  return NULL;
}
