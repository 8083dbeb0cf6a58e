#include "common.h"

int main(void) {
  struct timespec t, a, b;
  int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
                  CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID,
                  CLOCK_THREAD_CPUTIME_ID};
  for (int i = 0; i < 9; i++) {
    say("clock_gettime", clock_gettime(clocks[i], &t));
    say("getres", clock_getres(clocks[i], &t));
  }
  say("no such clock", clock_gettime(99, &t));
  say("by a call", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t));
  say("to nowhere", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8));
  /* Wall clock and the rest agree. */
  struct timeval v;
  clock_gettime(CLOCK_REALTIME, &a);
  gettimeofday(&v, NULL);
  time_t seconds = time(NULL);
  clock_gettime(CLOCK_REALTIME, &b);
  printf("%d %d\n", v.tv_sec >= a.tv_sec && v.tv_sec <= b.tv_sec, seconds >= a.tv_sec - 1 && seconds <= b.tv_sec);
  /* Sleeping. */
  long long began = now();
  t = span(50 * MS);
  say("nanosleep", nanosleep(&t, NULL));
  took("nanosleep", began, 50);
  t = (struct timespec){0, 1000 * MS};
  say("too many nanoseconds", nanosleep(&t, NULL));
  t = (struct timespec){-1, 0};
  say("negative", nanosleep(&t, NULL));
  say("from nowhere", syscall(SYS_nanosleep, 8, 0));
  began = now();
  t = span(30 * MS);
  printf("clock_nanosleep: %d\n", clock_nanosleep(CLOCK_REALTIME, 0, &t, NULL));
  took("clock_nanosleep", began, 30);
  began = now();
  t = span(began + 40 * MS);
  printf("until: %d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
  took("until", began, 40);
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec -= 5;
  printf("until the past: %d\n", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
  t = span(1);
  printf("no clock: %d\n", clock_nanosleep(99, 0, &t, NULL));
  /* Interrupted, with what is left. */
  handle(SIGUSR1, SA_RESTART);
  struct later later = {pthread_self(), SIGUSR1, 30};
  pthread_t thread;
  pthread_create(&thread, NULL, send_later, &later);
  t = span(5000 * MS);
  struct timespec rest = {0, 0};
  say("interrupted", nanosleep(&t, &rest));
  left("sleep", rest.tv_sec * 1000 * MS + rest.tv_nsec, 3000, 4971);
  pthread_join(thread, NULL);
  printf("caught %d\n", caught == SIGUSR1);
  /* A signal that nobody handles does not end a sleep. */
  signal(SIGUSR2, SIG_IGN);
  began = now();
  later = (struct later){pthread_self(), SIGUSR2, 30};
  pthread_create(&thread, NULL, send_later, &later);
  t = span(100 * MS);
  say("ignored", nanosleep(&t, NULL));
  took("ignored", began, 100);
  pthread_join(thread, NULL);
  /* Waiting by looking. */
  began = now();
  while (now() < began + 20 * MS) {
  }
  took("looking", began, 20);
  began = now();
  while (now() < began + 5 * MS)
    sched_yield();
  took("giving way", began, 5);
  return 0;
}
