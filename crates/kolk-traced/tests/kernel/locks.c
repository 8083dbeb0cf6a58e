#include "common.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static int turn;

static void *take_turns(void *number) {
  int mine = (int)(intptr_t)number;
  for (int round = 0; round < 100; round++) {
    pthread_mutex_lock(&mutex);
    while (turn != mine)
      pthread_cond_wait(&condition, &mutex);
    turn = (turn + 1) % 4;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return (void *)(intptr_t)pthread_barrier_wait(&barrier);
}

static void *cancelled(void *unused) {
  (void)unused;
  pause_ms(100000);
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  pthread_barrier_init(&barrier, NULL, 4);
  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], NULL, take_turns, (void *)(intptr_t)i);
  int serial = 0;
  for (int i = 0; i < 4; i++) {
    void *result;
    pthread_join(threads[i], &result);
    serial += (int)(intptr_t)result == PTHREAD_BARRIER_SERIAL_THREAD;
  }
  printf("one of four: %d\n", serial);
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t = span(t.tv_sec * 1000 * MS + t.tv_nsec + 40 * MS);
  long long began = now();
  pthread_mutex_lock(&mutex);
  printf("condition: %s\n", strerrorname_np(pthread_cond_timedwait(&condition, &mutex, &t)));
  took("condition", began, 40);
  clock_gettime(CLOCK_REALTIME, &t);
  t = span(t.tv_sec * 1000 * MS + t.tv_nsec + 20 * MS);
  pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;
  printf("free: %d\n", pthread_mutex_timedlock(&other, &t));
  pthread_mutex_unlock(&mutex);
  /* A lock on a file, between processes. */
  char path[] = "/tmp/kolk-lock-XXXXXX";
  int file = mkstemp(path);
  say("lock", flock(file, LOCK_EX));
  pid_t child = fork();
  if (child == 0) {
    int mine = open(path, O_RDWR);
    printf("%s\n", flock(mine, LOCK_EX | LOCK_NB) < 0 ? strerrorname_np(errno) : "free");
    fflush(stdout);
    _exit(flock(mine, LOCK_EX) == 0 ? 0 : 1);
  }
  pause_ms(50);
  say("unlock", flock(file, LOCK_UN));
  int status = 1;
  waitpid(child, &status, 0);
  unlink(path);
  printf("locked %d\n", WEXITSTATUS(status));
  (void)cancelled;
  return 0;
}
