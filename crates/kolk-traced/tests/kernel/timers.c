#include "common.h"

int main(void) {
  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  uint64_t count = 0;
  struct itimerspec value = {{0, 0}, {0, 40 * MS}}, was;
  long long began = now();
  say("set", timerfd_settime(timer, 0, &value, NULL));
  say("get", timerfd_gettime(timer, &was));
  left("timer", was.it_value.tv_nsec, 0, 40);
  say("read", read(timer, &count, 8));
  took("timer", began, 40);
  printf("%lu\n", count);
  /* Again and again, and to a poll. */
  value = (struct itimerspec){{0, 20 * MS}, {0, 20 * MS}};
  say("interval", timerfd_settime(timer, 0, &value, &was));
  printf("%ld %ld\n", (long)was.it_value.tv_nsec, (long)was.it_interval.tv_nsec);
  for (int i = 0; i < 3; i++) {
    struct pollfd list = {timer, POLLIN, 0};
    say("poll", poll(&list, 1, 5000));
    say("read", read(timer, &count, 8));
  }
  value = (struct itimerspec){{0, 0}, {0, 0}};
  say("stop", timerfd_settime(timer, 0, &value, NULL));
  struct pollfd list = {timer, POLLIN, 0};
  say("stopped", poll(&list, 1, 50));
  /* At a time of the wall clock. */
  int wall = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  value = (struct itimerspec){{0, 0}, span(t.tv_sec * 1000 * MS + t.tv_nsec + 30 * MS)};
  began = now();
  say("at", timerfd_settime(wall, TFD_TIMER_ABSTIME, &value, NULL));
  say("not yet", read(wall, &count, 8));
  list.fd = wall;
  say("poll", poll(&list, 1, 5000));
  took("at", began, 30);
  say("read", read(wall, &count, 8));
  value.it_value.tv_nsec = 1000 * MS;
  say("bad", timerfd_settime(wall, 0, &value, NULL));
  say("no timer", timerfd_settime(0, 0, &value, NULL));
  say("no descriptor", timerfd_settime(99, 0, &value, NULL));
  return 0;
}
