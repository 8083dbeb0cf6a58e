/* POSIX threads: one ticks, one reads lines and echoes them, and one for each line answers later.
   Four more fight over a mutex for a while. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static long turns;

static long long now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void pause_ms(long ms) {
  struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&pause, NULL);
}

static void *tick(void *unused) {
  for (long number = 0;; number++) {
    pause_ms(1000);
    printf("tick %ld %lld\n", number, now());
  }
  return unused;
}

static void *later(void *line) {
  pause_ms(250);
  printf("later %s %lld\n", (char *)line, now());
  free(line);
  return NULL;
}

/* Each waits for its turn on a condition, with a timeout that is never needed. */
static void *turn(void *place) {
  long own = (long)place;
  for (int round = 0; round < 50; round++) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&lock);
    while (turns % 4 != own) pthread_cond_timedwait(&turned, &lock, &until);
    turns++;
    pthread_cond_broadcast(&turned);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

static pthread_t begin(void *(*body)(void *), void *argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, body, argument) != 0) abort();
  return thread;
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  pthread_t players[4];
  for (long place = 0; place < 4; place++) players[place] = begin(turn, (void *)place);
  for (int place = 0; place < 4; place++) pthread_join(players[place], NULL);
  unsigned long drawn;
  if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn) abort();
  printf("turns %ld drawn %lu\n", turns, drawn);
  pthread_detach(begin(tick, NULL));
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    line[strcspn(line, "\n")] = 0;
    printf("echo %s %lld\n", line, now());
    pthread_detach(begin(later, strdup(line)));
  }
  return 0;
}
